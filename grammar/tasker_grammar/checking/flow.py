"""What steps do to the outside, and what may flow there: gates before writes, labels of data. Pure but for the
findings.

A label flows from what a step reads to what it gives, and from a decision to what it chooses; it is told where it
enters a resource that does not accept it. An answer of a person, before, lets it through. What can be learnt from a
task's failing, or from how long it takes, is not followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_grammar.checking.graph import Graph
from tasker_grammar.checking.place import rank_of
from tasker_grammar.checking.reading import Step
from tasker_grammar.checking.scope import StepScope
from tasker_grammar.primitives.interface import Checked
from tasker_grammar.resources import Resources

__all__ = ["check_flow", "check_gate", "control_of"]


def control_of(
    step: Step, graph: Graph, controls: Mapping[str, int], labels: Mapping[str, int]
) -> int:
    """How confidential it is, whether the step runs: as what it waits for, and as the decisions that choose it."""
    before = [controls.get(name, 0) for name in graph.waits_for[step.id]]
    deciding = [labels.get(name, 0) for name in graph.chosen_by.get(step.id, ())]
    return max((*before, *deciding), default=0)


def check_gate(scope: StepScope, checked: Checked[Any]) -> None:
    """Report a write that may come without a gate before it, where there must be one."""
    writes = checked.effect == "idempotent_write" and not checked.inside
    if writes and scope.check.bounds.gate_writes and not scope.place.gated:
        what = "it writes, and there is a way to it on which nobody was asked"
        hint = "Put a `gate` before it: name the gate in its `needs`, on every way to it."
        scope.report("E401", "", what, hint)


def check_flow(scope: StepScope, label: int) -> None:
    """Report resources that what the step reads, or that it runs at all, must not become known to."""
    flowing = max(label, scope.place.control)
    if scope.place.gated:
        return
    for field, resource in scope.named:
        if flowing > rank_of(resource.accepts, scope.check.resources):
            what = "what is more confidential than it accepts may flow to it"
            hint = (
                "Leave the data out, put a `gate` before the step,"
                " or say in the resources that it `accepts` the label."
            )
            accepted = resource.accepts or "no label"
            got = _name(flowing, scope.check.resources)
            scope.report("E403", field, what, hint, expected=accepted, got=got)


def _name(rank: int, resources: Resources) -> str:
    return resources.labels[rank] if rank < len(resources.labels) else "an unknown label"
