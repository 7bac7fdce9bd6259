"""Runs several coroutines at once, bounded. Pure but for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

__all__ = ["end", "together"]

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


async def end(tasks: Sequence[asyncio.Task[None]] | Sequence[asyncio.Future[None]]) -> None:
    """Interrupt those that still run, and wait until none does. What they raise then is of no interest."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
