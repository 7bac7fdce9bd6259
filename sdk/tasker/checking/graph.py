"""The steps of a template as a graph: who waits for whom, and which choices a step hangs on. Pure.

Everything is found in one walk in the order of the graph. Sets of choices are bits of integers, so
that a template of 20,000 steps is walked in well under a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasker.template import StepDefinition

__all__ = [
    "Choices",
    "Graph",
    "always_before",
    "converges",
    "find_certain",
    "find_choices",
    "may_lack",
    "parents_in_template",
    "read_graph",
]


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps whose names differ, whose parents are among them, and that wait for none in a circle."""

    steps: Mapping[str, StepDefinition]
    """By name, in the order of the definition."""
    index: Mapping[str, int]
    parents: Mapping[str, tuple[str, ...]]
    """As `parents_in_template` gives them."""
    children: Mapping[str, Sequence[StepDefinition]]
    """Of each step, those that depend on it, if there are any."""
    order: Sequence[str]
    """All steps but dynamic ones, each behind its parents."""


def read_graph(steps: Sequence[StepDefinition]) -> Graph:
    """The graph of steps. Raises `graphlib.CycleError` where they wait for each other in a circle."""
    children: dict[str, list[StepDefinition]] = {}
    for step in steps:
        for parent in dict.fromkeys(step.depends_on):
            children.setdefault(parent, []).append(step)
    parents = parents_in_template(steps)
    return Graph(
        {step.name: step for step in steps},
        {step.name: index for index, step in enumerate(steps)},
        parents,
        children,
        tuple(name for name in TopologicalSorter(parents).static_order() if name in parents),
    )


def parents_in_template(steps: Sequence[StepDefinition]) -> dict[str, tuple[str, ...]]:
    """Of each step but dynamic ones, those without which it cannot start, and which the template brings.

    A convergence that gathers dynamic steps waits for all that may ask for them, or for one that does.
    """
    dynamic = {step.name for step in steps if step.kind == "dynamic"}
    asking: dict[str, list[str]] = {}
    for step in steps:
        for name in step.expands:
            asking.setdefault(name, []).append(step.name)
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step.name in dynamic:
            continue
        askers = _askers(asking, dynamic.intersection(step.depends_on)) if dynamic else ()
        named = dict.fromkeys([*step.depends_on, *sorted(askers)])
        found[step.name] = tuple(name for name in named if name not in dynamic)
    return found


def converges(graph: Graph, name: str) -> bool:
    """Whether one of its parents will do for a step to come to be."""
    return graph.steps[name].kind == "deferred_convergence" and bool(graph.parents[name])


def find_certain(graph: Graph) -> frozenset[str]:
    """The steps that are in every task, whatever its decisions say."""
    certain: set[str] = set()
    for name in graph.order:
        edges = (p in certain and graph.steps[p].kind != "decision" for p in graph.parents[name])
        if (any if converges(graph, name) else all)(edges):
            certain.add(name)
    return frozenset(certain)


def always_before(graph: Graph, step: str) -> frozenset[str]:
    """The steps that are done in every task that has come to run `step`."""
    before: dict[str, int] = {}
    for name in graph.order:
        ways = [before[parent] | 1 << graph.index[parent] for parent in graph.parents[name]]
        before[name] = _join(ways, converges(graph, name))
    names = list(graph.steps)
    return frozenset(names[bit] for bit in _bits(before[step]))


@dataclass(frozen=True, slots=True)
class Choices:
    """Which choices of decisions each step hangs on: the bits of an integer, each a branch of a decision."""

    branches: Sequence[tuple[str, str]]
    """A decision and a step that depends on it, by the number of their bit."""
    needed: Mapping[str, int]
    """Of each step, all that must have been chosen for it to be."""

    def of(self, bits: int) -> dict[str, list[str]]:
        """The decisions in a set of choices, each with what is chosen of it."""
        found: dict[str, list[str]] = {}
        for bit in _bits(bits):
            decision, branch = self.branches[bit]
            found.setdefault(decision, []).append(branch)
        return found


def find_choices(graph: Graph) -> Choices:
    """Of each step, the choices that must have been made for it to be."""
    branches: list[tuple[str, str]] = []
    needed: dict[str, int] = {}
    for name in graph.order:
        ways: list[int] = []
        for parent in graph.parents[name]:
            own = 0
            if graph.steps[parent].kind == "decision":
                own = 1 << len(branches)
                branches.append((parent, name))
            ways.append(needed[parent] | own)
        needed[name] = _join(ways, converges(graph, name))
    return Choices(branches, needed)


def may_lack(graph: Graph, choices: Choices, convergence: str) -> frozenset[str]:
    """The parents without which a convergence may run, because a decision excluded them.

    A parent is always there if every other parent that could start the convergence hangs on all that it
    hangs on itself.
    """
    parents = graph.parents[convergence]
    if not parents:
        return frozenset()
    shared = _join([choices.needed[parent] for parent in parents], one_will_do=True)
    own = graph.steps[convergence].depends_on
    return frozenset(p for p in own if p in graph.parents and choices.needed[p] & ~shared)


def _askers(asking: Mapping[str, Sequence[str]], names: Iterable[str]) -> set[str]:
    """The steps that may ask for one of `names`, or for what does."""
    found: set[str] = set()
    wanted = list(names)
    while wanted:
        new = [name for name in asking.get(wanted.pop(), ()) if name not in found]
        found.update(new)
        wanted += new
    return found


def _join(ways: Sequence[int], one_will_do: bool) -> int:
    """What holds where all ways hold, or where one of them does."""
    joined = ways[0] if ways else 0
    for way in ways:
        joined = joined & way if one_will_do else joined | way
    return joined


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
