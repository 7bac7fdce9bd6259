"""What can be said of the edges of a template: steps that are not there, twice there, or in a circle. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from tasker.checking.codes import make_fault
from tasker.checking.graph import parents_in_template
from tasker.errors import Fault
from tasker.names import UNDO, Hints

if TYPE_CHECKING:
    from tasker.template import StepDefinition, Template

__all__ = ["find_edge_faults", "find_lone_steps"]

_MOST_STEPS = 20_000
_MOST_EDGES = 1_000_000


def find_edge_faults(template: Template) -> Iterator[Fault]:
    """What keeps the steps from being a graph. Where it gives nothing, they are one."""
    steps = template.steps
    if not 1 <= len(steps) <= _MOST_STEPS:
        what = f"the template has {len(steps)} steps"
        yield make_fault("step-count", ("steps",), what, f"A template has 1 to {_MOST_STEPS:,}.")
        return
    first = {step.name: index for index, step in reversed(list(enumerate(steps)))}
    hints = Hints(first)
    for index, step in enumerate(steps):
        if first[step.name] != index:
            what = f'two steps are named "{step.name}"'
            yield make_fault(
                "duplicate-step", ("steps", index, "name"), what, "Give each its own name."
            )
        else:
            yield from _check_parents(index, step, first, hints)
        yield from _check_compensation(index, step, first, hints)
    yield from _check_circles([steps[index] for index in sorted(first.values())], first)


def find_lone_steps(steps: Sequence[StepDefinition]) -> Iterator[Fault]:
    """Steps that are connected to no other, in a template whose others are."""
    connected = {name for step in steps for name in (*step.depends_on, *step.expands)}
    connected.update(step.name for step in steps if step.depends_on or step.expands)
    if not connected:
        return  # so it is meant: they are done side by side
    for index, step in enumerate(steps):
        if step.name not in connected:
            what = f'step "{step.name}" waits for no step, and none waits for it'
            mend = "Connect it, or put it into a template of its own."
            yield make_fault("orphan-step", ("steps", index), what, mend)


def _check_parents(
    index: int, step: StepDefinition, known: Mapping[str, int], hints: Hints
) -> Iterator[Fault]:
    before: set[str] = set()
    for position, parent in enumerate(step.depends_on):
        path = ("steps", index, "depends_on", position)
        if parent not in known:
            what = f'step "{step.name}" depends on "{parent}", which is not a step'
            mend = hints.find(parent) or "Name a step of this template."
            yield make_fault("missing-parent", path, what, mend)
        elif parent in before:
            what = f'step "{step.name}" names "{parent}" twice among what it depends on'
            yield make_fault("repeated-parent", path, what, "Name it once.")
        elif parent == step.name:
            what = f'step "{step.name}" depends on itself'
            yield make_fault("self-dependency", path, what, "Take it out of its dependencies.")
        before.add(parent)


def _check_compensation(
    index: int, step: StepDefinition, known: Mapping[str, int], hints: Hints
) -> Iterator[Fault]:
    if step.compensate is None:
        return
    if f"{UNDO}{step.name}" in known:
        what = f'two steps are named "{UNDO}{step.name}"'
        path = ("steps", index, "name")
        yield make_fault("duplicate-step", path, what, "Compensations have such names.")
    for position, name in enumerate(step.compensate.takes or ()):
        if name not in known:
            what = f'the compensation of step "{step.name}" takes "{name}", which is not a step'
            mend = hints.find(name) or "Name a step of this template."
            path = ("steps", index, "compensate", "takes", position)
            yield make_fault("compensation-takes-unknown", path, what, mend)


def _check_circles(steps: Sequence[StepDefinition], known: Mapping[str, int]) -> Iterator[Fault]:
    parents = {
        name: tuple(parent for parent in given if parent != name and parent in known)
        for name, given in parents_in_template(steps).items()
    }
    if sum(map(len, parents.values())) > _MOST_EDGES:
        what = f"the steps wait for each other in more than {_MOST_EDGES:,} ways"
        mend = "Put a step between those that are waited for and those that wait."
        yield make_fault("too-many-edges", ("steps",), what, mend)
        return
    circle = _find_circle(parents, known)
    if circle:
        step = next(step for step in steps if step.name == circle[0])
        path = ("steps", known[circle[0]], "depends_on")
        if circle[-2] in step.depends_on:
            path = (*path, step.depends_on.index(circle[-2]))
        way = " → ".join(circle if len(circle) <= 12 else [*circle[:8], "…", *circle[-3:]])
        what = f"steps wait for each other in a circle: {way}"
        yield make_fault("cycle", path, what, "Take one edge away.")


def _find_circle(graph: Mapping[str, tuple[str, ...]], known: Mapping[str, int]) -> list[str]:
    """A circle as a path of names, each waited for by the next, the first again at the end.

    It begins with the step that is defined first, which waits for one that comes later.
    """
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1][1:]
        start = min(range(len(names)), key=lambda at: known[names[at]])
        return [*names[start:], *names[: start + 1]]
    return []
