"""Durable code in handlers: what was done once is not done again, and what is waited for takes no slot."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import PATIENCE, make_due, until

from tasker import (
    Client,
    EventTimedOut,
    InvalidStateError,
    PermanentError,
    Retry,
    RetryableError,
    StepContext,
    SyncClient,
    TaskFailed,
    Worker,
    Workflow,
)
from tasker.durable import Durable, Left
from tasker.testing import AsyncTasker, Tasker, TaskNotEnded

AT_ONCE = Retry(max_attempts=3, backoff="none")
WAITING = "select state = 'waiting' from tasker.step where step_no = 1"


class Charge(BaseModel):
    id: int


def counting(calls: list[str]) -> Workflow:
    """Its handlers note what they really do."""
    workflow = Workflow("durable", namespace="shop")

    @workflow.step(retry=AT_ONCE)
    async def pay(ctx: StepContext) -> Charge:
        async def charge() -> Charge:
            calls.append("charge")
            return Charge(id=len(calls))

        paid = await ctx.run("charge", charge)
        note = await ctx.run("note", lambda: calls.append("note"))
        assert note is None
        if ctx.attempt < 3:
            raise RetryableError("not yet")
        return paid

    @workflow.step(retry=AT_ONCE)
    def ship(pay: Charge, ctx: StepContext) -> list[Any]:
        def label() -> Charge:
            calls.append("label")
            return Charge(id=9)

        parcel = ctx.sync.run("label", label)
        if ctx.attempt == 1:
            raise RetryableError("not yet")
        return [pay.id, parcel.id]

    return workflow


def test_what_a_handler_ran_is_not_run_again_by_a_retry(tasker: Tasker) -> None:
    calls: list[str] = []
    workflow = counting(calls)
    assert tasker.run(workflow) == [1, 9]
    assert calls == ["charge", "note", "label"]


def test_a_handler_goes_on_from_its_last_checkpoint(tasker: Tasker) -> None:
    seen: list[int] = []
    workflow = Workflow("import", namespace="shop")

    @workflow.batch
    def split() -> list[list[int]]:
        return [[1, 2, 3, 4]]

    @workflow.batch_worker(retry=AT_ONCE)
    async def load(split: list[int], ctx: StepContext) -> int:
        last = ctx.last_checkpoint
        start, total = (last.cursor, last.partial) if last else (0, 0)
        for at, row in enumerate(split[start:], start):
            if row == ctx.attempt + 2:
                raise RetryableError(f"stopped before {row}")
            seen.append(row)
            total += row
            await ctx.checkpoint(at + 1, total)
        return total

    @workflow.convergence
    def report(load: list[int], ctx: StepContext) -> int:
        ctx.sync.checkpoint("half", {"of": 2})
        return load[0]

    # Its worker dies with the first row saved; the attempt after that stops before the last row.
    tasker.faults.crash_after("save", "load/1", run="checkpoint")
    assert tasker.run(workflow) == 10
    assert seen == [1, 2, 3, 4]


@pytest.mark.anyio
async def test_a_sleep_takes_no_slot_and_no_attempt(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    seen: list[int] = []
    workflow = Workflow("sleeper", namespace="shop")

    @workflow.step
    async def doze(ctx: StepContext) -> int:
        seen.append(ctx.attempt)
        await ctx.sleep("30d")
        await ctx.sleep("1h", name="again")
        return ctx.attempt

    @workflow.step(depends_on=["doze"])
    def after() -> str:
        return "awake"

    async with Worker(workflow, url=database, slots=1):
        task = await client.submit(workflow)
        await until(db, WAITING)
        other = await client.submit(workflow)
        await until(db, "select count(*) = 2 from tasker.step where state = 'waiting'")
        await client.handle(other.id).cancel("only to see that the slot is free")
        await make_due(db)
        # Not only fired: the handler has run again, and come to its second sleep.
        await until(db, "select name = 'sleep:again' from tasker.wait where task_id = %s", task.id)
        await make_due(db)
        assert await task.result(timeout=PATIENCE) == "awake"
    assert seen == [1, 1, 1, 1]


@pytest.mark.anyio
async def test_an_event_goes_to_the_handler_that_waits_for_it(async_tasker: AsyncTasker) -> None:
    workflow = Workflow("order", namespace="shop")

    @workflow.step
    async def wait(ctx: StepContext) -> Any:
        parcels = await ctx.wait_event("arrived", timeout="2d")
        await ctx.wait_event("signed")
        return parcels

    task = await async_tasker.submit(workflow)
    with pytest.raises(TaskNotEnded, match="event arrived, until 2"):
        await task.result()
    assert await task.send_event("arrived", {"parcels": 2}) is True
    assert await task.send_event("arrived", {"parcels": 3}) is False
    with pytest.raises(TaskNotEnded, match="wait: it waits for event signed\n"):
        await task.finish()
    assert await task.send_event("signed") is True
    assert await task.result() == {"parcels": 2}
    with pytest.raises(InvalidStateError, match="has ended"):
        await task.send_event("late")


def test_a_sync_handler_waits_as_well(tasker: Tasker) -> None:
    workflow = Workflow("order", namespace="shop")

    @workflow.step
    def wait(ctx: StepContext) -> Any:
        ctx.sync.sleep(3600)
        return ctx.sync.wait_event("arrived")

    task = tasker.submit(workflow)
    tasker.clock.advance(3600)
    with SyncClient(tasker.database_url) as client:
        assert client.handle(task.id).send_event("arrived", 7) is True
    assert task.result() == 7


def test_a_timeout_can_go_another_way(tasker: Tasker) -> None:
    workflow = Workflow("order", namespace="shop")

    @workflow.decision
    async def wait(ctx: StepContext) -> str:
        try:
            await ctx.wait_event("arrived", timeout="2d")
        except EventTimedOut:
            return "refund"
        return "send"

    @workflow.step(depends_on=["wait"])
    def send() -> str:
        return "sent"

    @workflow.step(depends_on=["wait"])
    def refund() -> str:
        return "refunded"

    assert tasker.run(workflow, within="2d") == "refunded"


def test_a_timeout_that_nobody_catches_fails_the_step_for_good(tasker: Tasker) -> None:
    workflow = Workflow("order", namespace="shop")

    @workflow.step
    async def wait(ctx: StepContext) -> None:
        await ctx.wait_event("arrived", timeout=60)

    with pytest.raises(TaskFailed, match="event arrived did not come in time"):
        tasker.run(workflow)
    assert [call.attempt for call in tasker.calls()] == [1, 1]


def test_two_things_of_one_name_are_refused(tasker: Tasker) -> None:
    workflow = Workflow("order", namespace="shop")

    @workflow.step
    async def twice(ctx: StepContext) -> None:
        await ctx.run("same", lambda: 1)
        await ctx.run("same", lambda: 2)

    with pytest.raises(TaskFailed, match="two runs are named same"):
        tasker.run(workflow)


# Without a worker, as a unit test of a handler has it


def context(**saved: Any) -> StepContext:
    return StepContext(
        task_id=UUID(int=1), namespace="n", template="t", version="1", step_name="s",
        durable=Durable({name.replace("_", ":"): value for name, value in saved.items()}),
    )  # fmt: skip


@pytest.mark.anyio
async def test_in_a_unit_test_a_run_runs_and_a_wait_finds_what_was_given() -> None:
    ctx = context(event_paid={"event": 7}, event_late={"timeout": True})
    assert await ctx.run("x", lambda: 3) == 3
    assert await ctx.wait_event("paid") == 7
    with pytest.raises(EventTimedOut):
        await ctx.wait_event("late")
    with pytest.raises(Left):
        await ctx.sleep(1)


@pytest.mark.anyio
async def test_what_makes_no_sense_is_an_error_for_good() -> None:
    with pytest.raises(PermanentError, match="1 to 255 characters"):
        await context().run("", lambda: 3)
    with pytest.raises(PermanentError, match="'2 weeks' is no duration"):
        await context().sleep("2 weeks")
