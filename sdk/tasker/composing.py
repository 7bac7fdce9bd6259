"""Compositions in workflows: a step of one, compiled and checked, with the edges that its input asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tasker.actions.programs import Written
from tasker.composition_steps import compile_steps, find_references
from tasker.errors import DefinitionError
from tasker.names import COMPOSITION
from tasker.template import StepDefinition
from tasker.values import Shape
from tasker.vocabulary import Vocabulary, add_actions
from tasker.workflow_steps import WorkflowStep, own_handler
from tasker_grammar.catalog import bundled
from tasker_grammar.resources import Resources

if TYPE_CHECKING:
    from tasker.workflow import Workflow
    from tasker_grammar.composition import Composition

__all__ = ["compose_step", "vocabulary_of"]


def compose_step(
    workflow: Workflow,
    step: StepDefinition,
    composition: Composition | str,
    arguments: Mapping[str, Any],
    source: str,
) -> WorkflowStep:
    """The step, with the parents that its input names. Raises DefinitionError."""
    earlier = workflow.steps
    reads = find_references(source, step, earlier, workflow.input_schema)
    named = [
        each.name for each in earlier if each.name in reads and each.name not in step.depends_on
    ]
    step = replace(step, depends_on=(*named, *step.depends_on))
    written = {step.name: Written(composition, arguments, source)}
    steps, faults = compile_steps(
        [*earlier, step], written, workflow.input_schema, vocabulary_of(workflow)
    )
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        told = "\n".join(f"{fault} [{fault.code}]" for fault in errors)
        raise DefinitionError(f"{workflow.full_name}: {told}", faults)
    result = Shape(f"what {step.name} gives")
    return WorkflowStep(steps[-1], own_handler(COMPOSITION, "a composition", result))


def vocabulary_of(workflow: Workflow) -> Vocabulary:
    """What the compositions of a workflow may name. Raises DefinitionError."""
    known = Vocabulary(workflow.resources or Resources(), workflow.compositions or bundled())
    return add_actions(known, workflow.actions) if workflow.actions else known
