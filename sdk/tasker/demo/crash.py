"""The crash: a worker killed while it waits for the answer to a charge, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from tasker.cli.database import call_one
from tasker.cli.times import parse_time
from tasker.demo.board import Board, Run
from tasker.demo.children import Child
from tasker.demo.failure import DemoFailed
from tasker.demo.placing import PlacedOrder
from tasker.demo.stage import Stage, follow, is_worker

__all__ = ["CRASHED_STEP", "Kill", "Recovery", "kill_holder", "read_recovery"]

CRASHED_STEP = "process_payment"


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of a worker: its process, its name, and when it was, by the database's clock."""

    child: Child
    worker: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the killed worker's step, in the end.

    `worker` made its last attempt, which began `delay` seconds after the kill; `unsuccessful` is
    how the attempts before it ended.
    """

    attempt: int
    worker: str
    delay: float
    unsuccessful: Sequence[str]


def kill_holder(stage: Stage, runs: Sequence[Run], crash: PlacedOrder) -> Kill:
    """Kill the worker that waits for the answer to the order's charge, once that was made.

    The database says which one it is. Raises DemoFailed when it is none of ours.
    """

    def answer(board: Board) -> str | None:
        step = next(row for row in board[-1].steps if row["name"] == CRASHED_STEP)
        charged = stage.payments.books().calls_for(crash.order_id) == ["stalled"]
        return step["worker"] if step["state"] == "in_progress" and charged else None

    worker = follow(stage, [*runs, crash.run], answer)
    child = next((child for child in stage.workers if is_worker(child, worker)), None)
    if child is None:
        raise DemoFailed(
            f"{CRASHED_STEP} went to worker {worker}, which is not of this demonstration. "
            "End that worker, or name another database with --url."
        )
    row = stage.connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    child.process.kill()
    sentence = (
        f"kill -9 {child.pid}: {child.name} is gone in the middle of {CRASHED_STEP}, with the card "
        "charged and the answer unheard"
    )
    stage.screen.say(Text(sentence, style="bold red"))
    return Kill(child, worker, row[0])


def read_recovery(stage: Stage, crash: PlacedOrder, kill: Kill) -> Recovery:
    """Read and tell what became of the step, once its task is at rest."""
    step = call_one(stage.connection, "get_step", task_id=crash.run.task_id, step_name=CRASHED_STEP)
    started = parse_time(step["started_at"])
    assert started is not None
    worker = next((c.name for c in stage.workers if is_worker(c, step["worker"])), step["worker"])
    recovery = Recovery(
        step["attempt"],
        worker,
        (started - kill.at).total_seconds(),
        [attempt["outcome"] for attempt in step["attempts"]],
    )
    sentence = (
        f"{CRASHED_STEP} was granted to {worker} as attempt {recovery.attempt}, "
        f"{recovery.delay:.2f} s after the kill"
    )
    stage.screen.say(Text(sentence, style="bold green"))
    return recovery
