"""The demonstration's checks must be able to fail: each is shown something that is wrong."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from tasker.demo.board import Board, Run, Seen
from tasker.demo.checks import (
    Check,
    check_answers,
    check_charges,
    check_finding,
    check_recovery,
    check_states,
)
from tasker.demo.children import Child
from tasker.demo.crash import Kill, Recovery
from tasker.demo.placing import PlacedOrder
from tasker.demo.story import Evidence
from tasker.examples.orders.scenarios import CRASH, SCENARIOS
from tasker.examples.payments import Books, Call, Charge

ORDERS = [
    PlacedOrder(Run(f"order {n}", f"task {n}"), f"o{n}", scenario)
    for n, scenario in enumerate((*SCENARIOS, CRASH), start=1)
]
PIPELINE = Run("penguins", "task p")
CHILD = Child("worker-1", cast("subprocess.Popen[bytes]", None), Path("log"))
KILL = Kill(CHILD, "host:1", datetime.now(UTC))
RECOVERY = Recovery(attempt=2, worker="worker-2", delay=3.9, unsuccessful=["lost"])
EVIDENCE = Evidence(ORDERS, PIPELINE, KILL, RECOVERY)


def board(**states: str) -> Board:
    runs = {order.run: order.scenario.state for order in ORDERS} | {PIPELINE: "complete"}
    return [
        Seen(run, states.get(run.task_id.replace("task ", "t"), state), [])
        for run, state in runs.items()
    ]


def books() -> Books:
    calls = [
        Call(idempotency_key=f"k-{order.order_id}", order_id=order.order_id, done=answer)
        for order in ORDERS
        for answer in order.scenario.answers
    ]
    charges = [
        Charge(charge_id="ch", idempotency_key="k", order_id=o.order_id, amount_cents=1)
        for o in ORDERS
        if o.scenario.charges
    ]
    return Books(charges=charges, calls=calls)


def test_all_is_well() -> None:
    assert check_states(EVIDENCE, board()).holds
    assert check_charges(EVIDENCE, books()).holds
    assert check_answers(EVIDENCE, books()).holds
    assert check_recovery(KILL, RECOVERY, lease=3).holds


def test_task_in_another_state_is_told() -> None:
    assert check_states(EVIDENCE, board(t1="error")).faults == ["order 1 is error, not complete"]
    assert not check_states(EVIDENCE, board(t5="complete")).holds
    assert not check_states(EVIDENCE, board(tp="in_progress")).holds


@pytest.mark.parametrize("order", ["o1", "o5"])
def test_order_charged_once_too_often_is_told(order: str) -> None:
    said = books()
    said.charges.append(
        Charge(charge_id="ch-x", idempotency_key="x", order_id=order, amount_cents=1)
    )
    [fault] = check_charges(EVIDENCE, said).faults
    assert fault.startswith(f"order {order[1:]}: charged")


def test_order_that_was_not_charged_is_told() -> None:
    said = books()
    del said.charges[0]
    assert check_charges(EVIDENCE, said).faults == ["order 1: charged 0 times, not 1"]


def test_handler_that_ran_too_seldom_is_told() -> None:
    said = books()
    del said.calls[1]
    assert check_answers(EVIDENCE, said).faults == [
        "order 2: failed, charged, not failed, failed, charged"
    ]


def test_key_that_changed_between_attempts_is_told() -> None:
    said = books()
    said.calls[2] = said.calls[2].model_copy(update={"idempotency_key": "another"})
    assert check_answers(EVIDENCE, said).faults == ["order 2: called under 2 idempotency keys"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RECOVERY, attempt=3),
        replace(RECOVERY, delay=4.01),
        replace(RECOVERY, worker="worker-1"),
        replace(RECOVERY, unsuccessful=["retry"]),
    ],
)
def test_recovery_that_is_not_what_was_promised_is_told(wrong: Recovery) -> None:
    assert len(check_recovery(KILL, wrong, lease=3).faults) == 1


@pytest.mark.parametrize("result", [None, {}, {"seen": 344}])
def test_finding_that_is_none_is_told(result: object) -> None:
    check: Callable[[object], Check] = check_finding
    assert not check(result).holds
