"""Lays a graph out: where each box stands, and which way each edge runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tasker.drawing.graph import Edge, Graph, Node
from tasker.drawing.layering import Layers, make_layers
from tasker.drawing.ordering import order_rows
from tasker.drawing.placing import place

__all__ = ["Box", "Layout", "Point", "Route", "Size", "lay_out", "runs_down"]

Point = tuple[float, float]
Size = tuple[float, float]

# Between two boxes of a layer, in a picture from top to bottom and in one from left to right; between two layers; the
# room of a line.
BESIDE = 26.0
ABOVE = 14.0
BETWEEN = 46.0
LINE = 14.0
# A picture that would be wider than this runs from left to right, if it is narrower so.
PAGE = 1500.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node and its place: `x` and `y` are its middle."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """An edge and its way: pairs of points between which it runs straight, with curves from pair to pair."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole picture. `down` says whether it runs from top to bottom, or else from left to right."""

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: float
    height: float
    down: bool


def lay_out(graph: Graph, measure: Callable[[Node], Size]) -> Layout:
    """Lay a graph out. `measure` says how wide and high a node's box is."""
    sizes = [measure(node) for node in graph.nodes]
    pairs = _number(graph)
    layers = make_layers(len(sizes), pairs)
    down = _choose_direction(layers.rows, sizes)
    grid = _make_grid(layers, sizes if down else [_swap(size) for size in sizes], down)
    put = _keep if down else _swap
    boxes = [Box(node, *put(grid.middle(n)), *sizes[n]) for n, node in enumerate(graph.nodes)]
    routes = [
        Route(edge, tuple(put(point) for point in _run(pair, layers, grid)))
        for edge, pair in zip(graph.edges, pairs, strict=True)
    ]
    return Layout(tuple(boxes), tuple(routes), *put((grid.length, grid.depth)), down)


def _keep(pair: Point) -> Point:
    return pair


def _swap(pair: Point) -> Point:
    return pair[1], pair[0]


def runs_down(graph: Graph, measure: Callable[[Node], Size]) -> bool:
    """Whether a picture of the graph fits a page better from top to bottom than from left to right."""
    rows = make_layers(len(graph.nodes), _number(graph)).rows
    return _choose_direction(rows, [measure(node) for node in graph.nodes])


def _number(graph: Graph) -> list[tuple[int, int]]:
    numbers = {node.name: n for n, node in enumerate(graph.nodes)}
    return [(numbers[edge.start], numbers[edge.end]) for edge in graph.edges]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where everything is along its layer (`along`), and across it, whichever way that is on the page."""

    sizes: Sequence[Size]
    along: Sequence[float]
    layer: dict[int, int]
    tops: Sequence[float]
    thick: Sequence[float]
    length: float

    @property
    def depth(self) -> float:
        return max(self.tops[-1] - BETWEEN, 0.0)

    def middle(self, vertex: int) -> Point:
        layer = self.layer[vertex]
        return self.along[vertex], self.tops[layer] + self.thick[layer] / 2


def _make_grid(layers: Layers, sizes: Sequence[Size], down: bool) -> _Grid:
    room = [extent + (BESIDE if down else ABOVE) for extent, _ in sizes]
    room += [LINE] * (len(layers.above) - len(sizes))
    rows = order_rows(layers)
    middles = place(layers, rows, room)
    first = min((m - r / 2 for m, r in zip(middles, room, strict=True)), default=0.0)
    last = max((m + r / 2 for m, r in zip(middles, room, strict=True)), default=0.0)
    thick = [max((sizes[v][1] for v in row if v < len(sizes)), default=0.0) for row in rows]
    return _Grid(
        sizes,
        [middle - first for middle in middles],
        {vertex: n for n, row in enumerate(rows) for vertex in row},
        list(accumulate((each + BETWEEN for each in thick), initial=0.0)),
        thick,
        last - first,
    )


def _choose_direction(rows: Sequence[Sequence[int]], sizes: Sequence[Size]) -> bool:
    boxes = [[sizes[vertex] for vertex in row if vertex < len(sizes)] for row in rows]
    downwards = max((sum(width + BESIDE for width, _ in row) for row in boxes), default=0.0)
    sideways = sum(max((width for width, _ in row), default=0.0) + BETWEEN for row in boxes)
    return downwards <= max(PAGE, sideways)


def _run(pair: tuple[int, int], layers: Layers, grid: _Grid) -> list[Point]:
    """From the lower side of the upper box, straight through the layers between, to the upper side of the lower one."""
    turned = pair not in layers.paths
    path = layers.paths[(pair[1], pair[0]) if turned else pair]
    (x, y), (to_x, to_y) = grid.middle(path[0]), grid.middle(path[-1])
    points = [(x, y + grid.sizes[path[0]][1] / 2)]
    for bend in path[1:-1]:
        top = grid.tops[grid.layer[bend]]
        points.append((grid.along[bend], top))
        points.append((grid.along[bend], top + grid.thick[grid.layer[bend]]))
    points.append((to_x, to_y - grid.sizes[path[-1]][1] / 2))
    return points[::-1] if turned else points
