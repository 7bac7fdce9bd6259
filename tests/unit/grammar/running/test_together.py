"""Several parts of a run at once: what becomes of the others when one fails."""

from __future__ import annotations

import asyncio

import pytest

from tasker_grammar.running import together, unbroken
from tasker_grammar.world import ActionFailed

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_leaves_the_run_comes_before_a_failure_of_a_part() -> None:
    class LeaseLost(Exception): ...

    async def fails() -> None:
        raise ActionFailed("BAD", "this part fails")

    async def leaves() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise LeaseLost

    with pytest.raises(LeaseLost):
        await together([leaves, fails], 2)


async def test_what_is_unbroken_ends_though_it_is_interrupted() -> None:
    done: list[str] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go.wait()
        done.append("to its end")

    task = asyncio.create_task(unbroken(work()))
    await begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(go.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["to its end"]


async def test_what_fails_in_it_comes_before_the_interruption() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go.wait()
        raise ConnectionError

    task = asyncio.create_task(unbroken(work()))
    await begun.wait()
    task.cancel()
    asyncio.get_running_loop().call_soon(go.set)
    with pytest.raises(ConnectionError):
        await task


async def test_what_does_not_end_is_broken_off() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(unbroken(work(), patience=0.01))
    await begun.wait()
    task.cancel()
    with pytest.raises(TimeoutError):
        await task
    await ended.wait()


async def test_who_interrupts_once_more_is_obeyed() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    task = asyncio.create_task(unbroken(work()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended.wait()
