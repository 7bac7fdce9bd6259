"""Runs several coroutines at once, bounded. Pure but for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from tasker_grammar.world import ActionFailed

__all__ = ["end", "together", "unbroken"]

T = TypeVar("T")


async def together(runs: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """What each gives, in their order, with at most so many under way at a time; they begin in their order.

    When one raises, the others are interrupted and waited for, and that is raised as it is.
    """
    if at_once <= 1 or len(runs) <= 1:
        return [await run() for run in runs]
    results: dict[int, T] = {}
    left = iter(enumerate(runs))

    async def work() -> None:
        for index, run in left:
            results[index] = await run()

    workers = [asyncio.ensure_future(work()) for _ in range(min(at_once, len(runs)))]
    try:
        # Not `gather`: it would leave the others running when one raises.
        await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        for worker in workers:
            if worker.done():
                worker.result()
    finally:
        await end(workers)
    return [results[index] for index in range(len(runs))]


async def end(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Interrupt those that still run, and wait until none does. A failure of theirs is of no interest then; but what
    leaves the run, such as a lease that was lost, is raised.
    """
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        match ended:
            case None | asyncio.CancelledError() | ActionFailed():
                continue
            case leaves:
                raise leaves


async def unbroken(work: Coroutine[Any, Any, None], patience: float = 5.0) -> None:
    """Do it to its end: who is interrupted meanwhile is so when it has ended. It is broken off, with TimeoutError, when
    it goes on for `patience` seconds then; and when its caller is interrupted once more.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([task], timeout=patience)
        finally:
            is_late = not task.done()
            task.cancel()
        if is_late:
            raise TimeoutError from None
        task.result()
        raise
