"""How a handler's parameters are filled: from the task's input, its parents' results, the context.

Parameters are read once, when the handler is defined, and assigned once, when it is joined to a
step. Pure, but for the annotations: to resolve one is to evaluate it.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tasker.context import StepContext
from tasker.errors import DefinitionError
from tasker.expansion import expanded_result
from tasker.names import did_you_mean
from tasker.values import Shape, annotation_text, shape_of

__all__ = ["CONTEXT_NAMES", "Assignment", "Parameter", "Signature", "assign", "read_signature"]

CONTEXT_NAMES = ("ctx", "context")

_NO_NAME = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a handler: its name, what it takes, and whether it can be left out."""

    name: str
    shape: Shape
    is_context: bool
    """Whether the annotation says that it takes the context."""
    has_default: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler takes and gives. `subject` names the handler in messages."""

    subject: str
    parameters: tuple[Parameter, ...]
    result: Shape
    expands: bool = False
    """Whether it returns an `Expansion`; `result` is then what that holds."""

    @property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """Those that take neither the task's input nor the context."""
        return tuple(
            p
            for p in self.parameters
            if not p.is_context and p.name not in ("input", *CONTEXT_NAMES)
        )


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where each parameter that is filled gets its value from."""

    task_input: Parameter | None
    results: tuple[Parameter, ...]
    """Those that take the result of the parent of the same name."""
    contexts: tuple[str, ...]


def read_signature(
    function: Callable[..., Any], subject: str, local_names: Mapping[str, Any], leading: int = 0
) -> Signature:
    """Read and resolve a handler's parameters and annotations.

    `local_names` are the names known where it is defined, beside its module's; `leading` is how
    many parameters Python fills itself: 1 for a method's self. Raises `DefinitionError` for a
    parameter that could never be filled, and for an annotation that cannot be resolved or means
    nothing in JSON.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DefinitionError(f"{subject} is a generator; a handler returns its result at once")
    declared = _declared(function, subject)[leading:]
    hints = _resolve_hints(function, declared, subject, local_names)
    parameters = tuple(_read_parameter(p, hints.get(p.name, Any), subject) for p in declared)
    returned, expands = expanded_result(hints.get("return", Any))
    result = shape_of(returned, f"{subject}: its result")
    return Signature(subject, parameters, result, expands)


def assign(signature: Signature, parents: Collection[str]) -> Assignment:
    """Decide where each parameter gets its value from, for a step with these parents.

    Raises `DefinitionError` for a parameter that nothing fills, listing what there is.
    """
    task_input: Parameter | None = None
    results: list[Parameter] = []
    contexts: list[str] = []
    for parameter in signature.parameters:
        if parameter.is_context:
            contexts.append(parameter.name)
        elif parameter.name == "input":
            task_input = parameter
        elif parameter.name in parents:
            results.append(parameter)
        elif parameter.name in CONTEXT_NAMES:
            contexts.append(_untyped(parameter, signature.subject))
        elif not parameter.has_default:
            raise DefinitionError(_explain(parameter, signature.subject, parents))
    return Assignment(task_input, tuple(results), tuple(contexts))


def _read_parameter(declared: inspect.Parameter, hint: Any, subject: str) -> Parameter:
    if declared.kind in _NO_NAME or declared.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise DefinitionError(
            f"{subject} has the parameter {declared}, which cannot be filled by name. Name each"
            " parameter after what it takes; a decorator below should use functools.wraps"
        )
    is_context = hint is StepContext or StepContext in typing.get_args(hint)
    about = f"{subject}: parameter {declared.name}"
    shape = Shape(about, hint) if is_context else shape_of(hint, about)
    return Parameter(declared.name, shape, is_context, declared.default is not declared.empty)


def _declared(function: Callable[..., Any], subject: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except NameError as error:  # from Python 3.14 on, this evaluates the annotations
        raise _unknown_name(subject, error, "") from None


def _resolve_hints(
    function: Callable[..., Any],
    declared: list[inspect.Parameter],
    subject: str,
    local_names: Mapping[str, Any],
) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, localns=dict(local_names), include_extras=True)
    except NameError as error:
        named = (f" of {p.name}" for p in declared if str(error.name) in str(p.annotation))
        raise _unknown_name(subject, error, next(named, "")) from None
    except (AttributeError, SyntaxError, TypeError) as error:
        raise DefinitionError(f"{subject}: an annotation cannot be resolved: {error}") from error


def _unknown_name(subject: str, error: NameError, where: str) -> DefinitionError:
    return DefinitionError(
        f"{subject}: {error.name} in the annotation{where} is not known here. Define or import it"
        " above the handler, and not only under TYPE_CHECKING"
    )


def _untyped(parameter: Parameter, subject: str) -> str:
    if parameter.shape.adapter is not None:
        raise DefinitionError(
            f"{subject}: parameter {parameter.name} takes the step's context, so it cannot be"
            f" {annotation_text(parameter.shape.annotation)}. Annotate it StepContext or rename it"
        )
    return parameter.name


def _explain(parameter: Parameter, subject: str, parents: Collection[str]) -> str:
    steps = ", ".join(sorted(parents)) or "none here"
    hint = did_you_mean(parameter.name, [*parents, "input", *CONTEXT_NAMES])
    return (
        f"{subject}: nothing fills the parameter {parameter.name}. Possible are: input (the task's"
        f" input), the name of a step it can depend on ({steps}), a parameter annotated"
        f" StepContext, or one with a default. {hint}"
    ).rstrip()
