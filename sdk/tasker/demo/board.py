"""The tasks that the demonstration follows, as they stand in the database. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasker.cli.database import call_all, call_one

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Board", "Row", "Run", "Seen", "read_board"]

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A task that was submitted, under the name that the audience knows it by."""

    title: str
    task_id: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A task as it was at one moment, with its steps as `tasker.list_steps` describes them."""

    run: Run
    state: str
    steps: Sequence[Row]


Board = Sequence[Seen]


def read_board(connection: Connection, runs: Sequence[Run]) -> Board:
    """Read how the tasks stand."""
    return [
        Seen(
            run,
            call_one(connection, "get_task", task_id=run.task_id)["state"],
            call_all(connection, "list_steps", task_id=run.task_id),
        )
        for run in runs
    ]
