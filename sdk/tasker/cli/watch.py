"""Following a task until it ends or is blocked: live on a terminal, a line per change elsewhere."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasker.cli.database import call_all, call_one
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed

if TYPE_CHECKING:
    from psycopg import Connection

# States in which nothing more happens by itself. A blocked task waits for an operator, so nobody
# should wait for it.
AT_REST = frozenset({"complete", "error", "cancelled", "resolved_manually", "blocked_by_failures"})
SUCCEEDED = frozenset({"complete", "resolved_manually"})
# Looking at a task of many steps takes its time; the database gets at least this share of it back.
SHARE_OF_REST = 4


@dataclass(frozen=True, slots=True)
class Look:
    """A task and its steps as they were at one moment."""

    task: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]


Show = Callable[[Look], None]


def look_at(connection: "Connection", task_id: str) -> Look:
    """Read a task and its steps."""
    return Look(
        call_one(connection, "get_task", task_id=task_id),
        call_all(connection, "list_steps", task_id=task_id),
    )


def follow(look: Callable[[], Look], show: Show, interval: float, timeout: float | None) -> Look:
    """Look again and again, `interval` seconds apart, showing each look, until the task is at rest;
    give the last look.

    Raises CommandFailed (timeout) when `timeout` seconds have passed before that.
    """
    begun = time.monotonic()
    while True:
        before = time.monotonic()
        seen = look()
        show(seen)
        if seen.task["state"] in AT_REST:
            return seen
        now = time.monotonic()
        if timeout is not None and now - begun >= timeout:
            raise CommandFailed(
                ExitCode.TIMEOUT,
                f"task {seen.task['task_id']} is still {seen.task['state']} after {timeout:g} s",
                "It goes on; watch it again: tasker task watch " + seen.task["task_id"],
            )
        time.sleep(max(interval, SHARE_OF_REST * (now - before)))


def check_success(seen: Look) -> None:
    """Raise CommandFailed unless the task succeeded: task failed, or refused while it still goes
    on.
    """
    state, task_id = seen.task["state"], seen.task["task_id"]
    if state not in AT_REST:
        raise CommandFailed(
            ExitCode.REFUSED,
            f"task {task_id} has not ended: it is {state.replace('_', ' ')}",
            f"Wait for it: tasker task watch {task_id}",
        )
    if state not in SUCCEEDED:
        raise CommandFailed(
            ExitCode.TASK_FAILED,
            f"task {task_id} is {state.replace('_', ' ')}"
            + (f": {seen.task['reason']}" if seen.task["reason"] else ""),
            f"See why: tasker task show {task_id}",
        )


@contextmanager
def open_display() -> Generator[Show]:
    """Give the display that suits standard output: redrawn in place on a terminal, else lines for
    what has changed.
    """
    from tasker.cli.output import make_console

    console = make_console()
    if not console.is_terminal:
        yield make_line_display()
        return
    from rich.live import Live

    from tasker.cli.task_views import draw_task, note_progress

    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:

        def show(seen: Look) -> None:
            view = draw_task(seen.task, seen.steps, note_progress(seen.steps), datetime.now(UTC))
            live.update(view, refresh=True)

        yield show


def make_line_display() -> Show:
    """Give a display that writes a line for each change."""
    from tasker.cli.changes import list_changes
    from tasker.cli.output import write_lines
    from tasker.cli.times import format_clock

    last: list[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = []

    def show(seen: Look) -> None:
        now = datetime.now(UTC)
        after = (seen.task, seen.steps)
        write_lines(
            f"{format_clock(now, now)} {line}"
            for line in list_changes(last[-1] if last else None, after, now)
        )
        last[:] = [after]

    return show


def ignore(seen: Look) -> None:
    """Show nothing: for answers that only a program reads."""
