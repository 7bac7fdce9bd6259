"""Where a command's answer goes: a table for people, JSON or bare ids for programs."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Where nobody has said how wide a line may be (a file, a pipe), nothing is cut off.
WIDTH_OF_A_PIPE = 200


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    json = "json"
    ids = "ids"


def show(
    value: Any,
    output: Format,
    ids: Callable[[], Iterable[str]],
    view: Callable[[], "RenderableType"],
) -> None:
    """Write an answer to standard output: the view for people, the value as one JSON document, or
    an id a line.
    """
    match output:
        case Format.table:
            make_console().print(view())
        case Format.json:
            write_json(value)
        case Format.ids:
            write_lines(ids())
        case _:
            assert_never(output)


def write_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    write_lines([json.dumps(value, indent=2, ensure_ascii=False)])


def write_lines(lines: Iterable[str]) -> None:
    """Write plain lines to standard output, each at once, so that a pipe sees them as they come."""
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Write a line to standard error: progress, hints and errors, never the answer itself."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def make_console() -> "Console":
    """Make a console for standard output; NO_COLOR and COLUMNS are honoured, and a pipe is not cut
    at 80 columns.
    """
    from rich.console import Console

    bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(
        highlight=False, emoji=False, markup=False, width=None if bounded else WIDTH_OF_A_PIPE
    )
