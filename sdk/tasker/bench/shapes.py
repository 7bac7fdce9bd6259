"""The graphs that are measured, as data that any executor can build in its own way. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

__all__ = [
    "Batch",
    "Decision",
    "Shape",
    "Static",
    "batch",
    "chain",
    "chains",
    "count_steps",
    "decision",
    "diamond",
    "draw_shapes",
    "fanout",
    "tree",
]


@dataclass(frozen=True, slots=True)
class Static:
    """A graph that is known from the start: for each step the numbers of its parents, all below its own, from 0."""

    name: str
    parents: tuple[tuple[int, ...], ...]
    kind: Literal["static"] = "static"


@dataclass(frozen=True, slots=True)
class Batch:
    """1 -> width -> 1, where the first step says at run time how many there are."""

    name: str
    width: int
    kind: Literal["batch"] = "batch"


@dataclass(frozen=True, slots=True)
class Decision:
    """A step that chooses `chosen` of `branches` steps, and one that goes on when those are done."""

    name: str
    branches: int
    chosen: int
    kind: Literal["decision"] = "decision"


Shape = Static | Batch | Decision


def count_steps(shape: Shape) -> int:
    """How many steps a task of this shape runs."""
    match shape:
        case Static():
            return len(shape.parents)
        case Batch():
            return shape.width + 2
        case Decision():
            return shape.chosen + 2


def chain(length: int) -> Static:
    """Steps one after the other."""
    first: tuple[int, ...] = ()
    return Static(f"chain_{length}", (first, *((number,) for number in range(length - 1))))


def chains(count: int, length: int) -> Static:
    """So many steps in all, in chains of that length beside each other; the last may be shorter."""
    first: tuple[int, ...] = ()
    parents = (first if number % length == 0 else (number - 1,) for number in range(count))
    return Static(f"chains_{count}_of_{length}", tuple(parents))


def diamond() -> Static:
    """1 -> 2 -> 1."""
    return Static("diamond", ((), (0,), (0,), (1, 2)))


def tree(depth: int) -> Static:
    """A binary tree: each step but those of the last level is followed by two. 2**depth - 1 steps."""
    children = (((number - 1) // 2,) for number in range(1, 2**depth - 1))
    return Static(f"tree_{depth}", ((), *children))


def fanout(width: int) -> Static:
    """1 -> width -> 1."""
    return Static(f"fanout_{width}", ((), *([(0,)] * width), tuple(range(1, width + 1))))


def batch(width: int) -> Batch:
    """1 -> width -> 1, the width found at run time."""
    return Batch(f"batch_{width}", width)


def decision(branches: int = 3, chosen: int = 2) -> Decision:
    """A decision among `branches`, of which `chosen` come to be."""
    return Decision(f"decision_{branches}_{chosen}", branches, chosen)


def draw_shapes(count: int, seed: int) -> tuple[Shape, ...]:
    """Draw `count` graphs of mixed kinds and sizes; the same for the same seed."""
    random = Random(seed)
    kinds: tuple[Shape, ...] = (
        chain(3),
        chain(10),
        diamond(),
        tree(4),
        fanout(10),
        fanout(30),
        batch(20),
        decision(),
        decision(5, 1),
    )
    return tuple(random.choice(kinds) for _ in range(count))
