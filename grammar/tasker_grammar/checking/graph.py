"""The graph of steps: who waits for whom, in which order they can run, and whether anything comes of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError, TopologicalSorter

from tasker_grammar.checking.reading import ITEM_NAMES, Step
from tasker_grammar.findings import Finding
from tasker_grammar.telling import Hints, list_first, show

__all__ = ["RESERVED", "Graph", "ancestors_of", "link"]

Edges = Mapping[str, frozenset[str]]

RESERVED = ITEM_NAMES | {"input"}
"""Names that mean something to expressions already, so no step has them."""


@dataclass(frozen=True, slots=True)
class Graph:
    """`order`: the steps that can be checked, each behind all that it waits for. By step, `waits_for` has what it waits
    for, and `chosen_by` the decisions in whose branches it stands.
    """

    order: tuple[Step, ...]
    waits_for: Edges
    chosen_by: Mapping[str, Sequence[str]]


def link(
    steps: Sequence[Step], ids: Collection[str], taken: Collection[str]
) -> tuple[Graph, list[tuple[Step, Finding]]]:
    """The graph, and what is wrong with it, by step. `ids`: of all steps, those too that could not be read; `taken`:
    names that mean something else where the steps stand.
    """
    hints = Hints(ids)
    faults = [(step, fault) for step in steps for fault in _faults(step, ids, taken, hints)]
    known: dict[str, Step] = {}
    for step in steps:
        known.setdefault(step.id, step)
    faults += [(step, _doubled(step)) for step in steps if known[step.id] is not step]
    faults += [
        (step, _branch_that_gathers(step, name))
        for step in steps
        for name in _branches(step)
        if name in known and known[name].ties.gathers
    ]
    edges = _edges(known)
    order, cycles = _sort(known, edges)
    faults += [(known[cycle[0]], _cycle(cycle)) for cycle in map(partial(_turn, known), cycles)]
    chosen_by: dict[str, list[str]] = {}
    for step in known.values():
        for name in {*_branches(step)}:
            chosen_by.setdefault(name, []).append(step.id)
    return Graph(tuple(order), edges, chosen_by), faults


def ancestors_of(steps: Set[str], edges: Edges) -> frozenset[str]:
    """The steps, and all that they wait for."""
    found = set(steps)
    left = list(steps)
    while left:
        new = edges.get(left.pop(), frozenset()) - found
        found |= new
        left += new
    return frozenset(found)


def _edges(steps: Mapping[str, Step]) -> dict[str, frozenset[str]]:
    edges = {
        step.id: {*step.refers_to, *step.fields.needs}.intersection(steps) - {step.id}
        for step in steps.values()
    }
    for step in steps.values():
        for name in _branches(step):
            if name in edges and name != step.id:
                edges[name].add(step.id)
    return {name: frozenset(others) for name, others in edges.items()}


def _sort(steps: Mapping[str, Step], edges: Edges) -> tuple[list[Step], list[list[str]]]:
    """The steps in order, without those in cycles and behind them; and the cycles."""
    left = dict(edges)
    cycles: list[list[str]] = []
    while True:
        sorter = TopologicalSorter(left)
        try:
            sorter.prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1]
            cycles.append(cycle)
            gone = _behind(set(cycle), left)
            left = {name: others for name, others in left.items() if name not in gone}
            continue
        return [steps[name] for name in _in_order(sorter, list(steps))], cycles


def _in_order(sorter: TopologicalSorter[str], written: Sequence[str]) -> Iterator[str]:
    place = {name: at for at, name in enumerate(written)}
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        yield from ready
        sorter.done(*ready)


def _behind(names: set[str], edges: Edges) -> set[str]:
    """The steps, and all that wait for them."""
    found = set(names)
    while new := {n for n, others in edges.items() if n not in found and others & found}:
        found |= new
    return found


def _branches(step: Step) -> list[str]:
    return [name for names in step.ties.branches.values() for name in names]


def _faults(
    step: Step, ids: Collection[str], taken: Collection[str], hints: Hints
) -> Iterator[Finding]:
    if step.id in taken or step.id in RESERVED:
        what = f'"{step.id}" means something else here already'
        yield Finding("G102", "error", what, "Give the step another id.", "/id")
    lists = [("/needs", step.fields.needs), *(("", names) for names in step.ties.branches.values())]
    for path, names in lists:
        for name, count in Counter(names).items():
            if name == step.id:
                what = f'"{name}" would wait for itself'
                yield Finding("G104", "error", what, "Remove it from the list.", path)
            elif name not in ids:
                hint = hints.find(name) or f"There are: {list_first(ids)}."
                yield Finding("G103", "error", f"there is no step {show(name)}", hint, path)
            if count > 1:
                what = f'"{name}" stands there {count} times'
                yield Finding("G105", "error", what, "Once is enough.", path)
    if step.id in step.refers_to:
        what = "its own expression refers to it"
        yield Finding("G104", "error", what, "A step sees what stands before it.")


def _doubled(step: Step) -> Finding:
    what = f'another step is called "{step.id}", too'
    return Finding("G101", "error", what, "Give one of them another id.", "/id")


def _branch_that_gathers(step: Step, name: str) -> Finding:
    what = f'"{name}" gathers branches, so it cannot be one'
    hint = f'Name in the branch what "{name}" needs; or say `mode: all` in it.'
    return Finding("G112", "error", what, hint)


def _turn(steps: Mapping[str, Step], cycle: Sequence[str]) -> Sequence[str]:
    """The cycle, begun with the step that is written first. It comes with its first step at its end again."""
    [*once, _] = cycle
    first = min(range(len(once)), key=lambda at: steps[once[at]].index)
    return [*once[first:], *once[:first], once[first]]


def _cycle(cycle: Sequence[str]) -> Finding:
    what = f"steps wait for each other: {' → '.join(cycle)}"
    return Finding("G104", "error", what, "Remove one of these references or needs.")
