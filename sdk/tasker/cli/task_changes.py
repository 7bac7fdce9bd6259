"""`tasker task cancel|pause|resume|retry|resolve`: what operators do to whole tasks, with a reason: to some
by their ids, or to all that fit a filter.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url, read_ids
from tasker.cli.change_many import DryRun, Many, Yes, change_many
from tasker.cli.database import call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.filters import Where
from tasker.cli.operate import do_to_each
from tasker.cli.output import Format
from tasker.cli.task_lookup import find_task

SomeTasks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TASK",
        help="Task ids, or beginnings of them that fit one task; - reads them from stdin. Or give --where.",
    ),
]


def cancel(
    reason: Reason,
    actor: Actor,
    tasks: SomeTasks = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
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
    many = Many("compensate" if compensate else "cancel", "cancelled", where, dry_run, yes)
    _change(many, tasks, output, url, reason=reason, actor=actor, compensate=compensate)


def pause(
    reason: Reason,
    actor: Actor,
    tasks: SomeTasks = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Hold tasks until they are resumed: none of their steps starts.

    Handlers that are running go on, and what they come to is applied.
    """
    many = Many("pause", "paused", where, dry_run, yes)
    _change(many, tasks, output, url, reason=reason, actor=actor)


def resume(
    reason: Reason,
    actor: Actor,
    tasks: SomeTasks = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Let paused tasks go on."""
    many = Many("resume", "resumed", where, dry_run, yes)
    _change(many, tasks, output, url, reason=reason, actor=actor)


def retry(
    reason: Reason,
    actor: Actor,
    tasks: SomeTasks = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Try the failed steps of tasks again, each with a fresh number of attempts."""
    many = Many("retry", "retried", where, dry_run, yes)
    _change(many, tasks, output, url, reason=reason, actor=actor)


def resolve(
    reason: Reason,
    actor: Actor,
    tasks: SomeTasks = None,
    where: Where = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Close tasks whose purpose was met by hand; their open steps are cancelled."""
    many = Many("resolve", "resolved", where, dry_run, yes)
    _change(many, tasks, output, url, reason=reason, actor=actor)


def _change(
    many: Many, tasks: list[str] | None, output: Format, url: str | None, **why: Any
) -> None:
    if (tasks is None) == (many.where is None):
        raise CommandFailed(
            ExitCode.USAGE,
            "give tasks, or --where, not both" if tasks else "no tasks were given",
            "Name them by their ids, or say which with --where FILTER.",
        )
    if tasks is None:
        change_many(many, why["reason"], why["actor"], output, url)
        return
    if many.dry_run:
        raise CommandFailed(
            ExitCode.USAGE, "--dry-run goes with --where", "See one task: tasker task show TASK"
        )
    verb = "cancel_task" if many.verb == "compensate" else f"{many.verb}_task"
    with open_database(url) as connection:

        def act(given: str) -> Any:
            return call_one(connection, verb, task_id=find_task(connection, given), **why)

        def still(answer: Mapping[str, Any]) -> str | None:
            held = many.verb == "compensate" and answer["state"] == "paused"
            return "it is undone when it is resumed" if held else None

        do_to_each(read_ids(tasks), act, output, lambda given: f"{many.done} {given}", still)
