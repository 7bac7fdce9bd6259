"""What several primitives have in common: failures, the reading of their fields, and types of what they give. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tasker_grammar.contracts import Contract
from tasker_grammar.durations import to_seconds
from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import Failure, Scope
from tasker_grammar.type_words import describe
from tasker_grammar.types import Array, Boolean, Number, Object, String, Type
from tasker_grammar.types import Field as TypeField
from tasker_grammar.world import ActionFailed

__all__ = [
    "CONSTRAINT",
    "COUNT",
    "DATA_ERROR",
    "OVER_BUDGET",
    "RESOURCE_UNAVAILABLE",
    "RESULT_INVALID",
    "TIME",
    "TOO_LARGE",
    "Duration",
    "SchemaReference",
    "closed",
    "codes_of",
    "condition",
    "hold_to",
    "items_of",
]

DATA_ERROR = Failure(
    "DATA_ERROR", "An expression comes to no value for this data: it divides by zero, say."
)
OVER_BUDGET = Failure("OVER_BUDGET", "An expression has more to do, or gives more, than it may.")
RESOURCE_UNAVAILABLE = Failure(
    "RESOURCE_UNAVAILABLE", "What it needs outside cannot be reached, or refuses.", retryable=True
)
RESULT_INVALID = Failure("RESULT_INVALID", "What came from outside breaks its contract.")
CONSTRAINT = Failure("CONSTRAINT", "The database refuses what is to be written.")
TOO_LARGE = Failure("TOO_LARGE", "There is more of it than the resource allows.")

COUNT = Number(integer=True, facets=(("minimum", 0),))
TIME = String(facets=(("format", "date-time"),))


def _check_duration(duration: float | str) -> float | str:
    to_seconds(duration)
    return duration


Duration = Annotated[
    str | Annotated[float, Field(strict=True)],
    AfterValidator(_check_duration),
    Field(json_schema_extra={"examples": ["30s", "1h30m", 2.5]}),
]
"""Seconds, or a text of numbers with units (ms, s, m, h, d)."""

SchemaReference = str | dict[str, Any] | bool
"""The name of a schema among the resources; or a JSON Schema, where one may be written in place."""


def closed(**fields: Type) -> Object:
    """The type of an object that has these fields, and no others."""
    return Object({name: TypeField(type) for name, type in fields.items()})


def codes_of(*expressions: Expression | None, also: tuple[Failure, ...] = ()) -> frozenset[str]:
    """The codes with which evaluating the expressions may fail, and those of other failures."""
    given = [each for each in expressions if each is not None]
    codes = {failure.code for failure in also}
    if given:
        codes.add(OVER_BUDGET.code)
    if any(expression.can_fail for expression in given):
        codes.add(DATA_ERROR.code)
    return frozenset(codes)


def condition(scope: Scope, field: str, source: str, what: str) -> Expression | None:
    """The expression in a field, which is true or false whatever the data. Else that is reported of `what`: None."""
    given = scope.expression(field, source)
    if given is None or isinstance(given.type, Boolean):
        return given
    hint = "Compare it with something, as in `.total > 0`."
    told = f"{what} must be true or false"
    scope.report("C303", field, told, hint, expected="boolean", got=describe(given.type))
    return None


def items_of(type: Type) -> Type | None:
    """The type of a list's items; None where the type is not one of lists."""
    return type.items if isinstance(type, Array) else None


def hold_to(contract: Contract, value: Any, what: str) -> Any:
    """The value, which satisfies the contract. Raises ActionFailed with RESULT_INVALID, and the first few faults."""
    if faults := contract.check(value):
        told = "; ".join(map(str, faults[:3]))
        raise ActionFailed(RESULT_INVALID.code, f"{what} breaks its contract: {told}")
    return value
