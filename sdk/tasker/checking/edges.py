"""What can be said of the edges of a template: steps that are not there, twice there, or in a circle. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tasker.checking.codes import make_fault
from tasker.errors import Fault
from tasker.names import UNDO, Hints

if TYPE_CHECKING:
    from tasker.template import StepDefinition, Template

__all__ = ["circle_fault", "find_edge_faults", "find_lone_steps"]

_MOST_STEPS = 20_000
_MOST_EDGES = 1_000_000


def find_edge_faults(template: Template) -> Iterator[Fault]:
    """What keeps the steps from being a graph, apart from circles."""
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
    if (
        sum(len(step.depends_on) for step in steps) > _MOST_EDGES
        or _count_gathered(steps) > _MOST_EDGES
    ):
        what = f"the steps wait for each other in more than {_MOST_EDGES:,} ways"
        mend = "Put a step between those that are waited for and those that wait."
        yield make_fault("too-many-edges", ("steps",), what, mend)


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
            mend = hints.find(parent, besides=step.name) or "Name a step of this template."
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


def circle_fault(template: Template, circle: Sequence[str]) -> Fault:
    """Steps that wait for each other in a circle, given as names, the first of them again at the end.

    What is told begins with the step that is defined first: it waits for one that comes later.
    """
    index = {step.name: index for index, step in enumerate(template.steps)}
    names = list(circle[1:])
    start = min(range(len(names)), key=lambda at: index[names[at]])
    names = [*names[start:], *names[: start + 1]]
    path = ("steps", index[names[0]], "depends_on")
    depends_on = template.steps[index[names[0]]].depends_on
    if names[-2] in depends_on:
        path = (*path, depends_on.index(names[-2]))
    way = " → ".join(names if len(names) <= 12 else [*names[:8], "…", *names[-3:]])
    what = f"steps wait for each other in a circle: {way}"
    return make_fault("cycle", path, what, "Take one edge away.")


def _count_gathered(steps: Sequence[StepDefinition]) -> int:
    """At most so many edges lead to convergences from those that may ask for what they gather."""
    asking = sum(bool(step.expands) for step in steps)
    dynamic = {step.name for step in steps if step.kind == "dynamic"}
    gathering = sum(not dynamic.isdisjoint(step.depends_on) for step in steps) if dynamic else 0
    return asking * gathering
