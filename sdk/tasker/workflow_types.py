"""Whether what a new step takes is what the workflow's input and the steps before it give. Pure.

All raise DefinitionError, which begins with the workflow's name, `owner`.
"""

from __future__ import annotations

from tasker.checking.graph import find_choices, may_lack, read_graph
from tasker.compensations import find_sure_results, undone_shape
from tasker.errors import DefinitionError
from tasker.fitting import find_misfit
from tasker.growth_types import accepts_none, find_result_fault, given_shape
from tasker.injection import Assignment, Parameter, Signature
from tasker.template import Kind, StepDefinition
from tasker.values import Shape, annotation_text
from tasker.workflow_steps import Steps, definitions_of
from tasker_grammar.contracts import Schema

__all__ = ["check_result", "check_types", "check_undoing"]


def check_result(kind: Kind, signature: Signature, subject: str) -> None:
    """Refuse a result that steps of this kind cannot have."""
    fault = find_result_fault(kind, signature.result, signature.expands)
    if fault is not None:
        raise DefinitionError(f"{subject}: {fault}")


def check_types(
    step: StepDefinition, assignment: Assignment, steps: Steps, task_input: Shape, owner: str
) -> None:
    """Hold what a new step takes against what the task's input is, and what its parents give."""
    subject = f"{owner}: step {step.name}"
    _check_input(assignment, task_input, subject)
    lacking = _find_lacking(step, steps) if step.kind == "deferred_convergence" else ()
    for parameter in () if step.kind == "dynamic" else assignment.results:
        parent = steps[parameter.name]
        returned = parent.handler.signature.result
        given = given_shape(parent.definition, returned, step.kind)
        if given is returned:
            giver, schema = f"step {parameter.name} returns", parent.definition.result_schema
        else:
            giver, schema = f"step {parameter.name} gives", given.produced
        _agree(parameter, given, schema, giver, subject)
        if parameter.name in lacking and not accepts_none(parameter):
            raise DefinitionError(
                f"{subject} takes {parameter.name}, which a decision"
                f" may exclude. Annotate it {annotation_text(parameter.shape.annotation)} | None"
            )


def check_undoing(
    step: StepDefinition, assignment: Assignment, steps: Steps, task_input: Shape, owner: str
) -> None:
    """Hold what the compensation of `step` takes against what is there when it runs."""
    undone = f"undo:{step.name}"
    subject = f"{owner}: step {undone}"
    _check_input(assignment, task_input, subject)
    known = {each.name: each for each in definitions_of(steps)}
    sure = find_sure_results([*known.values()], step)
    for parameter in assignment.results:
        name = parameter.name
        returned = steps[name].handler.signature.result
        given = undone_shape(step, known[name], returned)
        schema = known[name].result_schema if given is returned else given.produced
        _agree(parameter, given, schema, f"step {name} gives", subject)
        if name not in sure and not accepts_none(parameter):
            raise DefinitionError(
                f"{owner}: {undone} takes {name}, which may not have"
                f" completed. Annotate it {annotation_text(parameter.shape.annotation)} | None"
            )


def _find_lacking(step: StepDefinition, steps: Steps) -> frozenset[str]:
    graph = read_graph([*definitions_of(steps), step])
    return may_lack(graph, find_choices(graph), step.name)


def _check_input(assignment: Assignment, task_input: Shape, subject: str) -> None:
    if assignment.task_input is not None:
        given = "the workflow's input is"
        _agree(assignment.task_input, task_input, task_input.accepted, given, subject)


def _agree(taken: Parameter, given: Shape, schema: Schema | None, giver: str, subject: str) -> None:
    misfit = find_misfit(given, schema, taken.shape)
    if misfit is not None:
        takes = f"{taken.name}: {annotation_text(taken.shape.annotation)}"
        raise DefinitionError(
            f"{subject} takes {takes}, but {giver} {annotation_text(given.annotation)}: {misfit}"
        )
