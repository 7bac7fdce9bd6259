"""Rules about decisions, batches and dynamic steps; the database holds the same ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tasker.checking.codes import make_fault
from tasker.checking.fields import allows_type
from tasker.checking.graph import Graph
from tasker.errors import Fault
from tasker.names import did_you_mean

if TYPE_CHECKING:
    from tasker.template import StepDefinition

__all__ = ["find_growth_faults"]

_MAY_EXPAND = ("standard", "dynamic", "deferred_convergence")


def find_growth_faults(graph: Graph) -> Iterator[Fault]:
    """What is wrong with steps that make a graph grow."""
    dynamic = {step.name: step for step in graph.steps.values() if step.kind == "dynamic"}
    brought = _find_brought(graph)
    for index, step in enumerate(graph.steps.values()):
        path = ("steps", index)
        below = graph.children.get(step.name, ())
        match step.kind:
            case "decision" if not below:
                what = f'step "{step.name}" is a decision, but no step depends on it'
                mend = "Let its branches depend on it."
                yield make_fault("decision-without-branches", path, what, mend)
            case "batchable":
                yield from _check_batch(path, step, below)
            case "batch_worker":
                yield from _check_worker(path, step, graph)
                yield from _check_gathered(graph, step, below, "the batch worker")
            case "dynamic":
                yield from _check_dynamic(path, step, brought)
                yield from _check_gathered(graph, step, below, "the dynamic step")
            case _:
                pass
        yield from _check_expands(path, step, dynamic)


def _check_batch(
    path: tuple[str | int, ...], step: StepDefinition, below: Sequence[StepDefinition]
) -> Iterator[Fault]:
    workers = sum(child.kind == "batch_worker" for child in below)
    if workers != 1:
        what = f'step "{step.name}" is batchable, and {workers} batch workers depend on it'
        mend = "It needs exactly one step of type batch_worker."
        yield make_fault("batch-without-worker", path, what, mend)
    if not allows_type(step.result_schema, "array"):
        what = f'step "{step.name}" is batchable, and its result_schema allows no array'
        mend = "Describe an array, with an item for each worker."
        yield make_fault("batch-result", (*path, "result_schema"), what, mend)


def _check_worker(
    path: tuple[str | int, ...], step: StepDefinition, graph: Graph
) -> Iterator[Fault]:
    if [graph.steps[parent].kind for parent in step.depends_on] != ["batchable"]:
        what = f'step "{step.name}" is a batch worker, and depends on {list(step.depends_on)}'
        mend = "It must depend on one batchable step and nothing else."
        yield make_fault("worker-without-batch", (*path, "depends_on"), what, mend)


def _check_gathered(
    graph: Graph, step: StepDefinition, below: Sequence[StepDefinition], called: str
) -> Iterator[Fault]:
    for child in below:
        if child.kind != "deferred_convergence":
            position = child.depends_on.index(step.name)
            path = ("steps", graph.index[child.name], "depends_on", position)
            what = f'step "{child.name}" depends on {called} "{step.name}"'
            mend = "Only a step of type deferred_convergence can."
            yield make_fault("needs-convergence", path, what, mend)


def _check_dynamic(
    path: tuple[str | int, ...], step: StepDefinition, brought: frozenset[str]
) -> Iterator[Fault]:
    if step.depends_on:
        what = f'step "{step.name}" is dynamic, and depends on {list(step.depends_on)}'
        mend = "Who asks for it says what it waits for."
        yield make_fault("dynamic-depends", (*path, "depends_on"), what, mend)
    if step.compensate is not None:
        what = f'step "{step.name}" is dynamic, so it cannot be undone'
        mend = "Undo it in the compensation of what gathers it."
        yield make_fault("dynamic-compensated", (*path, "compensate"), what, mend)
    if step.name not in brought:
        what = f'step "{step.name}" is dynamic, but no step that comes to be expands to it'
        mend = "Name it in the expands of the steps that may ask for it."
        yield make_fault("dynamic-never-asked", path, what, mend)


def _check_expands(
    path: tuple[str | int, ...], step: StepDefinition, dynamic: Mapping[str, StepDefinition]
) -> Iterator[Fault]:
    if step.expands and step.kind not in _MAY_EXPAND:
        what = f'step "{step.name}" is of type {step.kind}, which cannot expand'
        mend = "Let an ordinary step behind it ask."
        yield make_fault("cannot-expand", (*path, "expands"), what, mend)
    for position, name in enumerate(step.expands):
        if name not in dynamic:
            what = f'step "{step.name}" expands to "{name}", which is no dynamic step'
            mend = did_you_mean(name, dynamic) or "Name a step of type dynamic."
            yield make_fault("unknown-dynamic-step", (*path, "expands", position), what, mend)


def _find_brought(graph: Graph) -> frozenset[str]:
    """The dynamic steps that a step of the template may ask for, or one that may come of it."""
    found: set[str] = set()
    wanted = [step for step in graph.steps.values() if step.kind != "dynamic" and step.expands]
    while wanted:
        for name in wanted.pop().expands:
            if name not in found and name in graph.steps:
                found.add(name)
                wanted.append(graph.steps[name])
    return frozenset(found)
