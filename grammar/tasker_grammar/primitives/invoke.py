"""`invoke`: has a developer's handler do something. What it may touch is the world it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasker_grammar.contracts import Contract
from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
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
    RESULT_INVALID,
    codes_of,
    hold_to,
)
from tasker_grammar.resources import Action
from tasker_grammar.schema_types import type_of

__all__ = ["ACTION_FAILED", "Invoke", "InvokeFields"]

ACTION_FAILED = Failure(
    "ACTION_FAILED", "The handler failed in a way that it does not declare.", retryable=True
)


class InvokeFields(StepFields):
    """`action`: its name among the resources. `input`: as its contract has it."""

    action: str
    input: Source


@dataclass(frozen=True, slots=True)
class _Plan:
    action: Action
    input: Expression
    result: Contract


class Invoke(Primitive[InvokeFields, _Plan]):
    """Has the effect that its action declares."""

    kind = "invoke"
    summary = "Have a developer's handler do something, where it says that it may be asked."
    gives = "what the action gives"
    effect = "idempotent_write"
    failures = (ACTION_FAILED, RESULT_INVALID, DATA_ERROR, OVER_BUDGET)
    fields = InvokeFields

    def check(self, step: InvokeFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The input must fit the action's contract; what it gives is its result's type."""
        action = scope.resource("/action", "action", step.action)
        value = scope.expression("/input", step.input)
        if not isinstance(action, Action):
            return Broken()
        output = type_of(action.result)
        if value is None or not scope.fit("/input", "C310", value.type, action.input):
            return Broken(output)
        failures = codes_of(value, also=(ACTION_FAILED, RESULT_INVALID)) | set(action.failures)
        plan = _Plan(action, value, Contract(action.result))
        writes = int(action.effect == "idempotent_write")
        return Checked(output, plan, action.effect, failures, Cost(writes=writes), action.label)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Hand it to the handler, and check what it gives."""
        value = await running.evaluate(plan.input)
        result = await running.world.invoke(running.place, plan.action, value, running.done)
        return hold_to(plan.result, result, "what the handler gave")
