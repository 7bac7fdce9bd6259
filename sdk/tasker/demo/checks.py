"""What must be true after the demonstration. Asks the database and the payment service's books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tasker.cli.database import call_all, call_one
from tasker.demo.board import Board
from tasker.demo.crash import Kill, Recovery
from tasker.demo.story import Evidence
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
    result = call_one(connection, "get_task_result", task_id=evidence.pipeline.task_id)
    broken = {
        run.title: call_all(connection, "verify", task_id=run.task_id) for run in evidence.runs
    }
    return [
        check_states(evidence, board),
        check_charges(evidence, books),
        check_answers(evidence, books),
        check_recovery(evidence.kill, evidence.recovery, lease),
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


def check_recovery(kill: Kill, recovery: Recovery, lease: float) -> Check:
    """The killed worker's step was granted again, to another worker, within lease + 1 s."""
    wrong = {
        f"its last attempt is {recovery.attempt}, not 2": recovery.attempt != 2,
        f"it took {recovery.delay:.2f} s": recovery.delay > lease + 1,
        "it was granted to the killed worker": recovery.worker == kill.child.name,
        "its first attempt is not recorded as lost": list(recovery.unsuccessful) != ["lost"],
    }
    return Check(
        f"the killed worker's step was granted to another within its lease and 1 s ({lease:g} + 1)",
        [fault for fault, is_one in wrong.items() if is_one],
        f"to {recovery.worker}, after {recovery.delay:.2f} s",
    )


def check_finding(result: object) -> Check:
    """The pipeline found what was published."""
    claim = "the penguins' sizes are those published with the data"
    try:
        finding = Finding.model_validate(result)
    except ValidationError as error:
        return Check(claim, [str(error)])
    return Check(claim, [str(wrong) for wrong in compare_with_published(finding)], finding.text)
