"""Writes a graph as a tree of lines, for a terminal. Pure.

Branches hang below the step from which they part. What they come to stands in line with it again, and so does a way
that is the only one, so that a chain stays straight however long it is. What comes after several steps says so in
words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasker.drawing.graph import Graph, Node
from tasker.drawing.layering import make_layers

__all__ = ["Line", "to_tree"]


_INNER = {"├─ ": "│  ", "╰─ ": "   ", "": ""}


@dataclass(frozen=True, slots=True)
class Line:
    """A node in its line: what is drawn before it, and what it comes after if there is more than one."""

    before: str
    node: Node
    after: tuple[str, ...] = ()


def to_tree(graph: Graph) -> Iterator[Line]:
    """The lines, from the first step down."""
    numbers = {node.name: n for n, node in enumerate(graph.nodes)}
    pairs = [(numbers[edge.start], numbers[edge.end]) for edge in graph.edges]
    parents: list[list[int]] = [[] for _ in graph.nodes]
    layers = make_layers(len(graph.nodes), pairs)
    for start, end in layers.paths:
        parents[end].append(start)
    order = [vertex for row in layers.rows for vertex in row if vertex < len(graph.nodes)]
    hang = _hang(order, parents)
    below: dict[int | None, list[int]] = {}
    for vertex in order:
        below.setdefault(hang[vertex], []).append(vertex)
    yield from _write(graph.nodes, parents, below)


def _hang(order: Sequence[int], parents: Sequence[Sequence[int]]) -> list[int | None]:
    """Below which node each hangs: the last that every way to it passes through (its immediate dominator)."""
    hang: list[int | None] = [None] * len(parents)
    depth = [0] * len(parents)
    for vertex in order:
        common: int | None = parents[vertex][0] if parents[vertex] else None
        for other in parents[vertex][1:]:
            there: int | None = other
            while common != there:
                if common is None or there is None:
                    common = there = None
                elif depth[common] >= depth[there]:
                    common = hang[common]
                else:
                    there = hang[there]
        hang[vertex] = common
        depth[vertex] = 0 if common is None else depth[common] + 1
    return hang


def _write(
    nodes: Sequence[Node], parents: Sequence[Sequence[int]], below: dict[int | None, list[int]]
) -> Iterator[Line]:
    def arrange(vertex: int | None, before: str) -> list[tuple[int, str, str]]:
        """What hangs below a node, the last first: each with what stands before it, and its hook."""
        own = below.get(vertex, [])
        within = vertex is not None and nodes[vertex].kind == "inner"
        kinds = ("compensation", "task") if within else ("compensation", "task", "inner")
        aside = [each for each in own if nodes[each].kind in kinds]
        ways = [each for each in own if len(parents[each]) <= 1 and each not in aside]
        hooked = aside if len(ways) == 1 else [*ways, *aside]
        rest = [each for each in own if each not in hooked]
        hooks = [*(["├─ "] * (len(hooked) - 1)), "╰─ "][-len(hooked) :] if hooked else []
        lines = [(each, before, hook) for each, hook in zip(hooked, hooks, strict=True)]
        return [*lines, *((each, before, "") for each in rest)][::-1]

    stack = arrange(None, "")
    while stack:
        vertex, before, hook = stack.pop()
        after = parents[vertex] if len(parents[vertex]) > 1 else ()
        yield Line(before + hook, nodes[vertex], tuple(nodes[each].name for each in after))
        stack += arrange(vertex, before + _INNER[hook])
