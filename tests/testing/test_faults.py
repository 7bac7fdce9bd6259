"""What a test lets go wrong happens as in a real worker, and no longer than it was asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasker import DefinitionError, PermanentError, Retry, StepContext, TaskFailed, Workflow
from tasker.testing import Tasker

LEASE = timedelta(seconds=15)


def paying(calls: list[str], attempts: int = 3) -> Workflow:
    """Its handler notes what it really does."""
    workflow = Workflow("pay", namespace="shop")

    @workflow.step
    def order() -> int:
        calls.append("order")
        return 7

    @workflow.step(retry=Retry(max_attempts=attempts, backoff="none", jitter=0))
    async def pay(order: int, ctx: StepContext) -> int:
        async def charge() -> int:
            calls.append("charge")
            return order

        calls.append("pay")
        return await ctx.run("charge", charge)

    @workflow.step
    def ship(pay: int) -> str:
        calls.append("ship")
        return f"shipped for {pay}"

    return workflow


@pytest.mark.parametrize(
    ("point", "calls", "attempts"),
    [
        ("claim", ["pay", "charge"], 2),
        ("handler", ["pay", "charge", "pay"], 2),
        ("run", ["pay", "charge", "pay", "charge"], 2),
        ("save", ["pay", "charge", "pay"], 2),
        ("commit", ["pay", "charge"], 1),
    ],
)
def test_a_worker_that_dies_is_followed_by_another(
    tasker: Tasker, point: str, calls: list[str], attempts: int
) -> None:
    seen: list[str] = []
    task = tasker.submit(paying(seen))
    began = tasker.clock.now()
    tasker.faults.crash_after(point, step="pay")  # pyright: ignore[reportArgumentType]
    assert task.result() == "shipped for 7"
    assert seen == ["order", *calls, "ship"]
    assert [step["attempt"] for step in task.steps()][1] == attempts
    # The lease of what it was running, or had just been granted, had to run out.
    assert tasker.clock.now() - began >= LEASE


def test_a_point_that_no_worker_passes_is_refused_at_once(tasker: Tasker) -> None:
    with pytest.raises(DefinitionError, match=r'claim, handler, .* Did you mean "save"'):
        tasker.faults.crash_after("sav", step="pay")  # pyright: ignore[reportArgumentType]
    assert tasker.faults.pending == []


def test_a_crash_counts_as_an_attempt_and_the_last_one_fails_the_step(tasker: Tasker) -> None:
    task = tasker.submit(paying([], attempts=2))
    tasker.faults.crash_after("claim", step="pay", times=2)
    with pytest.raises(TaskFailed, match="pay"):
        task.result()
    assert tasker.faults.pending == []
    assert "pay: error" in task.graph()


def test_a_sync_handler_s_worker_dies_as_well(tasker: Tasker) -> None:
    seen: list[str] = []
    workflow = Workflow("sync")

    @workflow.step
    def work(ctx: StepContext) -> int:
        for name in ("a", "b"):
            ctx.sync.run(name, lambda name=name: seen.append(name))
        return len(seen)

    tasker.faults.crash_after("run", run="b")
    assert tasker.run(workflow) == 3
    assert seen == ["a", "b", "b"]


def test_a_lost_reply_is_no_second_commit(tasker: Tasker) -> None:
    seen: list[str] = []
    task = tasker.submit(paying(seen))
    tasker.faults.lose_reply("pay")
    assert task.result() == "shipped for 7"
    assert seen == ["order", "pay", "charge", "ship"]
    assert [step["attempt"] for step in task.steps()] == [
        1,
        1,
        2,
    ]  # ship's grant was in the lost reply


def test_what_a_handler_comes_to_without_its_lease_is_refused(tasker: Tasker) -> None:
    seen: list[str] = []
    task = tasker.submit(paying(seen))
    tasker.faults.lose_lease("pay")
    assert task.result() == "shipped for 7"
    assert (
        task.graph()
        == """\
shop/pay 1.0.0: complete
  order: complete
  pay: complete, attempt 2, after order
  ship: complete, after pay
"""
    )


def test_a_dropped_connection_is_opened_again(
    tasker: Tasker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tasker_sql.session")
    task = tasker.submit(paying(seen := []))
    tasker.faults.drop_connection("pay")
    assert task.result() == "shipped for 7"
    assert seen == ["order", "pay", "charge", "ship"]
    assert "will ask the database again" in caplog.text


def test_an_attempt_fails_instead_of_being_made(tasker: Tasker) -> None:
    task = tasker.submit(paying(seen := []))
    tasker.faults.fail("pay", ConnectionError("down"), times=2)
    assert task.result() == "shipped for 7"
    assert seen == ["order", "pay", "charge", "ship"]
    assert [(call.attempt, repr(call.error)) for call in tasker.calls("pay")] == [
        (1, "ConnectionError('down')"),
        (2, "ConnectionError('down')"),
        (3, "None"),
    ]
    other = tasker.submit(paying([]))
    tasker.faults.fail("pay", PermanentError("no"))
    with pytest.raises(TaskFailed, match="no"):
        other.result()


def test_an_attempt_runs_out_of_time_without_taking_any(tasker: Tasker) -> None:
    task = tasker.submit(paying(seen := []))
    tasker.faults.time_out("pay", times=None)
    with pytest.raises(TaskFailed, match="AttemptTimedOut"):
        task.result()
    assert seen == ["order"]


def test_a_fault_of_one_in_a_batch(tasker: Tasker) -> None:
    workflow = Workflow("batch")

    @workflow.batch
    def split() -> list[int]:
        return [1, 2, 3]

    @workflow.batch_worker(retry=Retry(max_attempts=3, backoff="none"))
    def load(split: int) -> int:
        return split

    @workflow.convergence
    def join(load: list[int]) -> int:
        return sum(load)

    task = tasker.submit(workflow)
    tasker.faults.fail("load/2")
    tasker.faults.crash_after("commit", "split")
    assert task.result() == 6
    assert {call.step: call.attempt for call in tasker.calls("load")} == {
        "load/1": 2,
        "load/2": 3,
        "load/3": 2,
    }
