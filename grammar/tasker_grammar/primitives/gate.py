"""`gate`: goes on when a person has approved. What it may touch is the world it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

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
    Ties,
)
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, TIME, Duration, codes_of
from tasker_grammar.types import Boolean, Null, Object, String, Union
from tasker_grammar.types import Field as TypeField
from tasker_grammar.world import ActionFailed, Answer, Question

__all__ = ["Gate", "GateFields"]

REJECTED = Failure("REJECTED", "A person said no.")
EXPIRED = Failure("EXPIRED", "Nobody answered in time.")

_YES = Object(
    {
        "approved": TypeField(Boolean(True)),
        "by": TypeField(Union(frozenset({String(), Null()}))),
        "at": TypeField(TIME),
        "note": TypeField(String(), required=False),
    }
)
_ANSWER = Object({**_YES.fields, "approved": TypeField(Boolean()), "expired": TypeField(Boolean())})


class GateFields(StepFields):
    """`title`: a line that says what is asked. `show`: what is shown with it. `approvers`: people and roles that may
    answer; none named: anybody. `timeout`: how long there is for it; without one, as long as it takes. `on_no`: fail;
    or give, the answer, whatever it is, and then the gate guards nothing.
    """

    title: Source
    show: Source | None = None
    approvers: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    timeout: Duration | None = None
    on_no: Literal["fail", "give"] = "fail"


@dataclass(frozen=True, slots=True)
class _Plan:
    title: Expression
    show: Expression | None
    approvers: tuple[str, ...]
    timeout: float | None
    fails: bool


class Gate(Primitive[GateFields, _Plan]):
    """Asks people, and ends in a failure unless one approves."""

    kind = "gate"
    summary = "Wait until a person approves."
    gives = "{approved: true, by, at, note?}; with on_no give {approved, expired, by, at, note?}"
    effect = "human"
    failures = (REJECTED, EXPIRED, DATA_ERROR, OVER_BUDGET)
    fields = GateFields

    def check(self, step: GateFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The title must be a text whatever the data."""
        title = scope.expression("/title", step.title)
        show = None if step.show is None else scope.expression("/show", step.show)
        fails = step.on_no == "fail"
        output = _YES if fails else _ANSWER
        if title is None or (show is None and step.show is not None):
            return Broken(output)
        if not scope.fit("/title", "C304", title.type, {"type": "string"}):
            return Broken(output)
        timeout = None if step.timeout is None else to_seconds(step.timeout)
        own = () if not fails else (REJECTED,) if timeout is None else (REJECTED, EXPIRED)
        plan = _Plan(title, show, step.approvers, timeout, fails)
        return Checked(output, plan, self.effect, codes_of(title, show, also=own))

    def ties(self, step: GateFields) -> Ties:
        """What waits for it runs only when a person has approved; unless a no is given on."""
        return Ties(guards=step.on_no == "fail")

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Ask, and leave the run until there is an answer."""
        title = await running.evaluate(plan.title)
        show = None if plan.show is None else await running.evaluate(plan.show)
        question = Question(title, show, plan.approvers, plan.timeout)
        answer = await running.world.ask(running.place, question, running.done)
        if plan.fails and not answer.approved:
            raise _failure(answer)
        at = answer.at or _text(await running.world.now(running.place))
        given = {"approved": answer.approved, "by": answer.by, "at": at}
        note = {} if answer.note is None else {"note": answer.note}
        return {**given, **note} if plan.fails else {**given, "expired": answer.expired, **note}


def _failure(answer: Answer) -> ActionFailed:
    if answer.expired:
        return ActionFailed(EXPIRED.code, "nobody answered in time")
    by = f" by {answer.by}" if answer.by else ""
    why = f": {answer.note}" if answer.note else ""
    return ActionFailed(REJECTED.code, f"rejected{by}{why}")


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()
