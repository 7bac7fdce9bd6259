"""An outside made by chance: answers that keep contracts or break them, failures, people who say no, and kills.

Whatever crosses into it is held to the declared contract by `jsonschema`, and each act is counted. What it finds wrong
stands in `faults`; it never raises for it, so that the program cannot hide it.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from jsonschema import Draft202012Validator
from tests.soundness.shapes import Shape, satisfy, spoil

from tasker_grammar.resources import Action, Endpoint, Event, Table
from tasker_grammar.world import ActionFailed, Answer, Question

Json = Any


class Killed(BaseException):
    """The process died: a new run has only what was durable."""


class Left(BaseException):
    """The run was left, to wait; a new one follows."""


@lru_cache(2_000)
def _validator(text: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(text))


def misfit(shape: Shape, value: Json) -> str | None:
    """What an independent validator finds wrong with a value."""
    error = next(iter(_validator(json.dumps(shape)).iter_errors(value)), None)
    return None if error is None else f"{error.json_path}: {error.message}"[:300]


@dataclass(frozen=True)
class Weather:
    """How often something goes wrong, each from 0 to 1."""

    spoiled: float = 0.0
    failed: float = 0.0
    rejected: float = 0.0
    killed: float = 0.0


@dataclass
class Outside:
    """What outlives a run: what is durable, what was done, and the answers that were given."""

    seed: int
    weather: Weather
    pool: Sequence[Shape] = (True,)
    """What is answered where anything may be."""
    durable: dict[str, Json] = field(default_factory=dict[str, Json])
    effects: dict[str, str] = field(default_factory=dict[str, str])
    answered: dict[str, Any] = field(default_factory=dict[str, Any])
    faults: list[str] = field(default_factory=list[str])
    seen: Counter[str] = field(default_factory=Counter[str])
    runs: int = 0
    clock: float = 1_800_000_000.0

    def begin(self) -> World:
        """The world of a new run."""
        self.runs += 1
        return World(self, copy.deepcopy(self.durable), Random(f"{self.seed}/{self.runs}"))

    def hold(self, what: str, shape: Shape, value: Json) -> None:
        """Hold what crosses to its contract."""
        self.seen["held"] += 1
        if (wrong := misfit(shape, value)) is not None:
            self.faults.append(f"{what} breaks its contract: {wrong}")


@dataclass
class World:
    """The outside as one run sees it."""

    outside: Outside
    recalled: dict[str, Json]
    chance: Random
    dead: bool = False
    calls: int = 0
    writes: int = 0

    async def compute(self, call: Callable[[], Json]) -> Json:
        """What the call gives."""
        return call()

    async def acquire(self, place: str, endpoint: Endpoint, params: Json) -> Json:
        """Any answer, not the same one in each run."""
        self._call("acquire", place)
        self.outside.hold(f"the params of {place}", endpoint.params, params)
        self._fail(
            place, ("RESOURCE_UNAVAILABLE", True), ("TOO_LARGE", False), ("PARAMS_INVALID", False)
        )
        self._die()
        return self._answer(endpoint.result)

    async def persist(
        self, place: str, table: Table, mode: str, rows: list[Json], done: Mapping[str, Json]
    ) -> Json:
        """Write the rows, and make that durable with it."""
        self._call("persist", place)
        for row in rows:
            self.outside.hold(f"a row of {place}", table.row, row)
            self._want(all(name in row for name in table.key), f"a row of {place} has no key")
        self._want(mode in table.modes, f"{place} writes in a mode that its table does not have")
        self._want(len(rows) <= table.max_rows, f"{place} writes more rows than its table takes")
        self._fail(
            place, ("RESOURCE_UNAVAILABLE", True), ("CONFLICT", False), ("CONSTRAINT", False)
        )
        self.writes += 1
        output = {"rows": len(rows), "changed": self.chance.randint(0, len(rows))}
        return self._act(place, [mode, rows], done, output, at_once=table.database is None)

    async def emit(
        self, place: str, event: str, about: Event, key: str | None, payload: Json, done: Mapping[str, Json]
    ) -> Json:  # fmt: skip
        """Send the event, and make that durable with it."""
        self._call("emit", place)
        self.outside.hold(f"the payload of {place}", about.payload, payload)
        self._fail(place, ("RESOURCE_UNAVAILABLE", True), ("CONSTRAINT", False))
        self.writes += 1
        return self._act(
            place, [key, payload], done, {"event_id": f"event of {place}"}, at_once=True
        )

    async def ask(self, place: str, question: Question, done: Mapping[str, Json]) -> Answer:
        """Leave the run, and answer in the next."""
        self._call("ask", place)
        self._want(isinstance(question.title, str), f"{place} asks with a title that is no text")
        if place not in self.outside.answered:
            self._die()
            self.outside.durable.update(copy.deepcopy(dict(done)))
            self.outside.answered[place] = self._person(may_expire=question.timeout is not None)
            self.dead = True
            raise Left(place)
        return self.outside.answered[place]

    async def wait(self, place: str, seconds: float, done: Mapping[str, Json]) -> str:
        """Leave the run, and go on in the next."""
        self._call("wait", place)
        if place not in self.outside.answered:
            self._die()
            self.outside.durable.update(copy.deepcopy(dict(done)))
            self.outside.clock += max(seconds, 0)
            self.outside.answered[place] = "2026-11-30T12:00:00Z"
            self.dead = True
            raise Left(place)
        return self.outside.answered[place]

    async def now(self, place: str) -> float:
        """The time; the same in each run."""
        return self.outside.answered.setdefault(f"now of {place}", self.outside.clock)

    async def invoke(
        self, place: str, action: Action, value: Json, done: Mapping[str, Json]
    ) -> Json:
        """Any result; what writes does so under its place's key."""
        self._call("invoke", place)
        self.outside.hold(f"the input of {place}", action.input, value)
        codes = [(code, False) for code in action.failures]
        self._fail(place, ("ACTION_FAILED", False), *codes)
        if action.effect != "idempotent_write":
            self._die()
            return self._answer(action.result)
        self.writes += 1
        result = self.outside.answered.setdefault(f"result of {place}", self._answer(action.result))
        return self._act(place, value, done, result, at_once=False, keep=False)

    def _call(self, kind: str, place: str) -> None:
        if self.dead:
            raise Killed(place)
        self.calls += 1
        self.outside.seen[kind] += 1
        self._want(place not in self.recalled, f"{place} is done again, though it was made durable")

    def _want(self, true: bool, what: str) -> None:
        if not true:
            self.outside.faults.append(what)

    def _answer(self, shape: Shape) -> Json:
        value = satisfy(
            self.chance, self.chance.choice(self.outside.pool) if shape is True else shape
        )
        if self.chance.random() < self.outside.weather.spoiled:
            value = spoil(self.chance, value)
            self.outside.seen["spoiled"] += 1
        return value

    def _fail(self, place: str, *ways: tuple[str, bool]) -> None:
        if self.chance.random() < self.outside.weather.failed:
            code, retryable = self.chance.choice(ways)
            self.outside.seen["failed"] += 1
            raise ActionFailed(code, "it was made to fail", retryable=retryable, place=place)

    def _person(self, *, may_expire: bool) -> Answer:
        if self.chance.random() < self.outside.weather.rejected:
            expired = may_expire and self.chance.random() < 0.5
            return Answer(False, expired=expired, by="ann", at="2026-11-30T12:00:00Z")
        note = self.chance.choice((None, "fine"))
        return Answer(True, by="ann", note=note, at="2026-11-30T12:00:00Z")

    def _act(
        self, place: str, what: Json, done: Mapping[str, Json], output: Json, *, at_once: bool, keep: bool = True
    ) -> Json:  # fmt: skip
        """One effect, durable at once with what was done; or, where those are two, with a moment between them."""
        self._die()
        if not at_once:
            self.outside.durable.update(copy.deepcopy(dict(done)))
            self._die()
        text = json.dumps(what, sort_keys=True)
        before = self.outside.effects.setdefault(place, text)
        self._want(before == text, f"{place} has another effect than before")
        self.outside.seen["effects"] += 1
        if not at_once:
            self._die()
        self.outside.durable.update(copy.deepcopy(dict(done)))
        if keep:
            self.outside.durable[place] = copy.deepcopy(output)
        self._die()
        return output

    def _die(self) -> None:
        if self.chance.random() < self.outside.weather.killed:
            self.dead = True
            self.outside.seen["killed"] += 1
            raise Killed
