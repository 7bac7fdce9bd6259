"""Which tasks a command means: the option --where, and the options that are short for terms of it."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.task_lookup import find_task

if TYPE_CHECKING:
    from psycopg import Connection

Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        help="Only tasks that fit, as in 'state=error template=shop/order tag=vip created>2d error~text'.",
    ),
]


class TaskState(StrEnum):
    """The states a list of tasks can be narrowed to."""

    pending = "pending"
    in_progress = "in_progress"
    waiting = "waiting"
    paused = "paused"
    blocked_by_failures = "blocked_by_failures"
    complete = "complete"
    error = "error"
    cancelled = "cancelled"
    resolved_manually = "resolved_manually"


def read_filter(
    connection: "Connection", where: str | None, **options: str | list[str] | None
) -> str:
    """The filter as JSON that a text and options say together; options that are not given say nothing.

    Tasks may be named by beginnings of their ids. Raises InvalidInputError where the text is none, or both say the
    same, CommandFailed where a beginning does not mean one task.
    """
    from tasker.filters import merge_filters, parse_filter

    given: dict[str, Any] = {key: value for key, value in options.items() if value}
    found = merge_filters(parse_filter(where or ""), given)
    for key in found.keys() & {"parent", "rerun_of"}:
        named = [found[key]] if isinstance(found[key], str) else found[key]
        found[key] = [find_task(connection, each) for each in named]
    return json.dumps(found)
