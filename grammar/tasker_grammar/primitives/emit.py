"""`emit`: tells others of something, once for its key. What it may touch is the world it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
    Primitive,
    Running,
    Scope,
    Source,
    StepFields,
)
from tasker_grammar.primitives.parts import (
    CONSTRAINT,
    DATA_ERROR,
    OVER_BUDGET,
    RESOURCE_UNAVAILABLE,
    closed,
    codes_of,
)
from tasker_grammar.resources import Event
from tasker_grammar.types import String

__all__ = ["Emit", "EmitFields"]


class EmitFields(StepFields):
    """`event`: its name. `payload`: as its contract has it. `key`: a text; of events with one key, one is sent.

    Without a key, the event belongs to its step: it is sent once, however often the step is tried.
    """

    event: str
    payload: Source
    key: Source | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    event: Event
    payload: Expression
    key: Expression | None


class Emit(Primitive[EmitFields, _Plan]):
    """Sends an event, delivered through a queue."""

    kind = "emit"
    summary = "Send an event, once for its key."
    gives = "{event_id}"
    effect = "idempotent_write"
    failures = (CONSTRAINT, RESOURCE_UNAVAILABLE, DATA_ERROR, OVER_BUDGET)
    fields = EmitFields

    def check(self, step: EmitFields, scope: Scope) -> Checked[_Plan] | Broken:
        """The payload must fit the event's contract, and the key be a text."""
        output = closed(event_id=String())
        event = scope.resource("/event", "event", step.event)
        payload = scope.expression("/payload", step.payload)
        key = None if step.key is None else scope.expression("/key", step.key)
        if key is not None:
            scope.fit("/key", "C306", key.type, {"type": "string"})
        if not isinstance(event, Event) or payload is None:
            return Broken(output)
        scope.fit("/payload", "C306", payload.type, event.payload)
        failures = codes_of(payload, key, also=(CONSTRAINT, RESOURCE_UNAVAILABLE))
        plan = _Plan(step.event, event, payload, key)
        return Checked(output, plan, self.effect, failures, Cost(writes=1))

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Send it."""
        payload = await running.evaluate(plan.payload)
        key = None if plan.key is None else await running.evaluate(plan.key)
        return await running.world.emit(
            running.place, plan.name, plan.event, key, payload, running.done
        )
