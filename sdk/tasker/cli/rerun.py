"""`tasker task rerun`: a task once more, as a new one, from some of its steps on."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url, read_ids, read_json
from tasker.cli.confirm import confirm
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import find_task

if TYPE_CHECKING:
    from psycopg import Connection

SHOWN = 20


def rerun(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="A task's id, or the beginning of one.")
    ],
    reason: Reason,
    actor: Actor,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Keep what is done and does not come after this step; may be repeated; `failed` means all of those.",
        ),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option("--input", help="Another input, as JSON; @FILE reads a file."),
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Another version of its template.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and what be kept, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Run a task again that has ended or is blocked, as a new task.

    The old one is left as it is. Without --from all of it runs. On a terminal it says first what
    would run, and asks; elsewhere it needs --yes.
    """
    given = None if input_ is None else read_json(input_)
    with open_database(url) as connection:
        task_id = find_task(connection, read_ids([task])[0])
        plan, names = _plan(connection, task_id, from_, version)
        if input_ is not None:
            _check_input(connection, task_id, given, version)
        if not dry_run:
            if not yes:
                confirm(_describe(plan), "Run it?")
            plan = call_one(
                connection,
                "rerun_task",
                task_id=task_id,
                reason=reason,
                actor=actor,
                from_steps=names,
                input=_wrap(given) if input_ is not None else None,
                version=version,
            )

    def view() -> Any:
        from rich.console import Group

        done = f"reruns {task_id} as {plan['task_id']}" if plan["task_id"] else "would rerun"
        return Group(f"{done}, with version {plan['version']}", *_describe(plan))

    show(plan, output, lambda: [plan["task_id"]] if plan["task_id"] else [], view)


def _plan(
    connection: "Connection", task_id: str, from_: Sequence[str] | None, version: str | None
) -> tuple[dict[str, Any], list[str] | None]:
    """Plan it, and give the names of the steps it begins from. Raises what does not fit."""
    from tasker.reruns import check_kept, name_steps

    steps = call_all(connection, "list_steps", task_id=task_id) if from_ else []
    names = name_steps(from_, steps) if from_ else None
    plan = call_one(connection, "plan_rerun", task_id=task_id, from_steps=names, version=version)
    if version is not None and plan["kept"]:
        check_kept(_define(connection, task_id, version), steps, plan["kept"])
    return plan, names


def _check_input(connection: "Connection", task_id: str, given: Any, version: str | None) -> None:
    from tasker.reruns import check_input

    check_input(_define(connection, task_id, version), given)


def _define(connection: "Connection", task_id: str, version: str | None) -> dict[str, Any]:
    task = call_one(connection, "get_task", task_id=task_id)
    found = call_one(
        connection,
        "get_template",
        namespace=task["namespace"],
        name=task["template"],
        version=version or task["version"],
    )
    return found["definition"]


def _describe(plan: Mapping[str, Any]) -> list[str]:
    return [
        f"{what:>10}  {_list(plan[key])}" for what, key in (("runs", "again"), ("is kept", "kept"))
    ]


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "nothing"


def _wrap(value: Any) -> Any:
    from psycopg.types.json import Jsonb

    return Jsonb(value)
