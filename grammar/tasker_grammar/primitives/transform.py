"""`transform`: makes one value of others. Pure."""

from __future__ import annotations

from typing import Any

from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Primitive,
    Running,
    Scope,
    Source,
    StepFields,
)
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, SchemaReference, codes_of
from tasker_grammar.schema_types import type_of

__all__ = ["Transform", "TransformFields"]


class TransformFields(StepFields):
    """`value`: what it gives. `output`: the contract that this is to keep, if one is declared."""

    value: Source
    output: SchemaReference | None = None


class Transform(Primitive[TransformFields, Expression]):
    """Gives the value of an expression."""

    kind = "transform"
    summary = "Make a value of what other steps gave."
    gives = "the value"
    effect = "pure"
    failures = (DATA_ERROR, OVER_BUDGET)
    fields = TransformFields

    def check(self, step: TransformFields, scope: Scope) -> Checked[Expression] | Broken:
        """What it gives is of the type that is inferred, which lies within the declared one."""
        value = scope.expression("/value", step.value)
        declared = None if step.output is None else scope.schema("/output", step.output)
        if value is None:
            return Broken(None if declared is None else type_of(declared))
        if declared is not None and not scope.fit("/value", "C302", value.type, declared):
            return Broken(type_of(declared))
        return Checked(value.type, value, self.effect, codes_of(value))

    async def run(self, plan: Expression, running: Running) -> Any:
        """Evaluate it."""
        return await running.evaluate(plan)
