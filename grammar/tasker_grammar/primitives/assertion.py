"""`assert`: fails unless something holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

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
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, closed, codes_of, condition
from tasker_grammar.types import Boolean
from tasker_grammar.world import ActionFailed

__all__ = ["Assert", "AssertFields"]

ASSERTION_FAILED = Failure(
    "ASSERTION_FAILED", "What must hold does not. A step may give it a code of its own."
)


class AssertFields(StepFields):
    """`that`: what must hold. `code`, `message`: what the failure is, if it does not."""

    that: Source
    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z_]{0,59}$")] = ASSERTION_FAILED.code
    message: Annotated[str, Field(max_length=1_000)] = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    that: Expression
    code: str
    message: str


class Assert(Primitive[AssertFields, _Plan]):
    """Goes on if a condition is true, and else ends in a failure."""

    kind = "assert"
    summary = "Fail, with a code, unless a condition is true."
    gives = "{passed: true}"
    effect = "pure"
    failures = (ASSERTION_FAILED, DATA_ERROR, OVER_BUDGET)
    fields = AssertFields

    def check(self, step: AssertFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The condition must be a boolean whatever the data."""
        output = closed(passed=Boolean(True))
        that = condition(scope, "/that", step.that, "what an assert holds")
        if that is None:
            return Broken(output)
        message = step.message or f"this does not hold: {step.that}"
        failures = codes_of(that) | {step.code}
        return Checked(output, _Plan(that, step.code, message), self.effect, failures)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Evaluate the condition."""
        if not await running.evaluate(plan.that):
            raise ActionFailed(plan.code, plan.message)
        return {"passed": True}
