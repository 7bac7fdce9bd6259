"""The graph that every picture is drawn from. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tasker.template import Kind

__all__ = ["Edge", "EdgeKind", "Graph", "Node", "NodeKind", "join_known"]

NodeKind = Kind | Literal["compensation", "task", "inner"]

EdgeKind = Literal[
    "ordinary", "branch", "batch", "expansion", "convergence", "compensation", "child", "inner"
]


@dataclass(frozen=True, slots=True)
class Node:
    """One step, or several folded into one. `lines` are what the picture says below its name."""

    name: str
    kind: NodeKind = "standard"
    state: str | None = None
    """A step's state; beside those that the engine knows `excluded` and `undecided`. None in a template."""
    lines: tuple[str, ...] = ()
    count: int = 1
    """How many steps stand behind it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What leads from one node to another, by their names."""

    start: str
    end: str
    kind: EdgeKind = "ordinary"
    taken: bool = True
    """False where the way is not gone: a branch that was not chosen, and what lies behind it."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes of different names, and edges between them; `notes` says what the picture leaves out."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()
    subtitle: str = ""


def join_known(nodes: Iterable[Node], edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """The edges between two different nodes that are there, each pair once, in their order."""
    names = {node.name for node in nodes}
    kept: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        if edge.start != edge.end and edge.start in names and edge.end in names:
            kept.setdefault((edge.start, edge.end), edge)
    return tuple(kept.values())
