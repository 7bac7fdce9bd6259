"""Running something until a signal asks it to stop."""

import logging
import signal
from collections.abc import Awaitable, Callable

import anyio
import typer

from tasker.cli.exit_codes import ExitCode

_log = logging.getLogger(__name__)


async def serve(run: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> None:
    """Run until it ends; SIGTERM and SIGINT call `stop`, once, and a second one ends it at once.

    Raises what `run` raises, and typer.Exit (interrupted) after a second signal.
    """
    signals = 0
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            nonlocal signals
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
                async for _ in received:
                    signals += 1
                    if signals > 1:
                        tasks.cancel_scope.cancel()
                        return
                    _log.info("stopping; once more ends it without waiting")
                    stop()

        tasks.start_soon(listen)
        await run()
        tasks.cancel_scope.cancel()
    if signals > 1:
        raise typer.Exit(ExitCode.INTERRUPTED)
