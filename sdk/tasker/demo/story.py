"""What happens in the demonstration, act by act."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from tasker.cli.database import call_all, call_one
from tasker.cli.times import parse_time
from tasker.demo.board import Board, Run, all_at_rest, read_board
from tasker.demo.children import Child, check_running
from tasker.demo.diagnosis import explain_standstill
from tasker.demo.failure import DemoFailed
from tasker.demo.screen import Screen
from tasker.examples.orders import orders
from tasker.examples.orders.scenarios import CRASH, SCENARIOS, Scenario
from tasker.examples.payments import PaymentService
from tasker.examples.pipeline import Source, penguins
from tasker.workflow import Workflow

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["CRASHED_STEP", "Evidence", "Kill", "PlacedOrder", "Recovery", "Stage", "perform"]

T = TypeVar("T")

CRASHED_STEP = "process_payment"
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


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was submitted, and what it is to meet."""

    run: Run
    order_id: str
    scenario: Scenario


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was done, for the checks. The last of the orders is the one whose worker was killed."""

    orders: Sequence[PlacedOrder]
    pipeline: Run
    kill: Kill
    recovery: Recovery

    @property
    def crash(self) -> PlacedOrder:
        """The order whose worker was killed."""
        return self.orders[-1]

    @property
    def runs(self) -> list[Run]:
        """Every task of the demonstration."""
        return [*(order.run for order in self.orders), self.pipeline]


def perform(stage: Stage) -> Evidence:
    """Play the story. Raises DemoFailed when it does not come to its end."""
    _await_workers(stage)
    _register(stage)
    show = uuid4().hex[:6]
    placed = [_place_order(stage, f"demo-{show}", n, s) for n, s in enumerate(SCENARIOS, 1)]
    pipeline = Run("penguins", _submit(stage, penguins, Source()))
    stage.screen.say(f"submitted {len(placed)} orders, and a pipeline over penguins")
    runs = [*(order.run for order in placed), pipeline]
    _follow(stage, runs, _answer_at_rest)

    crash = _place_order(stage, f"demo-{show}", len(placed) + 1, CRASH)
    stage.screen.say(f"submitted {crash.run.title}")
    kill = _kill_holder(stage, runs, crash)
    left = replace(stage, workers=[child for child in stage.workers if child is not kill.child])
    _follow(left, [*runs, crash.run], _answer_at_rest)
    recovery = _read_recovery(left, crash, kill)
    return Evidence([*placed, crash], pipeline, kill, recovery)


def _await_workers(stage: Stage) -> None:
    def answer(_: Board) -> bool | None:
        names = [row["name"] for row in call_all(stage.connection, "list_workers")]
        return all(any(_is_worker(c, name) for name in names) for c in stage.workers) or None

    _follow(stage, [], answer)
    stage.screen.say(f"{' and '.join(child.name for child in stage.workers)} are ready")


def _register(stage: Stage) -> None:
    for workflow in (orders, penguins):
        template = workflow.template
        call_one(stage.connection, "register_template", definition=Jsonb(template.to_json()))
        stage.screen.say(f"registered {template.namespace}/{template.name}@{template.version}")


def _place_order(stage: Stage, prefix: str, number: int, scenario: Scenario) -> PlacedOrder:
    order_id = f"{prefix}-{number}"
    task_id = _submit(stage, orders, scenario.order(order_id))
    return PlacedOrder(Run(f"order {number} ({scenario.title})", task_id), order_id, scenario)


def _submit(stage: Stage, workflow: Workflow, value: BaseModel) -> str:
    task_id = call_one(
        stage.connection,
        "submit_task",
        namespace=workflow.template.namespace,
        template=workflow.template.name,
        input=Jsonb(value.model_dump(mode="json")),
        tags=["demo"],
    )
    return str(task_id)


def _kill_holder(stage: Stage, runs: Sequence[Run], crash: PlacedOrder) -> Kill:
    """Kill the worker that waits for the answer to the order's charge, once that was made."""

    def answer(board: Board) -> str | None:
        step = next(row for row in board[-1].steps if row["name"] == CRASHED_STEP)
        charged = stage.payments.books().calls_for(crash.order_id) == ["stalled"]
        return step["worker"] if step["state"] == "in_progress" and charged else None

    worker = _follow(stage, [*runs, crash.run], answer)
    child = next((child for child in stage.workers if _is_worker(child, worker)), None)
    if child is None:
        raise DemoFailed(
            f"{CRASHED_STEP} went to worker {worker}, which is not of this demonstration. "
            "End that worker, or name another database with --url."
        )
    row = stage.connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    child.process.kill()
    stage.screen.say(
        f"kill -9 {child.pid}: {child.name} is gone in the middle of {CRASHED_STEP}, with the card "
        "charged and the answer unheard"
    )
    return Kill(child, worker, row[0])


def _read_recovery(stage: Stage, crash: PlacedOrder, kill: Kill) -> Recovery:
    step = call_one(stage.connection, "get_step", task_id=crash.run.task_id, step_name=CRASHED_STEP)
    started = parse_time(step["started_at"])
    assert started is not None
    worker = next((c.name for c in stage.workers if _is_worker(c, step["worker"])), step["worker"])
    recovery = Recovery(
        step["attempt"],
        worker,
        (started - kill.at).total_seconds(),
        [attempt["outcome"] for attempt in step["attempts"]],
    )
    stage.screen.say(
        f"{CRASHED_STEP} was granted to {worker} as attempt {recovery.attempt}, "
        f"{recovery.delay:.2f} s after the kill"
    )
    return recovery


def _follow(stage: Stage, runs: Sequence[Run], find: Callable[[Board], T | None]) -> T:
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


def _answer_at_rest(board: Board) -> bool | None:
    return all_at_rest(board) or None


def _is_worker(child: Child, name: str) -> bool:
    """Say whether a worker of this name is that child: workers call themselves host:pid."""
    return name.rpartition(":")[2] == str(child.pid)
