"""The one loop of a worker that talks to the queues: it sends outcomes and takes grants, in the same exchange.

Model: handlers run beside the loop and put what they come to into `outcomes`. While one exchange is under way, outcomes
gather for the next, so batches grow with the load and an idle worker answers at once. At most one exchange is open, and
it fills at most half of the slots, so that the other half runs meanwhile. What one has granted is started when the next
one is sent, or when there is none to send, so that the database does not wait for this process.

Touches the database through the two calls it is given, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import psycopg

from tasker import telemetry
from tasker.grant import (
    Definition,
    Grant,
    describe_failure,
    encode_outcomes,
    read_definition,
    read_grants,
)
from tasker.outcome import Completed, Failed, Outcome

__all__ = ["Claimer", "Exchange", "GetDefinitions"]

Json = Any
Answered = tuple[Grant, Outcome]

# One exchange: (outcomes as JSON, how many steps are wanted) -> the database's answer.
Exchange = Callable[[bytes, int], Awaitable[Mapping[str, Json]]]
GetDefinitions = Callable[[Sequence[int]], Awaitable[Sequence[Mapping[str, Json]]]]

_log = logging.getLogger(__name__)

_MOST_OUTCOMES = 1000  # in one exchange, so that a transaction stays short
_REFUSED_WAIT = 2.0  # seconds until the database is asked again after it refused the login
_MOST_BYTES = 32 * 1024 * 1024  # of results, far below what one JSON value in PostgreSQL can hold


@dataclass(slots=True)
class Claimer:
    """The state of the loop. `slots` bounds how many steps run at once; `poll` is the longest idle wait, in seconds."""

    exchange: Exchange
    get_definitions: GetDefinitions
    start: Callable[[Sequence[Grant]], None]
    slots: int
    poll: float
    leases: dict[int, Grant] = field(default_factory=dict[int, Grant])
    outcomes: list[Answered] = field(default_factory=list[Answered])
    running: int = 0
    draining: bool = False
    _definitions: dict[int, Definition] = field(default_factory=dict[int, Definition])
    _granted: Mapping[str, Json] | None = None
    """What the last exchange has granted and is not started yet; it counts as running."""
    _again: float | None = None
    """Seconds after which a limit may let more begin, as the last exchange said."""
    _woken: anyio.Event = field(default_factory=anyio.Event)

    def wake(self, _channel: str, _payload: str) -> None:
        """Have the loop look again now: a notification says that there may be work."""
        self._woken.set()

    def settle(self, grant: Grant, outcome: Outcome) -> None:
        """Take what a started grant came to; it is sent with the next exchange."""
        self.running -= 1
        if isinstance(outcome, Completed) and outcome.committed:
            self.leases.pop(id(grant), None)
        else:
            self.outcomes.append((grant, outcome))
        self._woken.set()

    def drain(self) -> None:
        """Take no more grants, and end once everything that was started is answered."""
        self.draining = True
        self._woken.set()

    async def run(self) -> None:
        """Exchange until drained."""
        quiet = 0
        while self.running or self.outcomes or not self.draining:
            self._woken = anyio.Event()
            want = 0 if self.draining else min(self.slots - self.running, -(-self.slots // 2))
            granted = 0
            if self.outcomes or want > 0:
                try:
                    granted = await self._turn(want)
                except psycopg.errors.InsufficientPrivilege as error:
                    await self._refused(error)
                    continue
            quiet = 0 if granted else quiet + 1
            if self.outcomes or (granted and granted == want):
                continue
            self._start()
            if want > 0:
                poll = min(self.poll, 0.005 * 2 ** min(quiet, 10))
                await self._rest(poll if self._again is None else min(poll, self._again))
            elif self.running:
                await self._rest(None)

    async def _refused(self, error: psycopg.Error) -> None:
        """Wait, when the login may not work any more: nothing is lost, and somebody may give the right back."""
        _log.error(
            "the database refuses this worker (%s): its login needs the role tasker_worker."
            " Will ask again in %g s",
            error.diag.message_primary,
            _REFUSED_WAIT,
        )
        await anyio.sleep(_REFUSED_WAIT)

    async def _rest(self, longest: float | None) -> None:
        with anyio.move_on_after(longest):
            await self._woken.wait()

    async def _turn(self, want: int) -> int:
        """One exchange; returns how many steps were granted."""
        batch = self._batch()
        try:
            answer = await self._send(encode_outcomes(batch), want)
        except psycopg.Error as error:
            if not batch or not _is_refused(error):
                raise
            await self._isolate(batch)
            return 0
        accepted = set(answer["accepted"])
        self._again = answer["again"]
        del self.outcomes[: len(batch)]
        for number, (grant, outcome) in enumerate(batch, 1):
            self.leases.pop(id(grant), None)
            if number not in accepted:
                _log.info(
                    "stale: %s of %s/%s was no longer this worker's",
                    type(outcome).__name__.lower(),
                    grant.task.task_id,
                    grant.definition.name,
                )
        if answer["granted"] is not None:
            await self._learn(answer["granted"])
        self._granted = answer["granted"]
        granted = 0 if self._granted is None else len(self._granted["steps"])
        telemetry.exchanged(len(batch), granted)
        self.running += granted
        return granted

    async def _send(self, outcomes: bytes, want: int) -> Mapping[str, Json]:
        """Exchange, and start what was granted before while that is under way."""
        if self._granted is None:
            return await self.exchange(outcomes, want)
        sent = asyncio.ensure_future(self.exchange(outcomes, want))
        try:
            await asyncio.sleep(0)  # it goes out now
            self._start()
            return await sent
        finally:
            sent.cancel()

    def _start(self) -> None:
        """Start what was granted and is not started yet."""
        granted, self._granted = self._granted, None
        if granted is not None:
            grants = read_grants(granted, self._definitions)
            self.leases.update((id(grant), grant) for grant in grants)
            self.start(grants)

    def _batch(self) -> list[Answered]:
        """As many outcomes as one exchange should carry: at least one, bounded in number and in bytes."""
        size = 0
        for n, (_, outcome) in enumerate(self.outcomes[:_MOST_OUTCOMES]):
            if isinstance(outcome, Completed):
                size += len(outcome.result) + len(outcome.expansion or b"")
            if size > _MOST_BYTES and n > 0:
                return self.outcomes[:n]
        return self.outcomes[:_MOST_OUTCOMES]

    async def _isolate(self, batch: Sequence[Answered]) -> None:
        """Send outcomes one by one, because the database could not store one of them; that one becomes an error."""
        for n, (grant, outcome) in enumerate(batch):
            try:
                await self.exchange(encode_outcomes([(grant, outcome)]), 0)
            except psycopg.Error as error:
                if not _is_refused(error):
                    raise
                refused = describe_failure(
                    "ContractError", f"the database cannot store this outcome: {error}"
                )
                self.outcomes[n] = (grant, Failed(refused))
                await self.exchange(encode_outcomes([self.outcomes[n]]), 0)
            self.leases.pop(id(grant), None)
        del self.outcomes[: len(batch)]

    async def _learn(self, granted: Mapping[str, Json]) -> None:
        """Ask for the definitions that are new in what was granted: now, while no exchange is in the way."""
        unknown = {row["definition_id"] for row in granted["steps"]} - self._definitions.keys()
        if unknown:
            for row in await self.get_definitions(sorted(unknown)):
                definition = read_definition(row)
                self._definitions[definition.definition_id] = definition


def _is_refused(error: psycopg.Error) -> bool:
    """Whether the database could not take what it was given: malformed data, or too much of it (class 54)."""
    return isinstance(error, psycopg.DataError) or (error.sqlstate or "").startswith("54")
