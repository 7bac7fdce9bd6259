"""What running a composition needs of the outside: an interface, and the failures that cross it. Pure.

`sdk/tasker/actions` implements it for steps of tasks; simulations and tests do so with made-up answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tasker_grammar.resources import Action, Endpoint, Event, Table

__all__ = ["ActionFailed", "Answer", "Compute", "Question", "World"]

Json = Any

Compute = Callable[[Callable[[], Json]], Awaitable[Json]]
"""Makes a long computation, and gives what it gives, or raises what it raises."""


class ActionFailed(Exception):
    """A step failed in a way that its primitive declares: `code` is one of those, in capitals.

    `place` is the step's, as in "each[3].fetched". `retryable`: whether another attempt may help, not before
    `retry_after` seconds. The message is stored and shown: it holds no secret.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        place: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.place = place


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked at a gate. `timeout`: seconds until the gate gives up."""

    title: str
    show: Json
    approvers: tuple[str, ...]
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `expired`: nobody answered in time. `at` is in UTC, as RFC 3339 has it."""

    approved: bool
    expired: bool = False
    by: str | None = None
    note: str | None = None
    at: str | None = None


class World(Protocol):
    """The outside, for one run. A place names one execution of one step: "fetched", or "each[3].fetched".

    What has been done must not be done again when a run begins anew after a crash. So whatever acts is given `done`,
    the outputs so far of the steps that are not pure, by place; when it returns, `done` and its own output under its
    place are durable, and the next run's `recalled` has them. A read need not be durable by itself. Each may raise
    ActionFailed.
    """

    @property
    def recalled(self) -> Mapping[str, Json]:
        """What earlier runs have made durable, by place."""
        ...

    async def compute(self, call: Callable[[], Json]) -> Json:
        """What the call gives, which computes long and touches nothing: so that others go on meanwhile."""
        ...

    async def acquire(self, place: str, endpoint: Endpoint, params: Json) -> Json:
        """What the endpoint answers, not yet held to its contract."""
        ...

    async def persist(
        self, place: str, table: Table, mode: str, rows: list[Json], done: Mapping[str, Json]
    ) -> Json:
        """Write the rows, all or none, and give `{"rows": how many there were, "changed": how many were changed}`."""
        ...

    async def emit(
        self,
        place: str,
        event: str,
        about: Event,
        key: str | None,
        payload: Json,
        done: Mapping[str, Json],
    ) -> Json:
        """Send an event, once for its key (by default the step's own), and give `{"event_id": text}`."""
        ...

    async def ask(self, place: str, question: Question, done: Mapping[str, Json]) -> Answer:
        """What people answer. While nobody has, the run is left, and begins anew with the answer."""
        ...

    async def wait(self, place: str, seconds: float, done: Mapping[str, Json]) -> str:
        """Go on after this time; the time it is then, as RFC 3339 has it. The run is left meanwhile."""
        ...

    async def now(self, place: str) -> float:
        """The time, in seconds since the epoch; the same in each run, for one place."""
        ...

    async def invoke(
        self, place: str, action: Action, value: Json, done: Mapping[str, Json]
    ) -> Json:
        """What a developer's handler gives, not yet held to its contract."""
        ...
