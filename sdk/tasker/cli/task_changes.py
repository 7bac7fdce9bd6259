"""`tasker task cancel|pause|resume|retry|resolve`: what operators do to whole tasks, with a reason."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, TaskIds, Url, read_ids
from tasker.cli.database import call_one, open_database
from tasker.cli.operate import do_to_each
from tasker.cli.output import Format
from tasker.cli.task_lookup import find_task


def cancel(
    tasks: TaskIds,
    reason: Reason,
    actor: Actor,
    compensate: Annotated[
        bool,
        typer.Option("--compensate", help="Undo first what has completed, as the template says."),
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Cancel tasks and their open steps.

    A running handler is told at its worker's next heartbeat; what it returns changes nothing.
    """
    why = {"reason": reason, "actor": actor, "compensate": compensate}
    _change("cancel_task", "cancelled", tasks, output, url, **why)


def pause(
    tasks: TaskIds, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Hold tasks until they are resumed: none of their steps starts.

    Handlers that are running go on, and what they come to is applied.
    """
    _change("pause_task", "paused", tasks, output, url, reason=reason, actor=actor)


def resume(
    tasks: TaskIds, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Let paused tasks go on."""
    _change("resume_task", "resumed", tasks, output, url, reason=reason, actor=actor)


def retry(
    tasks: TaskIds, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Try the failed steps of tasks again, each with a fresh number of attempts."""
    _change("retry_task", "retried", tasks, output, url, reason=reason, actor=actor)


def resolve(
    tasks: TaskIds, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Close tasks whose purpose was met by hand; their open steps are cancelled."""
    _change("resolve_task", "resolved", tasks, output, url, reason=reason, actor=actor)


def _change(
    verb: str, done: str, tasks: Sequence[str], output: Format, url: str | None, **why: Any
) -> None:
    with open_database(url) as connection:

        def act(given: str) -> Any:
            return call_one(connection, verb, task_id=find_task(connection, given), **why)

        do_to_each(read_ids(tasks), act, output, lambda given: f"{done} {given}")
