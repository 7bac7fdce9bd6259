"""Where a command's answer goes: a table for people, JSON or bare ids for programs. What data says to a terminal is not
done: control characters are written as \\u001b and the like, which JSON reads as what they were.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

# Where nobody has said how wide a line may be (a file, a pipe), nothing is cut off.
WIDTH_OF_A_PIPE = 200

# All but tabs and ends of lines: C0 and C1 control characters, and those that change the direction of writing.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A text of which nothing can move a terminal's cursor, colour it, or name its window."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
        sys.stdout.write(plain(line) + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Write a line to standard error: progress, hints and errors, never the answer itself."""
    sys.stderr.write(plain(line) + "\n")
    sys.stderr.flush()


def make_console() -> "Console":
    """Make a console for standard output; NO_COLOR and COLUMNS are honoured, and a pipe is not cut
    at 80 columns.
    """
    from rich.console import Console, RenderHook
    from rich.segment import Segment

    class Plain:
        """Something to be shown, and what it says made plain."""

        def __init__(self, inner: "RenderableType") -> None:
            self.inner = inner

        def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
            for text, style, control in console.render(self.inner, options):
                yield Segment(text if control else plain(text), style, control)

    class MakePlain(RenderHook):
        def process_renderables(self, renderables: Any) -> Any:
            return [Plain(each) for each in renderables]

    bounded = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(
        highlight=False, emoji=False, markup=False, width=None if bounded else WIDTH_OF_A_PIPE
    )
    console.push_render_hook(MakePlain())
    return console
