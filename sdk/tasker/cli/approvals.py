"""`tasker approval …`: see and answer what workflows ask people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url, read_json
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import find_task

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="See and answer what workflows ask people.")

Task = Annotated[str, typer.Argument(metavar="TASK", help="A task's id, or its beginning.")]
Name = Annotated[str, typer.Argument(help="What the approval is called.")]
Step = Annotated[
    str | None, typer.Option("--step", help="The step that asks, where several ask under one name.")
]
Role = Annotated[
    list[str] | None, typer.Option("--as", help="A role in which you answer. May be repeated.")
]
Answer = Annotated[
    str,
    typer.Option(
        "--answer", help="What its form asks for, as JSON; @FILE reads a file.", show_default="null"
    ),
]


@app.command("list", epilog="Example: tasker approval list --who finance")
def list_(
    task: Annotated[
        str | None, typer.Option("--task", help="All that this task has asked, answered or not.")
    ] = None,
    who: Annotated[
        list[str] | None,
        typer.Option("--who", help="Only what this person or role may answer. May be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List what people are asked and nobody has answered, oldest first."""
    with open_database(url) as connection:
        task_id = None if task is None else find_task(connection, task)
        found = call_all(
            connection, "list_approvals", task_id=task_id, who=who or None, max_rows=limit
        )
    show(
        found, output, lambda: [f"{a['task_id']} {a['name']}" for a in found], lambda: _table(found)
    )


@app.command("show")
def show_(
    task: Task, name: Name, step: Step = None, output: Output = Format.table, url: Url = None
) -> None:
    """Show what people are asked, with its form, or how it was answered."""
    with open_database(url) as connection:
        task_id = find_task(connection, task)
        found = call_one(connection, "get_approval", task_id=task_id, name=name, step_name=step)
    show(found, output, lambda: [found["task_id"]], lambda: _facts(found))


@app.command(
    epilog="Example: tasker approval approve 0199a4 refund --as finance --answer '{\"amount\": 40}' -r fair"
)
def approve(
    task: Task,
    name: Name,
    reason: Reason,
    actor: Actor,
    answer: Answer = "null",
    role: Role = None,
    step: Step = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Approve: the step that asks goes on with your answer. The first answer counts."""
    _answer(True, task, name, reason, actor, answer, role, step, output, url)


@app.command()
def reject(
    task: Task,
    name: Name,
    reason: Reason,
    actor: Actor,
    answer: Answer = "null",
    role: Role = None,
    step: Step = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Reject: the step that asks goes on, and knows. The first answer counts."""
    _answer(False, task, name, reason, actor, answer, role, step, output, url)


def _answer(
    approved: bool,
    task: str,
    name: str,
    reason: str,
    actor: str,
    answer: str,
    role: list[str] | None,
    step: str | None,
    output: Format,
    url: str | None,
) -> None:
    from psycopg.types.json import Jsonb

    from tasker.approvals import check_answer

    given = read_json(answer)
    with open_database(url) as connection:
        task_id = find_task(connection, task)
        found = call_one(connection, "get_approval", task_id=task_id, name=name, step_name=step)
        if given is None and approved and found["form"] is not None:
            _ask_for_answer(found["form"])
        check_answer(found, approved, given)
        answered = call_one(
            connection, "answer_approval", task_id=task_id, name=name, approved=approved,
            reason=reason, actor=actor, answer=None if given is None else Jsonb(given),
            roles=role or [], step_name=step,
        )  # fmt: skip
    done = "approved" if approved else "rejected"
    show(answered, output, lambda: [task_id], lambda: f"{done} {name} of task {task_id}")


def _ask_for_answer(form: Mapping[str, Any]) -> None:
    """Raise CommandFailed (usage) unless a form may be left empty."""
    from tasker_grammar.contracts import Contract

    if not Contract(form).check(None):
        return
    needed: Sequence[str] = form.get("required", ())
    fields = ", ".join(
        f"{name} (may be left out)" if name not in needed else name
        for name in dict.fromkeys([*needed, *form.get("properties", {})])
    )
    raise CommandFailed(
        ExitCode.USAGE,
        "its form asks for an answer",
        f"Give --answer; its form has {fields}." if fields else "Give --answer.",
    )


def _table(found: list[Any]) -> "Table | str":
    from tasker.cli.tables import make_table
    from tasker.cli.times import format_moment, parse_time

    if not found:
        return "No approval matches."
    now = datetime.now(UTC)
    table = make_table("TASK", "NAME", "STATE", "TITLE", "FOR", "ASKED", "EXPIRES")
    for a in found:
        table.add_row(
            a["task_id"], a["name"], a["state"], a["title"], ", ".join(a["who"]) or "anybody",
            format_moment(parse_time(a["asked_at"]), now), format_moment(parse_time(a["expires_at"]), now),
        )  # fmt: skip
    return table


def _facts(found: Any) -> Any:
    from rich.json import JSON

    from tasker.cli.tables import make_facts
    from tasker.cli.times import format_moment, parse_time

    def shown(value: Any) -> Any:
        return None if value is None else JSON.from_data(value)

    now = datetime.now(UTC)
    return make_facts(
        [
            ("title", found["title"]),
            ("state", found["state"]),
            ("asked by", f"{found['task_id']}/{found['step']}"),
            ("for", ", ".join(found["who"]) or "anybody"),
            ("asked", format_moment(parse_time(found["asked_at"]), now)),
            ("expires", format_moment(parse_time(found["expires_at"]), now)),
            ("shows", shown(found["data"])),
            ("form", shown(found["form"])),
            ("answer", shown(found["answer"])),
            ("by", found["answered_by"]),
            ("reason", found["reason"]),
            ("answered", format_moment(parse_time(found["answered_at"]), now)),
        ]
    )
