"""`tasker task submit`: one task, or one for each line of a file."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import (
    STDIN,
    Output,
    TemplateRef,
    Timeout,
    Url,
    parse_json,
    parse_template_ref,
    read_json,
    read_text,
)
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.priorities import PriorityClass
from tasker.cli.task_lookup import get_template
from tasker.cli.watch import Look, check_success, follow, ignore, look_at, open_display

if TYPE_CHECKING:
    from psycopg import Connection

LINES_PER_CALL = 1000


class OnConflict(StrEnum):
    """What to do when the idempotency key is taken."""

    reject = "reject"
    return_existing = "return_existing"


def submit(
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="NAMESPACE/NAME or NAMESPACE/NAME@VERSION.")
    ],
    input_: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="The input as JSON; @FILE reads a file, - stdin.",
            show_default="{}",
        ),
    ] = "{}",
    lines: Annotated[
        str | None,
        typer.Option(
            "--lines",
            metavar="@FILE|-",
            help="Submit a task for each line of JSON instead, all or none per 1,000.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="An idempotency key: a second task under it is refused."),
    ] = None,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="What to do when the key is taken.")
    ] = OnConflict.reject,
    priority: Annotated[
        PriorityClass,
        typer.Option(help="Steps of a higher class start before those of a lower one."),
    ] = PriorityClass.normal,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A tag; may be repeated.")] = None,
    correlation_id: Annotated[
        str | None, typer.Option(help="A UUID that ties tasks together.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", help="When its first steps may run: a time, or a delay such as 10m."
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Follow it to its end and print its result.")
    ] = False,
    timeout: Timeout = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Submit a task and print its id."""
    ref = parse_template_ref(template)
    options = {
        "priority": priority.number,
        "tags": list(tag or ()),
        "correlation_id": correlation_id,
        "start_at": read_start(start, datetime.now(UTC)) if start else None,
    }
    if lines is not None:
        if wait or key or input_ != "{}":
            raise CommandFailed(
                ExitCode.USAGE, "--lines goes with neither INPUT nor --key nor --wait"
            )
        tasks = [{**options, "input": value} for value in read_lines(lines)]
    else:
        tasks = [{**options, "input": read_json(input_), "idempotency_key": key}]
    with open_database(url) as connection:
        check_inputs(get_template(connection, ref)["definition"], tasks)
        submitted = list(_submit(connection, ref, tasks, on_conflict))
        if wait:
            _await(connection, submitted[0]["task_id"], timeout, output)
            return

    def view() -> Any:
        from rich.console import Group

        return Group(*[_describe_submitted(row) for row in submitted])

    show(submitted, output, lambda: [row["task_id"] for row in submitted], view)


def read_start(given: str, now: datetime) -> str:
    """Read a start time: an ISO time (local unless it says otherwise), or a delay from now. Raises
    CommandFailed.
    """
    from tasker.durations import to_seconds

    try:
        return datetime.fromisoformat(given).astimezone(UTC).isoformat()
    except ValueError:
        pass
    try:
        return (now + timedelta(seconds=to_seconds(given.removeprefix("in ").strip()))).isoformat()
    except ValueError as error:
        raise CommandFailed(
            ExitCode.USAGE,
            f"--start is {given!r}",
            "Give a time as 2030-01-31T09:00, or a delay as 90s, 10m, 2h, 1d.",
        ) from error


def read_lines(given: str) -> Iterator[Any]:
    """Read a JSON value from each line that is not blank. Raises CommandFailed with the line's
    number.
    """
    if given != STDIN and not given.startswith("@"):
        raise CommandFailed(
            ExitCode.USAGE, f"--lines is {given!r}", "Give @FILE, or - for standard input."
        )
    text, where = read_text(given)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield parse_json(line, f"{where}, line {number}:")


def _submit(
    connection: "Connection", ref: TemplateRef, tasks: Sequence[Any], on_conflict: OnConflict
) -> Iterator[dict[str, Any]]:
    from psycopg.types.json import Jsonb

    rest = iter(tasks)
    while batch := list(islice(rest, LINES_PER_CALL)):
        rows = call_all(
            connection,
            "submit_tasks",
            namespace=ref.namespace,
            template=ref.name,
            tasks=Jsonb(batch),
            version=ref.version,
            on_conflict=on_conflict.value,
        )
        yield from ({"task_id": str(task_id), "created": created} for _, task_id, created in rows)


def check_inputs(definition: dict[str, Any], tasks: Sequence[Any]) -> None:
    """Hold tasks' inputs against a template's contract. Raises CommandFailed (usage)."""
    schema = definition.get("input_schema")
    if schema is None:
        return
    from tasker_grammar.contracts import Contract

    contract = Contract(schema)
    for number, task in enumerate(tasks, start=1):
        findings = contract.check(task["input"])
        if findings:
            which = f"the input of task {number}" if len(tasks) > 1 else "the input"
            raise CommandFailed(
                ExitCode.USAGE,
                f"{which} is not what {definition['namespace']}/{definition['name']} takes: "
                + "; ".join(map(str, findings)),
                "Nothing was submitted.",
            )


def _describe_submitted(row: dict[str, Any]) -> str:
    return row["task_id"] + ("" if row["created"] else " (exists already)")


def _await(connection: "Connection", task_id: str, timeout: float | None, output: Format) -> None:
    seen: Look
    if output is Format.table:
        with open_display() as display:
            seen = follow(lambda: look_at(connection, task_id), display, 0.25, timeout)
    else:
        seen = follow(lambda: look_at(connection, task_id), ignore, 0.25, timeout)
    answer = {"task_id": task_id, **call_one(connection, "get_task_result", task_id=task_id)}

    def view() -> Any:
        from tasker.cli.task_views import draw_result

        return draw_result(answer)

    show(answer, output, lambda: [task_id], view)
    check_success(seen)
