"""Places the vertices of ordered layers: near their neighbours, never over each other, long edges straight. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasker.drawing.layering import Layers

__all__ = ["place"]

# Large graphs are given fewer sweeps.
_FEWEST, _MOST, _WORK = 8, 60, 60_000


def place(layers: Layers, rows: Sequence[Sequence[int]], size: Sequence[float]) -> list[float]:
    """The middle of each vertex along its layer. `size` is each one's extent, with the room around it.

    In turns each layer moves to where its neighbours are, as near as the order and the sizes allow.
    """
    middles = [0.0] * len(size)
    for row in rows:
        _settle(row, middles, size, [0.0] * len(row), [1.0] * len(row))
    sweeps = min(max(_WORK // max(len(size), 1), _FEWEST), _MOST)
    for sweep in range(sweeps):
        last = sweep >= sweeps // 2
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted: list[float] = []
            weights: list[float] = []
            for vertex in row:
                up, down = layers.above[vertex], layers.below[vertex]
                pulls = [
                    *(_weigh(layers, each, vertex) for each in up if last or sweep % 2 == 0),
                    *(_weigh(layers, vertex, each) for each in down if last or sweep % 2),
                ]
                near = [*up, *down] if last else (up if sweep % 2 == 0 else down)
                weight = sum(pulls)
                pulled = sum(pull * middles[each] for pull, each in zip(pulls, near, strict=True))
                wanted.append(pulled / weight if near else middles[vertex])
                weights.append(weight if near else 0.1)
            _settle(row, middles, size, wanted, weights)
    return middles


def _weigh(layers: Layers, upper: int, lower: int) -> float:
    """How much an edge wants to be straight: most where it is alone at both ends, as in chains and between bends."""
    alone = (len(layers.below[upper]) == 1) + (len(layers.above[lower]) == 1)
    return (1.0, 2.0, 20.0)[alone]


def _settle(
    row: Sequence[int],
    middles: list[float],
    size: Sequence[float],
    wanted: Sequence[float],
    weights: Sequence[float],
) -> None:
    """Put a row where the weighted squares of the distances to what is wanted are least (isotonic regression)."""
    shifts: list[float] = []
    blocks: list[tuple[float, float, int]] = []
    for n, vertex in enumerate(row):
        shifts.append(shifts[-1] + (size[row[n - 1]] + size[vertex]) / 2 if n else 0.0)
        weight, pull, length = weights[n], weights[n] * (wanted[n] - shifts[n]), 1
        while blocks and blocks[-1][1] / blocks[-1][0] >= pull / weight:
            before = blocks.pop()
            weight, pull, length = weight + before[0], pull + before[1], length + before[2]
        blocks.append((weight, pull, length))
    n = 0
    for weight, pull, length in blocks:
        for _ in range(length):
            middles[row[n]] = pull / weight + shifts[n]
            n += 1
