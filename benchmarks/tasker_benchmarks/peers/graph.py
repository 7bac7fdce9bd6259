"""The shapes as somebody would write them in an engine whose workflows are code: loops, gathers, conditions. Pure."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from tasker.bench.shapes import Batch, Decision, Shape, Static

__all__ = ["levels", "run_shape"]

# Runs a step durably: (its number, how many results go into it).
Step = Callable[[int, int], Awaitable[Any]]


async def run_shape(shape: Shape, number: int, step: Step) -> int:
    """Run the steps of task `number`, those of a level at once; how many there were.

    Level by level, because engines that replay code want steps to be started in one order each time.
    """
    match shape:
        case Static(_, parents):
            for level in levels(shape):
                if len(level) == 1:
                    await step(level[0], len(parents[level[0]]))
                else:
                    await gather(*(step(no, len(parents[no])) for no in level))
            return len(parents)
        case Batch(_, width):
            await step(0, 0)
            await gather(*(step(no, 1) for no in range(1, width + 1)))
            await step(width + 1, width)
            return width + 2
        case Decision(_, branches, chosen):
            await step(0, 0)
            picked = [1 + (number + no) % branches for no in range(chosen)]
            await gather(*(step(no, 1) for no in picked))
            await step(branches + 1, chosen)
            return chosen + 2


@cache
def levels(shape: Static) -> tuple[tuple[int, ...], ...]:
    """The steps by how many steps must be done one after the other before them."""
    depth: list[int] = []
    for parents in shape.parents:
        depth.append(1 + max((depth[parent] for parent in parents), default=-1))
    return tuple(
        tuple(no for no, of in enumerate(depth) if of == level) for level in range(max(depth) + 1)
    )
