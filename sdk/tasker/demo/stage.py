"""What the story plays on, and following tasks there until something is seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tasker.cli.watch import AT_REST
from tasker.demo.board import Board, Run, read_board
from tasker.demo.children import Child, check_running
from tasker.demo.diagnosis import explain_standstill
from tasker.demo.failure import DemoFailed
from tasker.demo.screen import Screen
from tasker.examples.payments import PaymentService

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Stage", "at_rest", "follow", "is_worker"]

T = TypeVar("T")

_LOOK_EVERY = 0.1
_LONGEST_ACT = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What the story plays on: `workers` run handlers, `others` are what else must not end."""

    connection: Connection
    payments: PaymentService
    workers: Sequence[Child]
    others: Sequence[Child]
    screen: Screen


def follow(stage: Stage, runs: Sequence[Run], find: Callable[[Board], T | None]) -> T:
    """Show how the runs stand until something is found; give it."""
    begun = time.monotonic()
    while True:
        board = read_board(stage.connection, runs)
        stage.screen.show(board)
        found = find(board)
        if found is not None:
            return found
        check_running([*stage.workers, *stage.others])
        if time.monotonic() - begun > _LONGEST_ACT:
            raise DemoFailed(explain_standstill(stage.connection, board, _LONGEST_ACT))
        time.sleep(_LOOK_EVERY)


def at_rest(board: Board) -> bool | None:
    """Find, for `follow`, that nothing on the board will change by itself any more."""
    return all(seen.state in AT_REST for seen in board) or None


def is_worker(child: Child, name: str) -> bool:
    """Say whether a worker of this name is that child: workers call themselves host:pid."""
    return name.rpartition(":")[2] == str(child.pid)
