"""`wait`: goes on later. What it may touch is the world it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, model_validator

from tasker_grammar.durations import to_seconds
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
    TIME,
    Duration,
    closed,
    codes_of,
)
from tasker_grammar.type_words import describe
from tasker_grammar.types import Number, String
from tasker_grammar.world import ActionFailed

__all__ = ["Wait", "WaitFields"]

TOO_LONG = Failure("TOO_LONG", "The time to wait for is more than a year away.")
_LONGEST = 366 * 86_400.0


class WaitFields(StepFields):
    """`for`: how long. `until`: a time as RFC 3339 has it, or in seconds since 1970. It waits a year at the most."""

    span: Duration | None = Field(default=None, alias="for")
    until: Source | None = None

    @model_validator(mode="after")
    def _has_one(self) -> WaitFields:
        if (self.span is None) == (self.until is None):
            raise ValueError("a wait has either `for` or `until`")
        if self.span is not None and to_seconds(self.span) > _LONGEST:
            raise ValueError("a wait is of a year at the most")
        return self


@dataclass(frozen=True, slots=True)
class _Plan:
    seconds: float
    until: Expression | None


class Wait(Primitive[WaitFields, _Plan]):
    """Takes no slot of a worker meanwhile."""

    kind = "wait"
    summary = "Go on after some time, or at a time."
    gives = "{at}: the time that it is then"
    effect = "control"
    failures = (TOO_LONG, DATA_ERROR, OVER_BUDGET)
    fields = WaitFields

    def check(self, step: WaitFields, scope: Scope) -> Checked[_Plan] | Broken:
        """A time that data says may be none: then it fails."""
        output = closed(at=TIME)
        if step.until is None:
            return Checked(output, _Plan(to_seconds(step.span or 0), None), self.effect)
        until = scope.expression("/until", step.until)
        if until is None:
            return Broken(output)
        if not isinstance(until.type, String | Number):
            what = "a time is a text, or a number of seconds"
            hint = 'Write it as "2030-01-31T12:00:00Z".'
            scope.report("C311", "/until", what, hint, expected="string", got=describe(until.type))
            return Broken(output)
        failures = codes_of(until, also=(TOO_LONG, DATA_ERROR))
        return Checked(output, _Plan(0, until), self.effect, failures)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Leave the run until then."""
        world, place = running.world, running.place
        seconds = plan.seconds
        if plan.until is not None:
            then = _read(await running.evaluate(plan.until))
            seconds = max(0.0, then - await world.now(place))
            if seconds > _LONGEST:
                raise ActionFailed(TOO_LONG.code, "the time to wait for is more than a year away")
        return {"at": await world.wait(place, seconds, running.done)}


def _read(time: Any) -> float:
    """Seconds since the epoch. Raises ActionFailed with DATA_ERROR."""
    if not isinstance(time, str):
        return float(time)
    try:
        read = datetime.fromisoformat(time)
        at = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        at = math.nan
    if math.isnan(at):
        raise ActionFailed(DATA_ERROR.code, "this is no time as RFC 3339 has it")
    return at
