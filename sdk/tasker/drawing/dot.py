"""Writes a graph in DOT, the language of Graphviz. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tasker.drawing.graph import Edge, Graph, Node
from tasker.drawing.layout import runs_down
from tasker.drawing.looks import EDGES, clean, look_of
from tasker.drawing.measuring import measure

__all__ = ["to_dot"]

_SHAPES = {
    "decision": 'shape=hexagon, style="filled{}"',
    "batchable": 'shape=parallelogram, style="filled{}"',
    "batch_worker": 'shape=box3d, style="filled{}"',
    "compensation": 'shape=box, style="filled{}"',
    "task": 'shape=box, style="filled{}"',
    "inner": 'shape=box, style="filled{}"',
}
_STYLES = {
    "batch": "bold",
    "expansion": "dotted",
    "compensation": "dashed",
    "child": "dotted",
    "inner": "dotted",
}


def to_dot(graph: Graph) -> str:
    """The graph as a text for `dot` and its like."""
    numbers = {node.name: f"n{n}" for n, node in enumerate(graph.nodes)}
    label = r"\l".join([_escape(graph.title), *map(_escape, (graph.subtitle, *graph.notes)), ""])
    lines = [
        f'digraph "{_escape(graph.title)}" {{',
        f'    rankdir={"TB" if runs_down(graph, measure) else "LR"}; bgcolor="transparent"',
        f'    label="{label}"; labelloc=t; labeljust=l; fontname="Helvetica"; fontcolor="#7a8490"',
        '    node [fontname="Helvetica", fontsize=11, fontcolor="#1b1f24"]; edge [arrowsize=0.7]',
        *(f"    {numbers[node.name]} [{_describe(node)}]" for node in graph.nodes),
        *_edges(graph, numbers),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _edges(graph: Graph, numbers: dict[str, str]) -> Iterator[str]:
    for edge in graph.edges:
        yield (
            f'    {numbers[edge.start]} -> {numbers[edge.end]} [color="{EDGES[edge.kind]}",'
            f" style={_style(edge)}]"
        )


def _style(edge: Edge) -> str:
    return _STYLES.get(edge.kind, "solid") if edge.taken else "dashed"


def _describe(node: Node) -> str:
    look = look_of(node)
    shape = _SHAPES.get(node.kind, 'shape=box, style="rounded,filled{}"')
    text = r"\n".join(_escape(part) for part in (node.name, *node.lines))
    return (
        f'label="{text}", {shape.format(",dashed" if look.dashed else "")},'
        f' fillcolor="{look.fill}", color="{look.stroke}"'
    )


def _escape(text: str) -> str:
    """A text as it is: neither an escape, nor an entity, nor an end of the string."""
    return clean(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
