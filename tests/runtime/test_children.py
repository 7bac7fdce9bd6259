"""Handlers that start tasks and wait for them, in real workers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import PATIENCE, until

from tasker import (
    ChildTask,
    Client,
    ContractError,
    PermanentError,
    Retry,
    StepContext,
    TaskCancelled,
    TaskFailed,
    TaskTimedOut,
    Worker,
    Workflow,
)
from tasker.durable import Durable, Left
from tasker.testing import Tasker, TaskNotEnded

AT_ONCE = Retry(max_attempts=3, backoff="none")


class Invoice(BaseModel):
    number: int


class Receipt(BaseModel):
    of: int


billing = Workflow("billing", namespace="shop", input=Invoice)


@billing.step(retry=Retry(max_attempts=1))
def bill(input: Invoice) -> Receipt:
    if input.number < 0:
        raise PermanentError("no such invoice")
    return Receipt(of=input.number)


def parent(name: str = "parent") -> Workflow:
    return Workflow(name, namespace="shop", input=int)


def test_a_handler_runs_a_child_and_gets_its_result_with_its_type(tasker: Tasker) -> None:
    workflow = parent()

    @workflow.step
    async def order(input: int, ctx: StepContext) -> list[int]:
        one = await ctx.run_task(billing, Invoice(number=input))
        two = await ctx.run_task("shop/billing", {"number": 2}, Receipt, name="second")
        plain = await ctx.run_task("shop/billing", {"number": 3}, name="third")
        return [one.of, two.of, plain["of"]]

    @workflow.step
    def deliver(order: list[int], ctx: StepContext) -> int:
        child = ctx.sync.start_task(billing, Invoice(number=4))
        receipt = ctx.sync.wait_task(child)
        return sum(order) + receipt.of + ctx.sync.run_task(billing, Invoice(number=5), name="b").of

    tasker.register(billing)
    assert tasker.run(workflow, 1) == 1 + 2 + 3 + 4 + 5


def test_children_run_side_by_side_and_are_awaited_in_any_order(tasker: Tasker) -> None:
    workflow = parent()

    @workflow.step
    async def order(input: int, ctx: StepContext) -> list[int]:
        children = [
            await ctx.start_task(billing, Invoice(number=n), name=f"bill-{n}") for n in range(input)
        ]
        return [(await ctx.wait_task(child)).of for child in reversed(children)]

    tasker.register(billing)
    assert tasker.run(workflow, 5) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("point", ["start", "handler"])
def test_a_worker_that_dies_after_the_start_finds_the_same_child(
    tasker: Tasker, point: Any
) -> None:
    workflow = parent()

    @workflow.step(retry=AT_ONCE)
    async def order(input: int, ctx: StepContext) -> str:
        child = await ctx.start_task(billing, Invoice(number=input))
        if ctx.attempt == 2:
            raise RuntimeError("and a retry finds it as well")
        return str(child.id)

    tasker.register(billing)
    tasker.faults.crash_after(point, "order")
    task = tasker.submit(workflow, 1)
    first = task.result()
    [child] = task.children()
    assert first == child["task_id"]
    assert child["state"] == "complete"


def test_what_became_of_a_child_is_an_error_that_says_so(tasker: Tasker) -> None:
    workflow = parent()
    seen: list[Exception] = []

    @workflow.step(retry=AT_ONCE)
    async def order(input: int, ctx: StepContext) -> None:
        try:
            await ctx.run_task(billing, Invoice(number=input), on_blocked="raise")
        except TaskFailed as failed:
            seen.append(failed)
            raise

    tasker.register(billing)
    task = tasker.submit(workflow, -1)
    with pytest.raises(TaskFailed, match="no such invoice"):
        task.result()
    [failed] = seen
    assert isinstance(failed, TaskFailed)
    assert failed.state == "blocked_by_failures"
    assert str(failed.task_id) == task.children()[0]["task_id"]
    assert [(e.step, e.type, e.message) for e in failed.errors] == [
        ("bill", "PermanentError", "no such invoice")
    ]
    assert task.steps()[0]["attempt"] == 1, "it is permanent"


def test_a_parent_waits_for_a_blocked_child_until_it_is_mended(tasker: Tasker) -> None:
    workflow = parent()

    @workflow.step
    async def order(input: int, ctx: StepContext) -> int:
        return (await ctx.run_task(billing, Invoice(number=input))).of

    tasker.register(billing)
    task = tasker.submit(workflow, -1)
    with pytest.raises(TaskNotEnded, match=r"it waits for task .* \(blocked_by_failures\)"):
        task.result()
    child = UUID(task.children()[0]["task_id"])
    with psycopg.connect(tasker.database_url, autocommit=True) as db:
        resolve = "select tasker.resolve_step(%s, 'bill', '{\"of\": 8}', 'paid by hand', 'ann')"
        db.execute(resolve, [child])
    assert task.result() == 8


def test_a_wait_for_a_task_has_a_time_limit_and_can_be_taken_up_again(tasker: Tasker) -> None:
    slow, workflow = Workflow("slow", namespace="shop"), parent()

    @slow.step
    async def doze(ctx: StepContext) -> str:
        await ctx.sleep("3d")
        return "awake"

    @workflow.step
    async def order(input: int, ctx: StepContext) -> list[str]:
        child = await ctx.start_task(slow)
        try:
            await ctx.wait_task(child, timeout="1d")
        except TaskTimedOut as late:
            assert late.task_id == child.id
            return ["late", await ctx.wait_task(child)]
        return []

    tasker.register(slow)
    task = tasker.submit(workflow, 1)
    task.finish()
    assert task.result() == ["late", "awake"]


def test_what_cannot_be_started_fails_the_step_for_good(tasker: Tasker) -> None:
    workflow = parent()

    @workflow.step(retry=AT_ONCE)
    async def order(input: int, ctx: StepContext) -> None:
        match input:
            case 1:
                await ctx.start_task("shop/nothing", {})
            case 2:
                await ctx.start_task("shop/billing", {"number": "many"})
            case 3:
                await ctx.start_task("billing")
            case 4:
                await ctx.wait_task(UUID(int=7))
            case _:
                await ctx.start_task("shop/parent", input)
                await ctx.start_task("shop/parent", input)

    tasker.register(billing)
    for number, said in enumerate(
        ["child task nothing was not started", "number", "names no template", "there is no task", "two starts"],
        1,
    ):  # fmt: skip
        task = tasker.submit(workflow, number)
        with pytest.raises(TaskFailed, match=said):
            task.result()
        assert task.steps()[0]["attempt"] == 1
        if number == 5:
            task.cancel("it goes on for ever")


def test_a_line_of_children_is_at_most_32_long(tasker: Tasker) -> None:
    workflow = parent()

    @workflow.step
    async def order(input: int, ctx: StepContext) -> int:
        return await ctx.run_task("shop/parent", input + 1, on_blocked="raise")

    task = tasker.submit(workflow, 0)
    with pytest.raises(TaskFailed, match="stands 32 children deep"):
        task.result()


def test_a_cancelled_parent_takes_its_children_with_it(tasker: Tasker) -> None:
    slow, workflow = Workflow("slow", namespace="shop"), parent()

    @slow.step
    async def doze(ctx: StepContext) -> None:
        await ctx.sleep("3d")

    @workflow.step
    async def order(input: int, ctx: StepContext) -> None:
        await ctx.start_task(slow, name="dependent")
        left = await ctx.start_task(slow, name="detached", on_parent_end="leave")
        try:
            await ctx.wait_task(left)
        except TaskCancelled as cancelled:
            raise AssertionError from cancelled

    tasker.register(slow)
    task = tasker.submit(workflow, 1)
    with pytest.raises(TaskNotEnded):
        task.result()
    task.cancel("no more")
    with pytest.raises(TaskCancelled):
        task.result()
    assert {c["name"]: c["state"] for c in task.children()} == {
        "dependent": "cancelled",
        "detached": "waiting",
    }


@pytest.mark.anyio
async def test_children_on_real_workers(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    workflow = parent()

    @workflow.step
    async def order(input: int, ctx: StepContext) -> int:
        total = 0
        for n in range(input):
            receipt = await ctx.run_task(billing, Invoice(number=n), name=f"b{n}")
            total += receipt.of
        return total

    async with Worker(workflow, billing, url=database, slots=1):
        task = await client.submit(workflow, 4, tags=["top"])
        assert await task.result(timeout=PATIENCE) == 6
    children = await task.children()
    assert [(c["name"], c["step"], c["state"]) for c in children] == [
        (f"b{n}", "order", "complete") for n in range(4)
    ]
    status = await client.handle(children[0]["task_id"]).status()
    assert status["parent"] == {
        "task_id": str(task.id), "step": "order", "name": "b0", "on_parent_end": "cancel", "depth": 1,
    }  # fmt: skip


@pytest.mark.anyio
async def test_a_handler_waits_for_a_task_that_is_no_child(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    workflow = Workflow("other", namespace="shop", input=str)

    @workflow.step
    async def watch(input: str, ctx: StepContext) -> int:
        return (await ctx.wait_task(input, Receipt, timeout="1h")).of

    await client.register(billing)
    awaited = await client.submit(billing, Invoice(number=3))
    async with Worker(workflow, url=database):
        task = await client.submit(workflow, str(awaited.id))
        await until(db, "select state = 'waiting' from tasker.step where task_id = %s", task.id)
        await awaited.cancel("not needed")
        with pytest.raises(TaskFailed, match="was cancelled: not needed"):
            await task.result(timeout=PATIENCE)


@pytest.mark.anyio
async def test_a_unit_test_says_what_came_of_a_child() -> None:
    def context(saved: dict[str, Any]) -> StepContext:
        return StepContext(
            task_id=UUID(int=1), namespace="shop", template="t", version="1", step_name="s",
            durable=Durable(saved),
        )  # fmt: skip

    child = await context({}).start_task(billing, Invoice(number=1))
    assert child == ChildTask(child.id, "billing", billing.output)
    with pytest.raises(Left):
        await context({}).wait_task(child)
    ended = {"task:billing": {"state": "complete", "result": {"of": 3}}}
    assert await context(ended).run_task(billing, Invoice(number=1)) == Receipt(of=3)
    odd = {"task:billing": {"state": "complete", "result": {"of": "x"}}}
    with pytest.raises(ContractError):
        await context(odd).run_task(billing, Invoice(number=1))
    with pytest.raises(PermanentError, match="on_blocked"):
        await context({}).wait_task(child, on_blocked="never")  # pyright: ignore[reportArgumentType, reportCallIssue]
