"""Makes a composition of a typed step, and checks it against what its steps expect of the outside. Pure."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from tasker.errors import DefinitionError
from tasker.typed.step import Names, Step, close
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Resource, Resources
from tasker_grammar.shape import shape_findings

__all__ = ["composition"]

In = TypeVar("In")
Out = TypeVar("Out")


def composition(
    name: str, step: Step[In, Out], *, version: str = "1.0.0", description: str = ""
) -> Composition:
    """The step as a composition, which a workflow can use. Its input is what the step takes.

    Raises `DefinitionError` with everything that the check finds.
    """
    names = Names()
    steps, result = close(step.build(".input", frozenset(), names), names)
    fields = {
        "name": name,
        "version": version,
        "description": description,
        "input": step.accepts,
        "steps": steps,
        "result": result,
    }
    try:
        return Composition.model_validate(fields)
    except ValidationError as error:
        findings = shape_findings(error, Composition)
        raise DefinitionError("\n".join(map(str, findings))) from None


def expected(step: Step[Any, Any]) -> Resources:
    """What a step expects of the outside, as resources."""

    def of(kind: str) -> dict[str, Resource]:
        return {name: claim for (each, name), claim in step.outside.items() if each == kind}

    return Resources.model_validate(
        {"endpoints": of("endpoint"), "tables": of("table"), "events": of("event")}
    )
