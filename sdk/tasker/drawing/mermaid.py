"""Writes a graph as a Mermaid flowchart, which many wikis and code hosts draw. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tasker.drawing.graph import Edge, Graph, Node
from tasker.drawing.layout import runs_down
from tasker.drawing.looks import EDGES, clean, look_of
from tasker.drawing.measuring import measure

__all__ = ["to_mermaid"]

_SHAPES = {
    "decision": ("{{", "}}"),
    "deferred_convergence": ("([", "])"),
    "batchable": ("[/", "/]"),
    "batch_worker": ("[[", "]]"),
    "dynamic": ("(", ")"),
}
_ARROWS = {
    "batch": "==>",
    "expansion": "-.->",
    "compensation": "-.->",
    "child": "-.->",
    "inner": "-.->",
}
# All that might mean something to Mermaid or to a browser is written by its number.
_SPECIAL = re.compile(r"[^\w ./:,=+-]")


def to_mermaid(graph: Graph) -> str:
    """The flowchart as a text."""
    numbers = {node.name: f"n{n}" for n, node in enumerate(graph.nodes)}
    classes = {node.state or node.kind: node for node in graph.nodes}
    lines = [
        *("---", f"title: {json.dumps(clean(graph.title), ensure_ascii=False)}", "---"),
        f"flowchart {'TD' if runs_down(graph, measure) else 'LR'}",
        *(
            f"%% {re.sub(r'[{}%]', ' ', clean(note))}"
            for note in (graph.subtitle, *graph.notes)
            if note
        ),
        *(
            f"    {numbers[node.name]}{_box(node)}:::{node.state or node.kind}"
            for node in graph.nodes
        ),
        *(f"    {numbers[edge.start]} {_arrow(edge)} {numbers[edge.end]}" for edge in graph.edges),
        *(f"    classDef {name} {_paint(node)}" for name, node in classes.items()),
        *_style_edges(graph),
    ]
    return "\n".join(lines) + "\n"


def _box(node: Node) -> str:
    opening, closing = _SHAPES.get(node.kind, ("[", "]"))
    text = "<br>".join(_escape(part) for part in (node.name, *node.lines))
    return f'{opening}"{text}"{closing}'


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", clean(text))


def _arrow(edge: Edge) -> str:
    return _ARROWS.get(edge.kind, "-->") if edge.taken else "-.->"


def _paint(node: Node) -> str:
    look = look_of(node)
    dashed = ",stroke-dasharray:5 4" if look.dashed else ""
    return f"fill:{look.fill},stroke:{look.stroke},color:#1b1f24{dashed}"


def _style_edges(graph: Graph) -> Iterator[str]:
    by_kind: dict[str, list[str]] = {}
    for n, edge in enumerate(graph.edges):
        if edge.kind != "ordinary":
            by_kind.setdefault(EDGES[edge.kind], []).append(str(n))
    for colour, edges in by_kind.items():
        yield f"    linkStyle {','.join(edges)} stroke:{colour}"
