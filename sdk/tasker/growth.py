"""Steps that make their task grow, and those that wait for what came of it. Pure.

A decision says which of its branches shall be; a batch gives a list, and one worker comes to be for
each of its items; a step may ask for dynamic steps; a convergence waits for whichever of its parents
came to be.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterator, Mapping, Sequence, Set
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, Literal, Union

import orjson

from tasker.errors import Fault
from tasker.names import did_you_mean

if TYPE_CHECKING:
    from tasker.template import StepDefinition

__all__ = [
    "always_before",
    "branches_in",
    "chooses_one",
    "find_branch_fault",
    "find_growth_faults",
    "find_impossible",
    "is_certain",
    "item_type",
    "may_lack",
    "normalize_branches",
    "parents_in_template",
]

_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_UNIONS = (Union, types.UnionType)

_Guards = frozenset[tuple[str, str]]
_NO_GUARDS: _Guards = frozenset()


def branches_in(annotation: Any) -> frozenset[str] | None:
    """The branches that a decision's annotation allows, or None when it does not name them."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if annotation is None or annotation is type(None):
        return frozenset()
    if origin is Literal:
        return frozenset(str(argument) for argument in arguments)
    if origin in _UNIONS or origin in _LISTS:
        each = [branches_in(argument) for argument in arguments if argument is not Ellipsis]
        named = [names for names in each if names is not None]
        return frozenset[str]().union(*named) if named and len(named) == len(each) else None
    return None


def item_type(annotation: Any) -> Any:
    """The type of the items of a batch's list; Any when the annotation does not say, None when it is no list."""
    if annotation is Any:
        return Any
    origin, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin not in _LISTS:
        return None
    return arguments[0] if arguments else Any


def normalize_branches(result: bytes) -> bytes:
    """What a decision said, as an array of names: one name is an array of one, nothing is an empty one."""
    match orjson.loads(result):
        case None:
            return b"[]"
        case str() as name:
            return orjson.dumps([name])
        case _:
            return result


def find_branch_fault(
    decision: str, allowed: frozenset[str], children: Sequence[str]
) -> str | None:
    """Why a decision that may answer with `allowed` does not fit the steps that depend on it."""
    for name in sorted(allowed.difference(children)):
        hint = did_you_mean(name, children) or f"These do: {', '.join(children) or 'none'}."
        return f'decision {decision} may answer "{name}", but no step of that name depends on it. {hint}'
    for name in children:
        if name not in allowed:
            return f'decision {decision} can never answer "{name}", which depends on it'
    return None


def find_growth_faults(steps: Sequence[StepDefinition]) -> Iterator[Fault]:
    """Rules about decisions and batches that a template breaks; the database holds the same ones."""
    children = _children(steps)
    kinds = {step.name: step.kind for step in steps}
    for index, step in enumerate(steps):
        path = ("steps", index)
        below = children.get(step.name, [])
        workers = [child for child in below if child.kind == "batch_worker"]
        match step.kind:
            case "decision" if not below:
                what = f'step "{step.name}" is a decision, but no step depends on it'
                yield Fault(path, what, "Let its branches depend on it.")
            case "batchable" if len(workers) != 1:
                what = f'step "{step.name}" is batchable, and {len(workers)} batch workers depend on it'
                yield Fault(path, what, "It needs exactly one step of type batch_worker.")
            case "batch_worker":
                if [kinds.get(parent) for parent in step.depends_on] != ["batchable"]:
                    what = f'step "{step.name}" is a batch worker, and depends on {list(step.depends_on)}'
                    yield Fault(
                        path, what, "It must depend on one batchable step and nothing else."
                    )
                for child in below:
                    if child.kind != "deferred_convergence":
                        what = f'step "{child.name}" depends on the batch worker "{step.name}"'
                        yield Fault(path, what, "Only a step of type deferred_convergence can.")
            case "dynamic":
                yield from _check_dynamic(path, step, steps, below)
            case _:
                pass
        yield from _check_expands(path, step, kinds)


def may_lack(steps: Sequence[StepDefinition], convergence: StepDefinition) -> frozenset[str]:
    """The parents without which a convergence may run, because a decision excluded them.

    A step's guards are the choices without which it is not. A parent is always there if every other parent that could
    start the convergence has all the guards that it has itself.
    """
    guards = _guards(steps)
    parents = [p for p in parents_in_template(steps)[convergence.name] if p in guards]
    return frozenset(
        parent
        for parent in convergence.depends_on
        if parent in parents and any(not guards[parent] <= guards[other] for other in parents)
    )


def chooses_one(annotation: Any) -> bool:
    """Whether a decision that is annotated so chooses one branch at most."""
    if typing.get_origin(annotation) in _UNIONS:
        return all(chooses_one(each) for each in typing.get_args(annotation))
    return annotation in (None, type(None)) or typing.get_origin(annotation) is Literal


def find_impossible(steps: Sequence[StepDefinition], decision: str) -> tuple[str, list[str]] | None:
    """A step that needs two branches of a decision that chooses one, and those branches; None when there is none."""
    for step, guards in _guards(steps).items():
        branches = sorted(branch for at, branch in guards if at == decision)
        if len(branches) > 1:
            return step, branches
    return None


def is_certain(steps: Sequence[StepDefinition], step: StepDefinition) -> bool:
    """Whether a step is in every task, whatever its decisions say."""
    by_name = {each.name: each for each in steps}
    certain: dict[str, bool] = {}
    parents = parents_in_template(steps)
    for name in TopologicalSorter(parents).static_order():
        edges = [by_name[p].kind != "decision" and certain[p] for p in parents[name]]
        one_will_do = by_name[name].kind == "deferred_convergence" and edges
        certain[name] = any(edges) if one_will_do else all(edges)
    return certain[step.name]


def always_before(steps: Sequence[StepDefinition], step: StepDefinition) -> frozenset[str]:
    """The steps that are done in every task that has come to run `step`."""
    by_name = {each.name: each for each in steps}
    found: dict[str, frozenset[str]] = {}
    parents = parents_in_template(steps)
    for name in TopologicalSorter(parents).static_order():
        ways = [found[parent] | {parent} for parent in parents[name]]
        converges = by_name[name].kind == "deferred_convergence" and ways
        found[name] = ways[0].intersection(*ways) if converges else frozenset[str]().union(*ways)
    return found[step.name]


def parents_in_template(steps: Sequence[StepDefinition]) -> dict[str, tuple[str, ...]]:
    """Of each step but dynamic ones, those without which it cannot start, and which the template brings.

    A convergence that gathers dynamic steps waits for all that may ask for them, or for one that does.
    """
    dynamic = {step.name for step in steps if step.kind == "dynamic"}
    found: dict[str, tuple[str, ...]] = {}
    for step in steps:
        if step.name not in dynamic:
            guards = _askers(steps, dynamic.intersection(step.depends_on))
            named = dict.fromkeys([*step.depends_on, *sorted(guards)])
            found[step.name] = tuple(name for name in named if name not in dynamic)
    return found


def _askers(steps: Sequence[StepDefinition], names: Set[str]) -> set[str]:
    found: set[str] = set()
    wanted = set(names)
    while wanted:
        asking = {step.name for step in steps if wanted.intersection(step.expands)}
        wanted = asking - found
        found |= asking
    return found


def _check_dynamic(
    path: tuple[str | int, ...],
    step: StepDefinition,
    steps: Sequence[StepDefinition],
    below: Sequence[StepDefinition],
) -> Iterator[Fault]:
    if step.depends_on:
        what = f'step "{step.name}" is dynamic, and depends on {list(step.depends_on)}'
        yield Fault((*path, "depends_on"), what, "Who asks for it says what it waits for.")
    if step.compensate is not None:
        what = f'step "{step.name}" is dynamic, so it cannot be undone'
        yield Fault((*path, "compensate"), what, "Undo it in the compensation of what gathers it.")
    asking = _askers(steps, {step.name})
    if not any(other.name in asking and other.kind != "dynamic" for other in steps):
        only = ", but dynamic ones that nothing brings" if asking else ""
        what = f'step "{step.name}" is dynamic, but no step expands to it{only}'
        yield Fault(path, what, "Name it in the expands of the steps that may ask for it.")
    for child in below:
        if child.kind != "deferred_convergence":
            what = f'step "{child.name}" depends on the dynamic step "{step.name}"'
            yield Fault(path, what, "Only a step of type deferred_convergence can.")


def _check_expands(
    path: tuple[str | int, ...], step: StepDefinition, kinds: Mapping[str, str]
) -> Iterator[Fault]:
    if step.expands and step.kind not in ("standard", "dynamic", "deferred_convergence"):
        what = f'step "{step.name}" is of type {step.kind}, which cannot expand'
        yield Fault((*path, "expands"), what, "Let an ordinary step behind it ask.")
    dynamic = [name for name, kind in kinds.items() if kind == "dynamic"]
    for name in step.expands:
        if name not in dynamic:
            what = f'step "{step.name}" expands to "{name}", which is no dynamic step'
            hint = did_you_mean(name, dynamic)
            yield Fault((*path, "expands"), what, hint or "Name a step of type dynamic.")


def _guards(steps: Sequence[StepDefinition]) -> Mapping[str, _Guards]:
    """Of each step, the (decision, branch) choices that must have been made for it to be."""
    by_name = {step.name: step for step in steps}
    graph = {
        name: [p for p in parents if p in by_name]
        for name, parents in parents_in_template(steps).items()
    }
    found: dict[str, _Guards] = {}
    for name in TopologicalSorter(graph).static_order():
        edges: list[_Guards] = []
        for parent in graph[name]:
            chosen = by_name[parent].kind == "decision"
            edges.append(found[parent].union([(parent, name)] if chosen else []))
        if by_name[name].kind == "deferred_convergence" and edges:
            found[name] = edges[0].intersection(*edges)
        else:
            found[name] = _NO_GUARDS.union(*edges)
    return found


def _children(steps: Sequence[StepDefinition]) -> dict[str, list[StepDefinition]]:
    found: dict[str, list[StepDefinition]] = {}
    for step in steps:
        for parent in step.depends_on:
            found.setdefault(parent, []).append(step)
    return found
