"""Checks a list of steps as a whole: each step, their graph, and what they come to together. Pure but for the
findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasker_grammar.checking.bounds import add_costs, check_kind, check_width, count_steps
from tasker_grammar.checking.ending import check_ending
from tasker_grammar.checking.flow import check_flow, check_gate, control_of
from tasker_grammar.checking.graph import Graph, link
from tasker_grammar.checking.place import Check, Place, rank_of
from tasker_grammar.checking.reading import Step, id_of, read_step
from tasker_grammar.checking.scope import StepScope
from tasker_grammar.checking.ways import MOST_WAYS, Ways, count_ways
from tasker_grammar.effects import join_effects
from tasker_grammar.primitives.interface import Broken, Checked, Program, ProgramStep
from tasker_grammar.types import Field, Object, Type

__all__ = ["check_steps"]


@dataclass(slots=True)
class _Level:
    """What is known of a list of steps while they are checked one after the other.

    `ids`: of all steps, those too that could not be read. `outputs`, `labels`: by step; one without is broken.
    `passed`: the ways in which a gate was passed before the step.
    """

    check: Check
    place: Place
    ids: Mapping[str, None]
    graph: Graph
    ways: Ways
    passed: Mapping[str, int]
    outputs: dict[str, Type] = field(default_factory=dict[str, Type])
    labels: dict[str, int] = field(default_factory=dict[str, int])
    controls: dict[str, int] = field(default_factory=dict[str, int])
    checked: dict[str, Checked[Any]] = field(default_factory=dict[str, Checked[Any]])


def check_steps(
    check: Check, steps: Sequence[Mapping[str, Any]], result: object, place: Place
) -> tuple[Program | None, int]:
    """The program, if no error was found; and the label of what it gives."""
    errors, before = check.errors, len(check.findings)
    if not count_steps(check, steps, place):
        return None, 0
    read = _read(check, steps, place)
    ids = {name: None for name in map(id_of, steps) if name is not None}
    graph, faults = link(read, list(ids), place.given.fields.keys() | place.broken | place.taken)
    for step, fault in faults:
        path = f"{place.path}/{step.index}"
        check.findings.append(fault.below(path, place.name_of(step.id)))
    if count_ways(graph.order) > MOST_WAYS:
        what = f"the decisions can go in more than {MOST_WAYS} ways together"
        check.report("B204", place.path, place.step, what, "Put some of them into a composition.")
        return None, 0
    level = _check_each(check, place, ids, graph)
    check_ending(
        check, place, graph, level.ways, result, ids, level.checked, check.findings[before:]
    )
    broken = len(level.checked) < len(graph.order)  # perhaps by what is broken around them
    if broken or check.errors > errors or not isinstance(result, str):
        return None, 0
    return _program(level, result), level.labels[result]


def _read(check: Check, steps: Sequence[Mapping[str, Any]], place: Place) -> list[Step]:
    read: list[Step] = []
    for index, raw in enumerate(steps):
        step = read_step(index, raw, check.kinds)
        if isinstance(step, Step):
            read.append(step)
        else:
            path, name = f"{place.path}/{index}", id_of(raw)
            named = place.name_of(name) if name else place.step
            check.findings += [fault.below(path, named) for fault in step]
    return read


def _check_each(check: Check, place: Place, ids: Mapping[str, None], graph: Graph) -> _Level:
    ways = Ways(graph.order, graph.waits_for)
    gates = frozenset(s.id for s in graph.order if s.ties.guards)
    level = _Level(check, place, ids, graph, ways, ways.passes(graph.order, gates))
    for step in graph.order:
        _check_step(level, step)
    return level


def _check_step(level: _Level, step: Step) -> None:
    scope = _scope_of(level, step)
    check_kind(scope, step)
    outcome: Checked[Any] | Broken = step.primitive.check(step.fields, scope)
    control = scope.place.control
    label = max(scope.label_of(scope.read | {*step.ties.reads}), scope.inner_label)
    level.controls[step.id] = control
    check_flow(scope, label)
    if isinstance(outcome, Broken):
        if outcome.output is not None:
            level.outputs[step.id] = outcome.output
            level.labels[step.id] = max(label, control)
        return
    check_gate(scope, outcome)
    check_width(scope, outcome)
    level.checked[step.id] = outcome
    level.outputs[step.id] = outcome.output
    level.labels[step.id] = max(label, control, rank_of(outcome.label, level.check.resources))


def _scope_of(level: _Level, step: Step) -> StepScope:
    place, ways = level.place, level.ways
    seen = {*step.refers_to, *step.ties.reads} & level.graph.waits_for[step.id]
    runs = ways.runs[step.id]
    fields = {
        name: Field(level.outputs[name], required=not runs & ~ways.runs[name])
        for name in sorted(seen)
        if name in level.outputs
    }
    own = replace(
        place,
        gated=place.gated or (runs != 0 and level.passed[step.id] == runs),
        labels={**place.labels, **level.labels},
        control=max(place.control, control_of(step, level.graph, level.controls, level.labels)),
        taken=place.taken | level.ids.keys(),
        broken=place.broken | (step.refers_to & level.ids.keys() - fields.keys()),
    )
    return StepScope(level.check, own, step, Object({**place.given.fields, **fields}), check_steps)


def _program(level: _Level, result: str) -> Program:
    steps = tuple(
        ProgramStep(
            step.id,
            step.primitive,
            step.fields,
            level.checked[step.id],
            frozenset({*step.refers_to, *step.ties.reads} & level.graph.waits_for[step.id]),
            level.graph.waits_for[step.id],
            step.ties.branches,
            step.ties.gathers,
        )
        for step in level.graph.order
    )
    return Program(
        steps,
        result,
        level.place.given,
        level.outputs[result],
        join_effects(step.checked.effect for step in steps),
        frozenset(code for step in steps for code in step.checked.failures),
        add_costs(steps),
    )
