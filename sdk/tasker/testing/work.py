"""Runs real workers, one at a time, until nothing is left that can run now. Touches the database and runs handlers.

Model: the worker is held at its one door to the database. An exchange that brought nothing, while no handler runs and
no outcome waits, is at rest: it is not answered until the test wants to go on. So rest is known and not waited for,
and while the test looks nothing moves. A worker that a fault kills is followed by another.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, cast

import anyio
import orjson

from tasker.binding import BoundHandler
from tasker.claimer import Exchange
from tasker.errors import DefinitionError
from tasker.executor import Running
from tasker.outcome import Completed, Outcome
from tasker.seams import CommitStep, RunStep, Seams
from tasker.testing.calls import Call, record_run
from tasker.testing.faults import Ask, Faults, Strike, break_run, break_save, break_start, names_of
from tasker.worker import Worker
from tasker_orchestration.scheduler import fire_due

__all__ = ["Work", "working"]

Json = Any
Lease = tuple[int, int, int]


@dataclass(slots=True)
class Work:
    """A worker that is held at rest. `make` makes one with the seams it is given."""

    ask: Ask
    make: Callable[[Seams], Worker]
    faults: Faults
    calls: list[Call]
    patience: float
    _held: set[Lease] = field(default_factory=set[Lease])
    _running: list[str] = field(default_factory=list[str])
    _life: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _rested: anyio.Event = field(default_factory=anyio.Event)
    _go: anyio.Event = field(default_factory=anyio.Event)
    _commits: int = 0
    _stopping: bool = False
    _worker: Worker | None = None

    async def rest(self) -> None:
        """Let the worker run until nothing can run now. Leases that a dead worker left run out by moving the clock.

        Raises TimeoutError when that takes longer than the patience, in real seconds.
        """
        while True:
            await self._run_to_rest()
            if not await self.ask("select tasker_testing.lease_end() is not null", []):
                return
            await self.move()

    async def move(self, longest: timedelta | None = None) -> timedelta | None:
        """Move the clock to when the next thing may be due, at most so far; how far it moved."""
        return await self.ask("select tasker_testing.move(%s)", [longest])

    async def moved(self) -> timedelta:
        """How far the clock was moved in all."""
        return await self.ask("select moved from tasker_testing.clock", [])

    async def crash(self) -> None:
        """Have the worker die as it stands. Does not return."""
        self._life.cancel()
        await anyio.sleep_forever()

    async def run(self) -> None:
        """Run workers, one after the other died, until stopped."""
        while not self._stopping:
            self._held.clear()
            self._running.clear()
            self._worker = self.make(self._seams())
            with anyio.CancelScope() as self._life:
                await self._worker.run()

    def stop(self) -> None:
        """Let the worker that is at rest end in order."""
        self._stopping = True
        if self._worker is not None:
            self._worker.stop()
        self._go.set()

    async def _run_to_rest(self) -> None:
        self._rested = anyio.Event()
        self._go.set()
        with anyio.move_on_after(self.patience) as waiting:
            await self._rested.wait()
        if waiting.cancelled_caught:
            running = ", ".join(self._running) or "nothing"
            raise TimeoutError(
                f"not at rest after {self.patience:g} s; still running: {running}."
                " Time in a handler is real: replace what waits there"
            )

    def _seams(self) -> Seams:
        strike = Strike(self.faults, self.ask, self.crash)
        return Seams(
            exchange=partial(self._hold, strike),
            run=lambda inner: break_run(strike, record_run(self.calls, strike, self._watch(inner))),
            save=partial(break_save, strike),
            start=partial(break_start, strike),
            commit=partial(self._note_commit, strike),
        )

    def _watch(self, inner: RunStep) -> RunStep:
        """Run handlers, and know which are running."""

        async def run(running: Running, handler: BoundHandler) -> Outcome:
            name = running.grant.step_name
            self._running.append(name)
            outcome = await inner(running, handler)
            self._running.remove(name)
            return outcome

        return run

    def _note_commit(self, strike: Strike, inner: CommitStep) -> CommitStep:
        """Commit with what the handler wrote, and know that the lease is gone."""

        async def commit(running: Running, done: Completed) -> Outcome:
            outcome = await inner(running, done)
            if isinstance(outcome, Completed) and outcome.committed:
                self._held.discard(_lease(running.grant.lease()))
                self._commits += 1
                await strike.crash_at("commit", names_of(running.grant))
            return outcome

        return commit

    def _hold(self, strike: Strike, inner: Exchange) -> Exchange:
        """Exchange with the database, and hold the worker when it is at rest."""

        async def exchange(outcomes: bytes, want: int) -> Json:
            while True:
                sent: list[Json] = orjson.loads(outcomes)
                commits = self._commits
                answer = await self._exchange(strike, inner, outcomes, sent, want)
                granted: list[Json] = answer["granted"]["steps"] if answer["granted"] else []
                await self._set_deadlines(granted)
                self._held.difference_update(map(_lease, sent))
                self._held.update(map(_lease, granted))
                # What was committed meanwhile may have made ready what this exchange did not see.
                moved_on = self._commits != commits
                if sent or self._held or moved_on or want == 0 or self._stopping:
                    return answer
                if await self._upkeep():
                    continue
                self._go = anyio.Event()
                self._rested.set()
                await self._go.wait()
                if self._stopping:
                    return answer

        return exchange

    async def _set_deadlines(self, granted: list[Json]) -> None:
        """Handlers compare deadlines with the machine's clock, so theirs are on it."""
        limited = [step for step in granted if step["deadline"] is not None]
        if limited:
            moved = await self.moved()
            for step in limited:
                step["deadline"] -= moved.total_seconds()

    async def _upkeep(self) -> bool:
        """What an orchestrator would do now; whether anything came of it."""
        timers = await self.ask("select tasker.promote_due(1000)", [])
        started = await self.ask("select tasker.release_fires(100)", [])
        schedules = await self.ask("select tasker.due_schedules(100)", [])
        decided = [await fire_due(self.ask, due) for due in schedules["due"]]
        return timers["fired"] > 0 or started > 0 or any(decided)

    async def _exchange(
        self, strike: Strike, inner: Exchange, outcomes: bytes, sent: list[Json], want: int
    ) -> Json:
        for outcome in sent:
            _refuse_missing(outcome)
        armed = any(fault.point in ("commit", "lose_reply") for fault in self.faults.armed)
        names = [await self._names(outcome) for outcome in sent] if armed else []
        answer = await inner(outcomes, want)
        for each in names:
            await strike.crash_at("commit", each)
        lost = [each for each in names if strike.at("lose_reply", each)]
        if lost:
            await self.ask("select tasker_testing.drop_connections()", [])
            return await inner(outcomes, want)
        return answer

    async def _names(self, outcome: Json) -> list[str]:
        """By what names a fault may mean the step of an outcome."""
        place = [outcome["task_id"], outcome["step_no"]]
        return await self.ask("select tasker_testing.names_of_step(%s, %s)", place)


def _lease(row: Json) -> Lease:
    return row["queue_id"], row["msg_id"], row["read_ct"]


def _refuse_missing(outcome: Json) -> None:
    """Say at once that the step cannot run here: a real worker would leave it to another, again and again."""
    if outcome["outcome"] != "release":
        return
    match outcome["error"]:
        case {"type": "HandlerMissing", "message": message}:
            raise DefinitionError(
                f"{message}. Register it, as in tasker.register(workflow, handler),"
                " or put another in its place with tasker.replace(name, function)"
            )
        case {"type": "ResourcesMissing", "message": message}:
            raise DefinitionError(
                f"{message}\nGive them, as in Workflow(..., resources=...) or"
                " tasker.register(resources=...); actions, as in tasker.register(template, action)"
            )
        case _:
            pass


@asynccontextmanager
async def working(work: Work) -> AsyncGenerator[Work]:
    """Run workers beside the block. What one of them raises is raised here."""
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work.run)
            yield work
            work.stop()
    except BaseExceptionGroup as group:
        raise _only(group) from None


def _only(error: BaseException) -> BaseException:
    """The one error of a group; the group, when there are several."""
    while isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        if len(group.exceptions) != 1:
            return group
        (error,) = group.exceptions
    return error
