"""Writes a graph as SVG, without any other program. Its colours are readable on light and on dark pages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import ceil
from xml.sax.saxutils import escape, quoteattr

from tasker.drawing.graph import Edge, EdgeKind, Graph, Node
from tasker.drawing.layout import Box, Route, lay_out
from tasker.drawing.looks import EDGES, clean, describe_edge, look_of
from tasker.drawing.measuring import LINE, NAME, WIDEST, cut, measure, width_of

__all__ = ["to_svg"]

MARGIN = 20.0
TITLE = 34.0
SUBTITLE = 18.0
ROW = 18.0

_STYLE = """\
text { font-family: ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; text-anchor: middle }
.name { font-size: 13px; font-weight: 600; fill: #1b1f24 }
.line { font-size: 11px; fill: #48515b }
.title { font-size: 14px; font-weight: 600; fill: #7a8490; text-anchor: start }
.note { font-size: 11px; fill: #7a8490; text-anchor: start }
.box { stroke-width: 1.4 }
.edge { fill: none; stroke-width: 1.5 }"""


_DASHES: Mapping[EdgeKind, str] = {
    "expansion": "2 4",
    "compensation": "7 3 2 3",
    "child": "2 3",
}


def to_svg(graph: Graph) -> str:
    """The picture as a text in UTF-8, complete in itself."""
    layout = lay_out(graph, measure)
    legend = _legend(graph)
    title = cut(clean(graph.title), max(layout.width, 320.0), 14.0)
    texts = [*legend, *(_Note(clean(note)) for note in graph.notes)]
    widths = [
        layout.width,
        width_of(title, 14.0),
        width_of(graph.subtitle, LINE),
        *(each.width for each in texts),
    ]
    width = ceil(max(widths) + 2 * MARGIN)
    head = TITLE + (SUBTITLE if graph.subtitle else 0)
    foot = head + MARGIN + layout.height
    height = ceil(foot + ROW * len(texts) + (MARGIN if texts else 0) + MARGIN / 2)
    shift = (width - layout.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label={quoteattr(clean(graph.title))}>',
        f"<style>\n{_STYLE}\n</style>",
        *_markers(graph),
        _text("title", MARGIN, 24, title),
        _text("note", MARGIN, 24 + SUBTITLE, clean(graph.subtitle)) if graph.subtitle else "",
        f'<g transform="translate({shift:g} {head + MARGIN / 2:g})">',
        *(_draw_route(route, layout.down) for route in layout.routes),
        *(part for box in layout.boxes for part in _draw_box(box)),
        "</g>",
        *(
            part
            for n, each in enumerate(texts)
            for part in each.draw(MARGIN, foot + MARGIN / 2 + ROW * (n + 0.5))
        ),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


class _Note:
    """A line of text below the picture."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.width = width_of(text, LINE)

    def draw(self, x: float, y: float) -> Iterator[str]:
        yield _text("note", x, y + 4, self.text)


class _Key(_Note):
    """What a kind of edge means."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(describe_edge(edge))
        self.width += 52
        self.edge = edge

    def draw(self, x: float, y: float) -> Iterator[str]:
        yield f'<path {_stroke(self.edge)} d="M{x:g},{y:g} h38"/>'
        yield _text("note", x + 50, y + 4, self.text)


def _legend(graph: Graph) -> list[_Note]:
    """A key for each kind of edge that is there, if there is any but the ordinary one."""
    kinds = {edge.kind if edge.taken else "not taken": edge for edge in graph.edges}
    return [_Key(edge) for kind, edge in kinds.items() if kind != "ordinary"]


def _markers(graph: Graph) -> Iterator[str]:
    kinds: dict[EdgeKind, None] = {edge.kind: None for edge in graph.edges}
    for kind in kinds:
        yield (
            f'<marker id="to-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            f' orient="auto-start-reverse"><path d="M0,0.5 L8,4 L0,7.5 z" fill="{EDGES[kind]}"/></marker>'
        )


def _stroke(edge: Edge) -> str:
    dashes = _DASHES.get(edge.kind) if edge.taken else "5 4"
    more = f' stroke-dasharray="{dashes}"' if dashes else ""
    if not edge.taken:
        more += ' stroke-opacity="0.55"'
    return f'class="edge" stroke="{EDGES[edge.kind]}"{more} marker-end="url(#to-{edge.kind})"'


def _draw_route(route: Route, down: bool) -> str:
    (x, y), *_ = route.points
    way = [f"M{x:.1f},{y:.1f}"]
    for n, ((x, y), (to_x, to_y)) in enumerate(pairwise(route.points)):
        if n % 2:
            way.append(f"L{to_x:.1f},{to_y:.1f}")
        elif down:
            half = (y + to_y) / 2
            way.append(f"C{x:.1f},{half:.1f} {to_x:.1f},{half:.1f} {to_x:.1f},{to_y:.1f}")
        else:
            half = (x + to_x) / 2
            way.append(f"C{half:.1f},{y:.1f} {half:.1f},{to_y:.1f} {to_x:.1f},{to_y:.1f}")
    return f'<path {_stroke(route.edge)} d="{" ".join(way)}"/>'


def _draw_box(box: Box) -> Iterator[str]:
    node, look = box.node, look_of(box.node)
    left, top = box.x - box.width / 2, box.y - box.height / 2
    dashed = ' stroke-dasharray="5 4"' if look.dashed else ""
    paint = f'class="box" fill="{look.fill}" stroke="{look.stroke}"{dashed}'
    whole = "\n".join(clean(text) for text in (node.name, *node.lines))
    yield f"<g><title>{escape(whole)}</title>"
    if node.kind == "batch_worker" or node.count > 1:
        for back in (6, 3):
            yield _rectangle(paint, left + back, top + back, box.width, box.height, 6)
    yield _outline(paint, node, left, top, box.width, box.height)
    yield _text("name", box.x, top + 20, cut(clean(node.name), WIDEST, NAME))
    for n, line in enumerate(node.lines):
        yield _text("line", box.x, top + 36 + 15 * n, cut(clean(line), WIDEST, LINE))
    yield "</g>"


def _outline(paint: str, node: Node, left: float, top: float, width: float, height: float) -> str:
    match node.kind:
        case "decision":
            right, low, half, cut = left + width, top + height, top + height / 2, 12
            points = (
                *((left, half), (left + cut, top), (right - cut, top)),
                *((right, half), (right - cut, low), (left + cut, low)),
            )
            return f'<polygon {paint} points="{_points(points)}"/>'
        case "batchable":
            right, low, cut = left + width, top + height, 10
            points = ((left + cut, top), (right, top), (right - cut, low), (left, low))
            return f'<polygon {paint} points="{_points(points)}"/>'
        case "deferred_convergence":
            return _rectangle(paint, left, top, width, height, height / 2)
        case "compensation" | "task":
            return _rectangle(paint, left, top, width, height, 0)
        case _:
            return _rectangle(paint, left, top, width, height, 6)


def _points(points: tuple[tuple[float, float], ...]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _rectangle(
    paint: str, left: float, top: float, width: float, height: float, round_: float
) -> str:
    return (
        f'<rect {paint} x="{left:.1f}" y="{top:.1f}" width="{width:g}" height="{height:g}"'
        f' rx="{round_:g}"/>'
    )


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
