"""The steps of a workflow under construction: how they are found, which dynamic ones they may ask for, and what becomes
of them in its template. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasker.binding import Handler
from tasker.checking import find_step_faults
from tasker.checking.graph import find_certain, parents_in_template, read_graph
from tasker.errors import DefinitionError
from tasker.injection import Signature
from tasker.names import FRAGMENT_RESULT, OWN_HANDLERS, RESERVED, did_you_mean
from tasker.template import StepDefinition
from tasker.values import Shape

__all__ = [
    "Steps",
    "WorkflowStep",
    "check_expands",
    "check_name",
    "definitions_of",
    "find_output",
    "find_undone",
    "handlers_of",
    "own_handler",
    "refuse_faulty",
]


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step, what runs it, and what undoes it."""

    definition: StepDefinition
    handler: Handler
    undoing: Handler | None = None
    """The handler of its compensation."""
    expands: tuple[str | Callable[..., Any], ...] | None = None
    """The dynamic steps that it may ask for, as they were given; None: all."""


Steps = Mapping[str, WorkflowStep]
"""The steps so far by name, in the order in which they were added."""


def own_handler(name: str, what: str, result: Shape) -> Handler:
    """What stands for the handler of a step that is Tasker's own: no function, only what it gives."""
    return Handler(name, Signature(what, (), result), True, _never)


def _never() -> Any:
    raise DefinitionError("what is Tasker's own has no function here")


def refuse_faulty(step: StepDefinition, subject: str) -> None:
    """Raise DefinitionError for the first error that the check of one step finds."""
    for fault in find_step_faults(step):
        if fault.severity == "error":
            raise DefinitionError(f"{subject}: {fault}", [fault])


def check_name(name: str, steps: Steps, subject: str) -> None:
    """Raise DefinitionError for the name of a new step that is taken, or means something else."""
    if name in RESERVED:
        raise DefinitionError(
            f"{subject}: a parameter called {name} never takes a step's result. Give the step"
            " another name, as in @workflow.step(name=...)"
        )
    if name in steps:
        raise DefinitionError(f"{subject}: there is a step of this name already")


def find_undone(given: str | Callable[..., Any], steps: Steps, owner: str) -> str:
    """The step that a compensation is for, given by its name or its function.

    Raises DefinitionError, which begins with `owner`, when there is none.
    """
    for name, step in steps.items():
        if _is_meant(given, step):
            return name
    hint = did_you_mean(given, steps) if isinstance(given, str) else ""
    undoes = f"{owner}: a compensation is for {given!r}, which is no step yet. {hint}"
    raise DefinitionError(undoes.rstrip())


def _is_meant(given: str | Callable[..., Any], step: WorkflowStep) -> bool:
    if isinstance(given, str) or step.definition.handler in OWN_HANDLERS:
        return given == step.definition.name
    return step.handler.make() is given


def handlers_of(steps: Steps) -> dict[str, Handler]:
    """The handlers of steps and compensations, by name; not Tasker's own."""
    undoing = (step.undoing for step in steps.values() if step.undoing is not None)
    known = (*(step.handler for step in steps.values()), *undoing)
    return {handler.name: handler for handler in known if handler.name not in OWN_HANDLERS}


def definitions_of(steps: Steps) -> list[StepDefinition]:
    """The steps, each with the dynamic steps that it may ask for, so far as those are there."""
    dynamic = [step for step in steps.values() if step.definition.kind == "dynamic"]
    asking = [
        replace(
            step.definition, expands=tuple(d.definition.name for d in dynamic if _may_ask(step, d))
        )
        for step in steps.values()
    ]
    if all(step.handler != FRAGMENT_RESULT for step in asking):
        return asking
    from tasker.growing import let_propose

    return let_propose(asking)


def _may_ask(step: WorkflowStep, dynamic: WorkflowStep) -> bool:
    if step.expands is None:
        return step.handler.signature.expands
    return any(_is_meant(given, dynamic) for given in step.expands)


def check_expands(steps: Steps, owner: str) -> None:
    """Raise DefinitionError, which begins with `owner`, for a step that may ask for what is no dynamic step."""
    dynamic = [step for step in steps.values() if step.definition.kind == "dynamic"]
    known = [step.definition.name for step in dynamic]
    for step in steps.values():
        asks = bool(step.expands) or step.handler.signature.expands
        subject = f"{owner}: step {step.definition.name}"
        if asks and not dynamic:
            raise DefinitionError(f"{subject} may ask for dynamic steps, and there are none")
        for given in step.expands or ():
            if not any(_is_meant(given, each) for each in dynamic):
                hint = did_you_mean(given, known) if isinstance(given, str) else ""
                hint = hint or f"Those are {', '.join(known)}."
                raise DefinitionError(f"{subject} expands to {given!r}, no dynamic step. {hint}")


def find_output(definitions: Sequence[StepDefinition], steps: Steps) -> Shape | None:
    """What a task's result is, where every task ends in one and the same step; None elsewhere."""
    parents = parents_in_template(definitions).values()
    inner = {parent for step in definitions for parent in step.depends_on}.union(*parents)
    last = [step for step in definitions if step.name not in inner]
    if len(last) != 1 or last[0].kind in ("batch_worker", "dynamic"):
        return None
    result = steps[last[0].name].handler.signature.result
    return result if last[0].name in find_certain(read_graph(definitions)) else None
