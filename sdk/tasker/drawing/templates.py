"""The graph of a template's definition. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasker.drawing.graph import Edge, EdgeKind, Graph, Node, join_known
from tasker.drawing.inside import composition_of, draw_inner, read_inner
from tasker.names import COMPOSITION

__all__ = ["KINDS", "draw_edges", "graph_template"]

# What a kind of step is called in a picture; an ordinary one needs no word.
KINDS: Mapping[str, str] = {
    "decision": "decision",
    "deferred_convergence": "convergence",
    "batchable": "batch",
    "batch_worker": "batch workers",
    "dynamic": "dynamic",
    "compensation": "compensation",
    "task": "child task",
}


def graph_template(definition: Mapping[str, Any]) -> Graph:
    """The graph of a definition, as a template's `to_json` gives it and the database keeps it."""
    steps: list[Mapping[str, Any]] = definition["steps"]
    nodes = [_node(step) for step in steps]
    edges = [*draw_edges(steps)]
    for step in steps:
        if step["handler"] == COMPOSITION:
            inside = draw_inner(step["name"], read_inner(step.get("config") or {}))
            nodes += inside[0]
            edges += inside[1]
    title = f"{definition['namespace']}/{definition['name']} {definition['version']}"
    return Graph(title, tuple(nodes), join_known(nodes, edges))


def draw_edges(steps: list[Mapping[str, Any]]) -> Iterator[Edge]:
    """The edges of a definition's steps, by what becomes of them in a task."""
    kinds = {step["name"]: step.get("kind", "standard") for step in steps}
    for step in steps:
        for parent in step.get("depends_on") or ():
            yield Edge(parent, step["name"], _kind(kinds.get(parent), kinds[step["name"]]))
        for asked in step.get("expands") or ():
            yield Edge(step["name"], asked, "expansion")


def _kind(parent: str | None, child: str) -> EdgeKind:
    if parent == "decision":
        return "branch"
    if child == "batch_worker":
        return "batch"
    return "convergence" if child == "deferred_convergence" else "ordinary"


def _node(step: Mapping[str, Any]) -> Node:
    kind = step.get("kind", "standard")
    return Node(step["name"], kind, None, tuple(_lines(step, kind)))


def _lines(step: Mapping[str, Any], kind: str) -> Iterator[str]:
    if kind in KINDS:
        yield KINDS[kind]
    if step["handler"] == COMPOSITION:
        yield f"composition {composition_of(step.get('config') or {}).get('name', '?')}"
    elif step["handler"] != step["name"]:
        yield step["handler"]
    if step.get("compensate"):
        yield f"undone by {step['compensate']['handler']}"
    if step["name"] in (step.get("expands") or ()):
        yield "may ask for itself again"
