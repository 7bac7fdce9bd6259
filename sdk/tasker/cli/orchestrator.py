"""`tasker orchestrator`: the loop that fires timers and schedules, rescues lost steps and prunes old tasks."""

from typing import Annotated

import typer

from tasker.cli.arguments import Url, read_seconds_of
from tasker.cli.logs import LogLevel, log_to_stderr


def orchestrator(
    retention: Annotated[
        str, typer.Option("--retention", help="How long ended tasks are kept, as 7d or 12h.")
    ] = "7d",
    name: Annotated[str | None, typer.Option("--name", help="Default: host:pid.")] = None,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="How much is logged.")
    ] = LogLevel.info,
    url: Url = None,
) -> None:
    """Fire timers and schedules, rescue lost steps and prune old tasks, until stopped.

    It holds no state: run one, or several for availability.
    """
    import anyio

    log_to_stderr(log_level)
    anyio.run(_orchestrate, url, name, read_seconds_of("--retention", retention))


async def _orchestrate(url: str | None, name: str | None, retention: float) -> None:
    import os
    import socket
    from datetime import timedelta
    from uuid import uuid4

    import anyio

    from tasker.cli.serving import serve
    from tasker.database import resolve_database
    from tasker_orchestration.service import OrchestratorSettings, orchestrate
    from tasker_sql.session import Session

    database = await resolve_database(url)
    scope = anyio.CancelScope()

    async def run() -> None:
        async with Session(database.connect_async, patience=None) as session:
            with scope:
                await orchestrate(
                    session.ask,
                    orchestrator_id=uuid4(),
                    name=name or f"{socket.gethostname()}:{os.getpid()}",
                    settings=OrchestratorSettings(retention=timedelta(seconds=retention)),
                )

    await serve(run, scope.cancel)
