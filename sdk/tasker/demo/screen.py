"""What the audience sees: a line per event and, on a terminal, a board redrawn in place."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tasker.cli.marks import describe_state, sign_of, style_of
from tasker.demo.board import Board, Row, Seen
from tasker.demo.events import list_events

__all__ = ["Screen", "open_screen"]


@dataclass(frozen=True, slots=True)
class Screen:
    """`say` tells a sentence, stamped with the seconds since the start; `show` shows the board."""

    say: Callable[[str | Text], None]
    show: Callable[[Board], None]


@contextmanager
def open_screen(console: Console) -> Generator[Screen]:
    """Give the screen that suits the console, until the block ends."""
    begun = time.monotonic()

    def say(sentence: str | Text) -> None:
        line = Text.assemble((f"{time.monotonic() - begun:5.1f} s  ", "dim"), sentence)
        # A file or a pipe keeps a sentence on one line.
        console.print(line, soft_wrap=not console.is_terminal)

    tell = _make_teller(say)
    if not console.is_terminal:
        yield Screen(say, tell)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(board: Board) -> None:
            tell(board)
            live.update(draw_board(board), refresh=True)

        yield Screen(say, show)


def draw_board(board: Board) -> RenderableType:
    """Draw a line per task: a sign per step, and words for those that run, wait or failed."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for seen in board:
        signs = Text(" ").join(
            Text(sign_of(step["state"]), style=style_of(step["state"])) for step in seen.steps
        )
        table.add_row(Text(seen.run.title), signs, describe_state(seen.state), _describe(seen))
    return table


def _describe(seen: Seen) -> Text:
    telling = ("in_progress", "waiting_for_retry", "error")
    return Text(", ").join(
        Text(_words_for(step), style=style_of(step["state"]))
        for step in seen.steps
        if step["state"] in telling
    )


def _words_for(step: Row) -> str:
    return f"{step['name']}, attempt {step['attempt']} of {step['max_attempts']}"


def _make_teller(say: Callable[[str], None]) -> Callable[[Board], None]:
    """Make what tells of the events since the board was last shown."""
    last: list[Board] = []

    def tell(board: Board) -> None:
        for event in list_events(last[-1] if last else (), board):
            say(event)
        last[:] = [board]

    return tell
