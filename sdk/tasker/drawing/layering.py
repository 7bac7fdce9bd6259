"""Puts a graph's nodes into layers, each below all that leads to it, and gives long edges their bends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["MOST_BENDS", "Layers", "make_layers"]

# Long edges are led around what stands between, through a bend in each layer; the shortest get them first. Those that
# are left when there are so many run straight, behind the boxes.
MOST_BENDS = 20_000

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layers:
    """Vertices by layer: nodes by their number, then bends. `paths` has the vertices from an edge's upper end down."""

    rows: list[list[int]]
    paths: dict[Pair, list[int]]
    above: list[list[int]]
    """Of each vertex, its neighbours in the layer above."""
    below: list[list[int]]


def make_layers(count: int, pairs: Sequence[Pair]) -> Layers:
    """Layer the nodes 0 to count - 1. `pairs` are edges (start, end); those that close a circle are turned round first.

    In `paths` a pair that was turned stands under (end, start).
    """
    down = _turn_back_edges(count, pairs)
    rank = _rank(count, down)
    rows: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for node in range(count):
        rows[rank[node]].append(node)
    paths: dict[Pair, list[int]] = {}
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for start, end in sorted(down, key=lambda pair: rank[pair[1]] - rank[pair[0]]):
        bends = rank[end] - rank[start] - 1
        if len(above) - count + bends > MOST_BENDS:
            paths[start, end] = [start, end]
            continue
        path = [start, *range(len(above), len(above) + bends), end]
        for layer, bend in enumerate(path[1:-1], start=rank[start] + 1):
            rows[layer].append(bend)
            above.append([])
            below.append([])
        for upper, lower in pairwise(path):
            below[upper].append(lower)
            above[lower].append(upper)
        paths[start, end] = path
    return Layers(rows, paths, above, below)


def _turn_back_edges(count: int, pairs: Sequence[Pair]) -> list[Pair]:
    """The edges with those turned round that lead back to where a walk has come from."""
    ends: list[list[int]] = [[] for _ in range(count)]
    for start, end in pairs:
        ends[start].append(end)
    entered = {end for _, end in pairs}
    found: dict[Pair, None] = {}
    seen, open_ = [False] * count, [False] * count
    for root in sorted(range(count), key=lambda node: node in entered):
        if seen[root]:
            continue
        seen[root] = open_[root] = True
        stack = [(root, iter(ends[root]))]
        while stack:
            node, rest = stack[-1]
            for end in rest:
                found[(end, node) if open_[end] else (node, end)] = None
                if not seen[end]:
                    seen[end] = open_[end] = True
                    stack.append((end, iter(ends[end])))
                    break
            else:
                open_[node] = False
                stack.pop()
    return list(found)


def _rank(count: int, pairs: Sequence[Pair]) -> list[int]:
    """Of each node the length of the longest way to it; the pairs close no circle."""
    ends: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for start, end in pairs:
        ends[start].append(end)
        waiting[end] += 1
    rank = [0] * count
    ready = [node for node in range(count) if waiting[node] == 0]
    for node in ready:
        for end in ends[node]:
            rank[end] = max(rank[end], rank[node] + 1)
            waiting[end] -= 1
            if waiting[end] == 0:
                ready.append(end)
    return rank
