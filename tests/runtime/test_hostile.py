"""Handlers that raise or report what no handler should: their attempt ends, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from tests.runtime.support import PATIENCE, failure

from tasker import Client, Retry, StepContext, Worker, Workflow

pytestmark = pytest.mark.anyio


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Base(BaseException):
    pass


async def await_cancelled(_: StepContext) -> None:
    task = asyncio.create_task(asyncio.sleep(9))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def raise_mute(_: StepContext) -> None:
    raise Mute


async def raise_base(_: StepContext) -> None:
    raise Base("x")


async def raise_group(_: StepContext) -> None:
    raise BaseExceptionGroup("g", [Base("x")])


async def report_infinity(ctx: StepContext) -> None:
    ctx.progress(float("inf"))


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (await_cancelled, "CancelledError"),
        (raise_mute, "Mute"),
        (raise_base, "Base"),
        (raise_group, "BaseExceptionGroup"),
        (report_infinity, "ValueError"),
    ],
)
async def test_it_ends_its_own_attempt_only(
    database: str, client: Client, act: Callable[[StepContext], Awaitable[None]], kind: str
) -> None:
    workflow = Workflow("hostile", namespace="demo", input=bool)

    @workflow.step(retry=Retry(max_attempts=1))
    async def step(input: bool, ctx: StepContext) -> str:
        if input:
            await act(ctx)
        return "fine"

    async with Worker(workflow, url=database):
        assert (await failure(await client.submit(workflow, True))).type == kind
        task = await client.submit(workflow, False)
        assert await task.result(timeout=PATIENCE) == "fine"


async def test_odd_progress_does_not_stop_the_heartbeat(database: str, client: Client) -> None:
    workflow = Workflow("odd", namespace="demo")

    @workflow.step(retry=Retry(max_attempts=1))
    async def step(ctx: StepContext) -> str:
        ctx.progress(Decimal(1), 2, "a\0b \ud800")  # type: ignore[arg-type]
        await asyncio.sleep(2.5)  # longer than the lease: only heartbeats keep it
        return "kept"

    async with Worker(workflow, url=database, lease="1s"):
        task = await client.submit(workflow)
        assert await task.result(timeout=PATIENCE) == "kept"


async def test_large_results_are_sent_in_parts(database: str, client: Client) -> None:
    workflow = Workflow("large", namespace="demo")
    for n in range(24):

        @workflow.step(name=f"s{n}")
        async def step() -> str:
            return "x" * 15_000_000

    async with Worker(workflow, url=database):
        task = await client.submit(workflow)
        async for status in task.watch():
            state = status["state"]
    assert state == "complete"
