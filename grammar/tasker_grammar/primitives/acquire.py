"""`acquire`: reads from an endpoint. What it may touch is the world it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasker_grammar.contracts import Contract
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
    DATA_ERROR,
    OVER_BUDGET,
    RESOURCE_UNAVAILABLE,
    RESULT_INVALID,
    TOO_LARGE,
    codes_of,
    hold_to,
)
from tasker_grammar.resources import Endpoint
from tasker_grammar.schema_types import type_of

__all__ = ["Acquire", "AcquireFields"]

PARAMS_INVALID = Failure("PARAMS_INVALID", "A parameter cannot stand in the address.")
OUTSIDE = (RESOURCE_UNAVAILABLE, RESULT_INVALID, TOO_LARGE, PARAMS_INVALID)


class AcquireFields(StepFields):
    """`resource`: the name of an endpoint. `params`: an object, as the endpoint's contract has it."""

    resource: str
    params: Source = Source("{}")


@dataclass(frozen=True, slots=True)
class _Plan:
    endpoint: Endpoint
    params: Expression
    result: Contract


class Acquire(Primitive[AcquireFields, _Plan]):
    """Asks an endpoint, and holds what it answers to its contract."""

    kind = "acquire"
    summary = "Read from an endpoint; what it answers is held to the endpoint's contract."
    gives = "what the endpoint answers"
    effect = "read"
    failures = (*OUTSIDE, DATA_ERROR, OVER_BUDGET)
    fields = AcquireFields

    def check(self, step: AcquireFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The parameters must fit the endpoint's contract; what it gives is its result's type."""
        endpoint = scope.resource("/resource", "endpoint", step.resource)
        params = scope.expression("/params", step.params)
        if not isinstance(endpoint, Endpoint):
            return Broken()
        output = type_of(endpoint.result)
        if params is None or not scope.fit("/params", "C301", params.type, endpoint.params):
            return Broken(output)
        failures = codes_of(params, also=OUTSIDE)
        plan = _Plan(endpoint, params, Contract(endpoint.result))
        return Checked(output, plan, self.effect, failures, label=endpoint.label)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Ask, and check the answer."""
        params = await running.evaluate(plan.params)
        answer = await running.world.acquire(running.place, plan.endpoint, params)
        return hold_to(plan.result, answer, "the answer")
