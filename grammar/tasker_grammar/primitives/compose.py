"""`compose`: runs a composition as one step. Does itself what its steps do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Primitive,
    Program,
    Running,
    Scope,
    Source,
    StepFields,
)
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, codes_of

__all__ = ["Compose", "ComposeFields"]


class ComposeFields(StepFields):
    """`composition`: "name" or "name@version". `with`: its parameters. `input`: what it sees as `.input`."""

    composition: str
    arguments: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    input: Source = Source(".input")


@dataclass(frozen=True, slots=True)
class _Plan:
    input: Expression
    body: Program


class Compose(Primitive[ComposeFields, _Plan]):
    """Has the effect, the failures and the cost of the composition's steps."""

    kind = "compose"
    summary = "Run a composition, of the catalog or one's own, as one step."
    gives = "what the composition gives"
    effect = "idempotent_write"
    failures = (DATA_ERROR, OVER_BUDGET)
    fields = ComposeFields

    def check(self, step: ComposeFields, scope: Scope) -> Checked[_Plan] | Broken:
        """It is checked anew with these parameters, for an input of this type."""
        value = scope.expression("/input", step.input)
        if value is None:
            return Broken()
        body = scope.composition("/composition", step.composition, step.arguments, value.type)
        if body is None:
            return Broken()
        cost = replace(body.cost, work=body.cost.work + 1)
        failures = codes_of(value) | body.failures
        inside = {step.composition: body}
        return Checked(body.output, _Plan(value, body), body.effect, failures, cost, inside=inside)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Run its steps."""
        return await running.run(plan.body, {"input": await running.evaluate(plan.input)}, "")
