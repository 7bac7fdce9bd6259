"""A world of made-up answers, for trying compositions and for tests. No I/O; it remembers what was done in it.

What the outside answers is given by place: "fetched", "each[3].fetched", or for all items alike "each.fetched". What
has an obvious answer need not be given: writes succeed, events get an id, people approve, and time passes at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from tasker_grammar.resources import Action, Endpoint, Event, Table
from tasker_grammar.world import ActionFailed, Answer, Question

__all__ = ["Act", "Crashed", "Moment", "SimulatedWorld", "Unanswered"]

Json = Any
Moment = Literal["before", "between", "after"]

_INDEX = re.compile(r"\[\d+\]")
_BEGIN = 1_767_225_600.0  # 2026-01-01
_NOTHING = object()


class Unanswered(LookupError):
    """No answer was given for a step that needs one. `place` is the step's."""

    def __init__(self, place: str) -> None:
        super().__init__(f"no result is given for {place}, and nobody knows what it would answer")
        self.place = place


class Crashed(BaseException):
    """The process died here, as far as the simulation goes: a new run has only what was durable."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something done outside: at which place, of which kind, with what. `times`: how often it took effect."""

    place: str
    kind: Literal["persist", "emit", "invoke", "ask", "wait"]
    what: Json
    times: int = 1


def _never(_moment: Moment, _place: str) -> bool:
    return False


@dataclass(slots=True)
class SimulatedWorld:
    """Answers from `results`; `{"$fail": {"code", "message", "retryable"}}` stands for a failure.

    To a gate the result is `{"approved", "by", "note"}` or `{"expired": true}`. `crashes` is asked around each act
    whether the process dies there: before it (reads too); between its effect and its becoming durable, where those are
    two; or after it. A new run with the same world is what follows a crash.
    """

    results: Mapping[str, Json] = field(default_factory=dict[str, Json])
    crashes: Callable[[Moment, str], bool] = _never
    time: float = _BEGIN
    recalled: dict[str, Json] = field(default_factory=dict[str, Json])
    acts: dict[str, Act] = field(default_factory=dict[str, Act])
    """What was done, by place."""
    reads: dict[str, int] = field(default_factory=dict[str, int])
    """How often was read, by place."""
    answered: dict[str, Json] = field(default_factory=dict[str, Json])
    """What people, the clock and handlers have said, by place: a run that asks again is told the same."""
    sent: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """The ids of events, by event and key."""

    async def compute(self, call: Callable[[], Json]) -> Json:
        """What the call gives."""
        return call()

    async def acquire(self, place: str, endpoint: Endpoint, params: Json) -> Json:
        """The result that is given for the place."""
        self._crash("before", place)
        self.reads[place] = self.reads.get(place, 0) + 1
        return self._answer(place)

    async def persist(
        self, place: str, table: Table, mode: str, rows: list[Json], done: Mapping[str, Json]
    ) -> Json:
        """The result that is given, or that all rows were changed."""
        what = {"table": table.table, "mode": mode, "rows": rows}
        usual = {"rows": len(rows), "changed": len(rows)}
        return self._act(place, "persist", what, usual, done, at_once=table.database is None)

    async def emit(
        self,
        place: str,
        event: str,
        about: Event,
        key: str | None,
        payload: Json,
        done: Mapping[str, Json],
    ) -> Json:
        """The result that is given, or an id that is the event's and the key's own."""
        of = (event, place if key is None else key)
        usual = {"event_id": self.sent.setdefault(of, str(uuid5(NAMESPACE_OID, "/".join(of))))}
        what = {"event": event, "key": key, "payload": payload}
        return self._act(place, "emit", what, usual, done, at_once=True)

    async def ask(self, place: str, question: Question, done: Mapping[str, Json]) -> Answer:
        """The answer that is given, or yes."""
        usual = {"approved": True, "by": "somebody", "note": None, "expired": False}
        what = {"title": question.title, "show": question.show}
        given = self._act(place, "ask", what, usual, done, at_once=True, keep=False)
        answer = self.answered.setdefault(place, {"approved": False, **given, "at": self._clock()})
        return Answer(
            approved=answer["approved"] is True,
            expired=answer.get("expired", False),
            by=answer.get("by"),
            note=answer.get("note"),
            at=answer["at"],
        )

    async def wait(self, place: str, seconds: float, done: Mapping[str, Json]) -> str:
        """The time it is after this time."""
        if place not in self.answered:
            self.time += max(seconds, 0)
        at = self.answered.setdefault(place, self._clock())
        self._act(place, "wait", {"seconds": seconds}, None, done, at_once=True, keep=False)
        return at

    async def now(self, place: str) -> float:
        """The time that it is made up to be."""
        return self.answered.setdefault(f"now:{place}", self.time)

    async def invoke(
        self, place: str, action: Action, value: Json, done: Mapping[str, Json]
    ) -> Json:
        """The result that is given for the place."""
        if action.effect != "idempotent_write":
            self._crash("before", place)
            self.reads[place] = self.reads.get(place, 0) + 1
            return self._answer(place)
        what = {"handler": action.handler, "input": value}
        # Not kept as the step's output: that it is only when it was held to its contract.
        given = self._act(place, "invoke", what, _NOTHING, done, at_once=False, keep=False)
        return self.answered.setdefault(place, given)

    def _act(
        self,
        place: str,
        kind: Literal["persist", "emit", "invoke", "ask", "wait"],
        what: Json,
        usual: Json,
        done: Mapping[str, Json],
        *,
        at_once: bool,
        keep: bool = True,
    ) -> Json:
        self._crash("before", place)
        output = self._answer(place, usual)
        before = self.acts.get(place)
        again = before is not None and _same(before.what, what)
        if before is None:
            self.acts[place] = Act(place, kind, what)
        elif not again:  # the same key, and something else: that is a second effect
            self.acts[place] = Act(place, kind, what, before.times + 1)
        if not at_once:
            self._crash("between", place)
        self.recalled.update(done)
        if keep:
            self.recalled[place] = output
        self._crash("after", place)
        return output

    def _answer(self, place: str, usual: Json = _NOTHING) -> Json:
        for name in (place, _INDEX.sub("", place)):
            if name in self.results:
                answer = self.results[name]
                if _is_failure(answer):
                    raise _failure(answer["$fail"])
                return answer
        if usual is _NOTHING:
            raise Unanswered(place)
        return usual

    def _crash(self, moment: Moment, place: str) -> None:
        if self.crashes(moment, place):
            raise Crashed(f"{moment} {place}")

    def _clock(self) -> str:
        return datetime.fromtimestamp(self.time, UTC).isoformat().replace("+00:00", "Z")


def _same(one: Json, other: Json) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_failure(answer: Json) -> bool:
    return isinstance(answer, Mapping) and "$fail" in answer


def _failure(told: Mapping[str, Any]) -> ActionFailed:
    return ActionFailed(
        str(told.get("code", "RESOURCE_UNAVAILABLE")),
        str(told.get("message", "as the simulation was told")),
        retryable=bool(told.get("retryable", False)),
        retry_after=told.get("retry_after"),
    )
