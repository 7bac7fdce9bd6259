"""`gate`: goes on when a person has approved. What it may touch is the world it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

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
)
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, TIME, Duration, codes_of
from tasker_grammar.types import Boolean, Null, Object, String, Union
from tasker_grammar.types import Field as TypeField
from tasker_grammar.world import ActionFailed, Question

__all__ = ["Gate", "GateFields"]

REJECTED = Failure("REJECTED", "A person said no.")
EXPIRED = Failure("EXPIRED", "Nobody answered in time.")

_ANSWER = Object(
    {
        "approved": TypeField(Boolean(True)),
        "by": TypeField(Union(frozenset({String(), Null()}))),
        "at": TypeField(TIME),
        "note": TypeField(String(), required=False),
    }
)


class GateFields(StepFields):
    """`title`: a line that says what is asked. `show`: what is shown with it. `approvers`: people and roles that may
    answer; none named: anybody. `timeout`: how long there is for it; without one, as long as it takes.
    """

    title: Source
    show: Source | None = None
    approvers: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    timeout: Duration | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    title: Expression
    show: Expression | None
    approvers: tuple[str, ...]
    timeout: float | None


class Gate(Primitive[GateFields, _Plan]):
    """Asks people, and ends in a failure unless one approves."""

    kind = "gate"
    summary = "Wait until a person approves."
    effect = "human"
    failures = (REJECTED, EXPIRED, DATA_ERROR, OVER_BUDGET)
    fields = GateFields

    def check(self, step: GateFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The title must be a text whatever the data."""
        title = scope.expression("/title", step.title)
        show = None if step.show is None else scope.expression("/show", step.show)
        if title is None or (show is None and step.show is not None):
            return Broken(_ANSWER)
        if not scope.fit("/title", "C304", title.type, {"type": "string"}):
            return Broken(_ANSWER)
        timeout = None if step.timeout is None else to_seconds(step.timeout)
        own = (REJECTED,) if timeout is None else (REJECTED, EXPIRED)
        plan = _Plan(title, show, step.approvers, timeout)
        return Checked(_ANSWER, plan, self.effect, codes_of(title, show, also=own))

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Ask, and leave the run until there is an answer."""
        title = running.evaluate(plan.title)
        show = None if plan.show is None else running.evaluate(plan.show)
        question = Question(title, show, plan.approvers, plan.timeout)
        answer = await running.world.ask(running.place, question, running.done)
        note = {} if answer.note is None else {"note": answer.note}
        if answer.expired:
            raise ActionFailed(EXPIRED.code, "nobody answered in time")
        if not answer.approved:
            by = f" by {answer.by}" if answer.by else ""
            raise ActionFailed(
                REJECTED.code, f"rejected{by}" + "".join(f": {n}" for n in note.values())
            )
        at = answer.at or _text(await running.world.now(running.place))
        return {"approved": True, "by": answer.by, "at": at, **note}


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat()
