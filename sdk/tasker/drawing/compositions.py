"""The graph of a composition: its steps, those within others, and what leads from one to another. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasker.drawing.graph import Edge, Graph, Node, NodeKind, join_known
from tasker_grammar.primitives.interface import Program, ProgramStep

__all__ = ["graph_program"]

_KINDS: Mapping[str, NodeKind] = {
    "decide": "decision",
    "converge": "deferred_convergence",
    "fan_out": "batchable",
}


def graph_program(program: Program, title: str) -> Graph:
    """The graph."""
    nodes = tuple(_nodes(program, ""))
    return Graph(title, nodes, join_known(nodes, _edges(program, "")))


def _nodes(program: Program, prefix: str) -> Iterator[Node]:
    """A node for each step, named by its place behind the prefix."""
    for step in program.steps:
        place = f"{prefix}{step.id}"
        kind = _KINDS.get(step.primitive.kind, "standard")
        yield Node(place, kind, None, (_about(step),))
        for part in step.checked.inside.values():
            yield from _nodes(part, f"{place}.")


def _edges(program: Program, prefix: str) -> Iterator[Edge]:
    """What leads from one step to another; and from one that holds steps to the first of these."""
    for step in program.steps:
        place = f"{prefix}{step.id}"
        branches = {name for names in step.branches.values() for name in names}
        yield from (Edge(place, f"{prefix}{name}", "branch") for name in sorted(branches))
        yield from (Edge(f"{prefix}{name}", place) for name in sorted(step.waits_for))
        for part in step.checked.inside.values():
            first = [each.id for each in part.steps if not each.waits_for]
            yield from (Edge(place, f"{place}.{name}", "expansion") for name in first)
            yield from _edges(part, f"{place}.")


def _about(step: ProgramStep) -> str:
    named = [getattr(step.fields, name, None) for name in ("resource", "event", "action")]
    name = next((each for each in named if isinstance(each, str)), "")
    return f"{step.primitive.kind} {name}".rstrip()
