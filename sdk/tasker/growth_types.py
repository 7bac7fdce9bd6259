"""What steps that make a graph grow give to those that depend on them, as types. Pure."""

from __future__ import annotations

from typing import Any

from tasker.batches import BatchResults
from tasker.errors import ContractError
from tasker.fitting import find_misfit
from tasker.growth import describe_answer, item_type
from tasker.injection import Parameter
from tasker.template import Kind, StepDefinition
from tasker.values import Shape, annotation_text, shape_of
from tasker_grammar.contracts import Schema

__all__ = ["accepts_none", "find_result_fault", "given_shape", "stored_schema"]

_branches = shape_of(str | list[str] | None, "a decision's answer")


def find_result_fault(kind: Kind, result: Shape, expands: bool) -> str | None:
    """Why a step of this kind cannot return what its annotation says, or None."""
    if expands and kind not in ("standard", "dynamic", "deferred_convergence"):
        return "only an ordinary step, a dynamic one and a convergence can return an Expansion"
    if result.adapter is None:
        return None
    if kind == "decision" and find_misfit(result, result.produced, _branches) is not None:
        return (
            "a decision returns the name of a step, a list of names, or None, and not"
            f" {annotation_text(result.annotation)}"
        )
    if kind == "batchable" and item_type(result.annotation) is None:
        return f"a batch returns a list, as list[X], and not {annotation_text(result.annotation)}"
    return None


def stored_schema(kind: Kind, result: Shape) -> Schema | None:
    """The schema of the result as it is stored: a decision's answer always as a list of names."""
    return describe_answer(result.annotation) if kind == "decision" else result.produced


def given_shape(step: StepDefinition, result: Shape, to: Kind) -> Shape:
    """What a step that returns `result` gives to one of kind `to`.

    A batch gives its worker one item. The workers of a batch together give a list, or, where it
    goes on without those that fail, `BatchResults`.
    """
    if result.adapter is None and step.kind in ("standard", "deferred_convergence"):
        return result
    match step.kind, to:
        case "batchable", "batch_worker":
            return shape_of(item_type(result.annotation), result.subject)
        case "batch_worker", _:
            each = result.annotation
            goes_on = step.batch.on_failure == "continue"
            together: Any = BatchResults[each] if goes_on else list[each]
            return shape_of(together, result.subject)
        case "dynamic", _:
            together = list[result.annotation]
            return shape_of(together, result.subject)
        case "decision", _:
            return shape_of(list[str], result.subject)
        case _:
            return result


def accepts_none(parameter: Parameter) -> bool:
    """Whether a parameter can be filled where its step was excluded."""
    if parameter.has_default:
        return True
    try:
        parameter.shape.load(None)
    except ContractError:
        return False
    return True
