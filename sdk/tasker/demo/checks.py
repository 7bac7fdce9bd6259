"""What must be true after the demonstration. Asks the database and the payment service's books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tasker.cli.database import call_all, call_one
from tasker.cli.times import parse_time
from tasker.demo.board import Board, Row
from tasker.demo.story import CRASHED_STEP, Evidence, Kill
from tasker.examples.payments import Books
from tasker.examples.pipeline import Finding, compare_with_published

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Check", "check_all"]


@dataclass(frozen=True, slots=True)
class Check:
    """A claim, and what speaks against it: nothing, when it holds. `found` is worth telling."""

    claim: str
    faults: Sequence[str]
    found: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.faults


def check_all(
    connection: Connection, evidence: Evidence, board: Board, books: Books, lease: float
) -> list[Check]:
    """Make every check."""
    crashed = call_one(
        connection, "get_step", task_id=evidence.crash.run.task_id, step_name=CRASHED_STEP
    )
    result = call_one(connection, "get_task_result", task_id=evidence.pipeline.task_id)
    broken = {
        run.title: call_all(connection, "verify", task_id=run.task_id) for run in evidence.runs
    }
    return [
        check_states(evidence, board),
        check_charges(evidence, books),
        check_answers(evidence, books),
        check_recovery(crashed, evidence.kill, lease),
        check_finding(result["result"]),
        Check(
            "the database finds no fault in any task (tasker.verify)",
            [f"{title}: {fault}" for title, faults in broken.items() for fault in faults],
        ),
    ]


def check_states(evidence: Evidence, board: Board) -> Check:
    """Every task ended as it must."""
    states = {seen.run.task_id: seen.state for seen in board}
    expected = {order.run: order.scenario.state for order in evidence.orders}
    return Check(
        "every task came to the end that it must",
        [
            f"{run.title} is {states[run.task_id]}, not {state}"
            for run, state in {**expected, evidence.pipeline: "complete"}.items()
            if states[run.task_id] != state
        ],
    )


def check_charges(evidence: Evidence, books: Books) -> Check:
    """No order was charged twice, and what was declined was not charged."""
    charges = [len(books.charges_of(order.order_id)) for order in evidence.orders]
    return Check(
        "each card was charged exactly once, and the declined one never",
        [
            f"{order.run.title}: charged {found} times, not {order.scenario.charges}"
            for order, found in zip(evidence.orders, charges, strict=True)
            if found != order.scenario.charges
        ],
        f"{sum(charges)} charges",
    )


def check_answers(evidence: Evidence, books: Books) -> Check:
    """The payment handler ran as often as failures asked for, always under its step's one key."""
    faults: list[str] = []
    for order in evidence.orders:
        keys = {call.idempotency_key for call in books.calls if call.order_id == order.order_id}
        answers = tuple(books.calls_for(order.order_id))
        if answers != order.scenario.answers:
            expected = ", ".join(order.scenario.answers)
            faults.append(f"{order.run.title}: {', '.join(answers) or 'no call'}, not {expected}")
        if len(keys) > 1:
            faults.append(f"{order.run.title}: called under {len(keys)} idempotency keys")
    calls = sum(len(books.calls_for(order.order_id)) for order in evidence.orders)
    return Check(
        "every failure was met, and met again under the same idempotency key",
        faults,
        f"{calls} calls",
    )


def check_recovery(step: Row, kill: Kill, lease: float) -> Check:
    """The killed worker's step was granted again, to another worker, within lease + 1 s."""
    claim = f"the killed worker's step was granted again within {lease:g} + 1 s"
    started: datetime | None = parse_time(step["started_at"])
    if step["attempt"] != 2 or started is None:
        return Check(claim, [f"it is at attempt {step['attempt']}, not 2"])
    delay = started - kill.at
    faults = [
        fault
        for fault, is_one in (
            (f"it took {delay.total_seconds():.2f} s", delay > timedelta(seconds=lease + 1)),
            ("by the worker that was killed", step["worker"] == kill.worker),
            ("attempt 1 is not recorded as lost", _outcomes(step) != ["lost"]),
        )
        if is_one
    ]
    return Check(claim, faults, f"after {delay.total_seconds():.2f} s, to {step['worker']}")


def check_finding(result: object) -> Check:
    """The pipeline found what was published."""
    claim = "the penguins' sizes are those published with the data"
    try:
        finding = Finding.model_validate(result)
    except ValidationError as error:
        return Check(claim, [str(error)])
    return Check(claim, [str(wrong) for wrong in compare_with_published(finding)], finding.text)


def _outcomes(step: Row) -> list[str]:
    return [attempt["outcome"] for attempt in step["attempts"]]
