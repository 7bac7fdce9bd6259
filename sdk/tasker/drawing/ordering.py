"""Orders the vertices of each layer so that few edges cross, and otherwise as they were declared. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tasker.drawing.layering import Layers

__all__ = ["order_rows"]

_SWEEPS = 12

Rows = list[list[int]]


def order_rows(layers: Layers) -> Rows:
    """The layers in the best order that sweeping by barycentres has found."""
    rows = _walk(layers)
    best, fewest = rows, _count_crossings(rows, layers.below)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        rows = [list(row) for row in rows]
        if sweep % 2 == 0:
            for upper, lower in pairwise(rows):
                _sort(lower, upper, layers.above)
        else:
            for upper, lower in zip(rows[-2::-1], rows[:0:-1], strict=True):
                _sort(upper, lower, layers.below)
        crossings = _count_crossings(rows, layers.below)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _walk(layers: Layers) -> Rows:
    """Each layer in the order in which a walk along the edges comes to it: a tree has no crossings then."""
    place = {vertex: n for n, row in enumerate(layers.rows) for vertex in row}
    rows: Rows = [[] for _ in layers.rows]
    seen: set[int] = set()
    for root in (vertex for row in layers.rows for vertex in row):
        stack = [root]
        while stack:
            vertex = stack.pop()
            if vertex not in seen:
                seen.add(vertex)
                rows[place[vertex]].append(vertex)
                stack += sorted(layers.below[vertex], reverse=True)
    return rows


def _sort(row: list[int], fixed: Sequence[int], neighbours: Sequence[Sequence[int]]) -> None:
    """Sort a row by where the neighbours of its vertices stand on average; one without any stays beside its own."""
    where = {vertex: n for n, vertex in enumerate(fixed)}
    keys: dict[int, float] = {}
    last = -1.0
    for vertex in row:
        places = [where[each] for each in neighbours[vertex]]
        last = keys[vertex] = sum(places) / len(places) if places else last
    row.sort(key=keys.__getitem__)


def _count_crossings(rows: Rows, below: Sequence[Sequence[int]]) -> int:
    """How many pairs of edges between neighbouring layers cross: the inversions among their lower ends."""
    total = 0
    for upper, lower in pairwise(rows):
        where = {vertex: n for n, vertex in enumerate(lower)}
        ends = [end for vertex in upper for end in sorted(where[each] for each in below[vertex])]
        tree = [0] * (len(lower) + 1)
        for count, end in enumerate(ends):
            passed, at = 0, end + 1
            while at > 0:
                passed += tree[at]
                at -= at & -at
            total += count - passed
            at = end + 1
            while at <= len(lower):
                tree[at] += 1
                at += at & -at
    return total
