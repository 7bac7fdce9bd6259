"""`validate`: holds a value to a contract, and gives it as what it is then known to be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pydantic import Field

from tasker_grammar.contracts import Contract, Schema
from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Failure,
    Primitive,
    Running,
    Scope,
    Source,
    StepFields,
)
from tasker_grammar.primitives.parts import (
    COUNT,
    DATA_ERROR,
    OVER_BUDGET,
    SchemaReference,
    closed,
    codes_of,
    items_of,
)
from tasker_grammar.schema_types import type_of
from tasker_grammar.type_words import describe
from tasker_grammar.types import Anything, Array, String, Type
from tasker_grammar.world import ActionFailed

__all__ = ["Validate", "ValidateFields"]

VALIDATION_FAILED = Failure("VALIDATION_FAILED", "The value breaks the contract.")
_MOST_TOLD = 10
_MANY = 500  # items, which are some milliseconds


class ValidateFields(StepFields):
    """`value` is held to `schema`. `on_failure`: fail; or partition, a list into items that keep it and others."""

    value: Source
    schema_: SchemaReference = Field(alias="schema")
    on_failure: Literal["fail", "partition"] = "fail"


@dataclass(frozen=True, slots=True)
class _Plan:
    value: Expression
    contract: Contract
    partition: bool


class Validate(Primitive[ValidateFields, _Plan]):
    """Turns what may be anything into what keeps a contract."""

    kind = "validate"
    summary = "Hold a value to a schema; or part a list into valid and invalid items."
    gives = (
        "the value; or, where it parts a list, {valid: [item], invalid: [{index, value, errors}]}"
    )
    effect = "pure"
    failures = (VALIDATION_FAILED, DATA_ERROR, OVER_BUDGET)
    fields = ValidateFields

    def check(self, step: ValidateFields, scope: Scope) -> Checked[_Plan] | Broken:
        """What it gives is of the schema's type, whatever the value's."""
        schema = scope.schema("/schema", step.schema_)
        value = scope.expression("/value", step.value)
        if schema is None:
            return Broken()
        partition = step.on_failure == "partition"
        output = _parted(value, schema) if partition else type_of(schema)
        if value is None:
            return Broken(output)
        if partition and items_of(value.type) is None:
            what = "only a list can be parted into valid and invalid items"
            hint = "Say `on_failure: fail`, or give it a list."
            scope.report("C312", "/value", what, hint, expected="a list", got=describe(value.type))
            return Broken(output)
        own = () if partition else (VALIDATION_FAILED,)
        plan = _Plan(value, Contract(schema), partition)
        return Checked(output, plan, self.effect, codes_of(value, also=own))

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Check the value, or each item."""
        value = await running.evaluate(plan.value)
        if not plan.partition:
            return _hold(plan.contract, value)
        if len(value) > _MANY:
            return await running.compute(partial(_part, plan.contract, value))
        return _part(plan.contract, value)


def _parted(value: Expression | None, schema: Schema) -> Type:
    items = None if value is None else items_of(value.type)
    invalid = closed(index=COUNT, value=items or Anything(), errors=Array(String()))
    return closed(valid=Array(type_of(schema)), invalid=Array(invalid))


def _hold(contract: Contract, value: Any) -> Any:
    if faults := contract.check(value):
        rest = f"; and {len(faults) - _MOST_TOLD} more" if len(faults) > _MOST_TOLD else ""
        raise ActionFailed(VALIDATION_FAILED.code, "; ".join(map(str, faults[:_MOST_TOLD])) + rest)
    return value


def _part(contract: Contract, items: list[Any]) -> dict[str, list[Any]]:
    valid: list[Any] = []
    invalid: list[Any] = []
    for index, item in enumerate(items):
        if faults := contract.check(item):
            told = [str(fault) for fault in faults[:_MOST_TOLD]]
            invalid.append({"index": index, "value": item, "errors": told})
        else:
            valid.append(item)
    return {"valid": valid, "invalid": invalid}
