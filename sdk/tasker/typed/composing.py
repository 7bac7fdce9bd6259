"""Makes a composition of a typed step, and checks it against what its steps expect of the outside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from tasker.errors import DefinitionError, Fault
from tasker.typed.step import Names, Step, close
from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.findings import Finding, is_sound
from tasker_grammar.resources import Resource, Resources
from tasker_grammar.shape import shape_findings

__all__ = ["composition"]

In = TypeVar("In")
Out = TypeVar("Out")


def composition(
    name: str, step: Step[In, Out], *, version: str = "1.0.0", description: str = ""
) -> Composition:
    """The step as a composition, which a workflow can use. Its input is what the step takes.

    Raises `DefinitionError` with everything that the check finds: of expressions too, by the types that its steps say.
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
        made = Composition.model_validate(fields)
    except ValidationError as error:
        raise _refusal(name, shape_findings(error, Composition)) from None
    report = check_composition(made, _expected(step), bundled())
    if not is_sound(report.findings):
        raise _refusal(name, report.findings)
    return made


def _expected(step: Step[Any, Any]) -> Resources:
    """What a step expects of the outside, as resources."""

    def of(kind: str) -> dict[str, Resource]:
        return {name: claim for (each, name), claim in step.outside.items() if each == kind}

    return Resources.model_validate(
        {"endpoints": of("endpoint"), "tables": of("table"), "events": of("event")}
    )


def _refusal(name: str, findings: Sequence[Finding]) -> DefinitionError:
    faults = [Fault((), each.message, each.hint, each.code, each.severity) for each in findings]
    lines = (f"{name}{each}" for each in findings)
    return DefinitionError("\n".join(lines), faults)
