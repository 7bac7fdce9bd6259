"""The world of a step that runs a composition: what its primitives touch, and what is durable of it. Touches the
database, and through the other modules of this folder what they touch.

Model: what was done is kept in checkpoints of the step. A write to Tasker's own database commits together with its
checkpoint; but not before something else follows in the run, so that the last one commits with the step's completion.
What was done elsewhere is checkpointed behind it, and done again, under its key, by a run that came to die between.
What was read for it is checkpointed before: so it is the same again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from tasker.actions.events import emit
from tasker.actions.http import acquire
from tasker.actions.invoking import invoke
from tasker.actions.outside import Outside
from tasker.actions.tables import Mode, write_rows
from tasker.context import StepContext
from tasker.errors import ApprovalTimedOut, RetryableError
from tasker_grammar.resources import Action, Endpoint, Event, Table
from tasker_grammar.running import Ran, unbroken
from tasker_grammar.world import ActionFailed, Answer, Question

__all__ = ["CHECKPOINTS", "StepWorld"]

Json = Any

CHECKPOINTS = "composition"
"""What the names of a composition's checkpoints begin with. Each is `{"outputs": {place: output}, "times": {place:
seconds}, "answers": {place: answer}, "refused": {question: attempts}, "steps": [[place, kind, state, milliseconds,
code]]}`: what is new since the last.
"""

_LONGEST_NAME = 250
_MOST_STEPS = 500
"""Of how many executions of steps one run tells what became of them."""


class StepWorld:
    """The world of one run. It lives as long as the run, and belongs to it."""

    __slots__ = (
        "_alone", "_answers", "_context", "_done", "_kept", "_last", "_noes", "_outside", "_recalled", "_refused",
        "_steps", "_taken", "_times", "told",
    )  # fmt: skip

    def __init__(self, context: StepContext, outside: Outside) -> None:
        self._context = context
        self._outside = outside
        self._recalled: dict[str, Json] = {}
        self._times: dict[str, float] = {}
        self._answers: dict[str, Json] = {}
        self._refused: dict[
            str, int
        ] = {}  # questions for whose answer the step has failed, and its attempts then
        self._taken: set[str] = set()  # names of checkpoints
        self._noes: dict[str, str] = {}  # by place, questions that were answered no, or not at all
        for name, saved in context.durable.saved.items():
            if name.partition(":")[0] == CHECKPOINTS:
                self._taken.add(name)
                self._recalled |= saved.get("outputs", {})
                self._times |= saved.get("times", {})
                self._answers |= saved.get("answers", {})
                self._refused |= saved.get("refused", {})
        self._kept = {
            "outputs": set(self._recalled),
            "times": set(self._times),
            "answers": set(self._answers),
        }
        self._done: Mapping[str, Json] = {}  # with the last write, which is not committed yet
        self._last = ""  # its place
        self._steps: list[list[Json]] = []
        self.told = 0
        self._alone = asyncio.Lock()

    @property
    def recalled(self) -> Mapping[str, Json]:
        """What earlier runs have made durable, by place."""
        return self._recalled

    def watch(self, ran: Ran) -> None:
        """Note what became of a step, to be kept with the next checkpoint."""
        if self.told < _MOST_STEPS:
            self.told += 1
            self._steps.append([ran.place, ran.kind, ran.state, ran.milliseconds, ran.code])

    async def compute(self, call: Callable[[], Json]) -> Json:
        """What the call gives, while the worker's other steps go on."""
        return await self._outside.compute(call)

    async def acquire(self, place: str, endpoint: Endpoint, params: Json) -> Json:
        """What the endpoint answers."""
        await self._settle()
        outside = self._outside
        return await acquire(outside.web, endpoint, params, outside.secrets, outside.compute)

    async def persist(
        self, place: str, table: Table, mode: str, rows: list[Json], done: Mapping[str, Json]
    ) -> Json:
        """Write the rows: in the step's transaction, or elsewhere and then keep that it was done."""
        async with self._alone:
            await self._commit()
            if table.database is None:
                async with self._context.transaction() as connection:
                    changed = await write_rows(
                        connection, self._outside.shapes, table, cast("Mode", mode), rows
                    )
                output = {"rows": len(rows), "changed": changed}
                self._done, self._last = {**done, place: output}, place
            else:
                await self._keep_read(place, done)
                async with self._outside.databases.connect(table.database) as (connection, shapes):
                    changed = await write_rows(connection, shapes, table, cast("Mode", mode), rows)
                output = {"rows": len(rows), "changed": changed}
                await self._keep(place, {**done, place: output})
            return output

    async def emit(
        self,
        place: str,
        event: str,
        about: Event,
        key: str | None,
        payload: Json,
        done: Mapping[str, Json],
    ) -> Json:
        """Send the event, in the step's transaction."""
        async with self._alone:
            await self._commit()
            context = self._context
            own = f"{context.idempotency_key}:{place}" if key is None else key
            async with context.transaction() as connection:
                event_id = await emit(
                    connection,
                    context.namespace,
                    event,
                    about,
                    own,
                    payload,
                    context.task_id,
                    place,
                )
            output = {"event_id": event_id}
            self._done, self._last = {**done, place: output}, place
            return output

    async def ask(self, place: str, question: Question, done: Mapping[str, Json]) -> Answer:
        """What people have answered; else leave the run. Once a step has failed for a no, its retry asks anew."""
        name = self._question(place)
        await self._keep_before(f"ask:{name}", place, done)
        try:
            answer = self._context.durable.ask_people(
                name,
                question.title,
                question.show,
                None,
                question.approvers,
                question.timeout,
                None,
            )
        except ApprovalTimedOut:
            self._noes[place] = name
            return Answer(approved=False, expired=True)
        if not answer.approved:
            self._noes[place] = name
        saved = self._context.durable.saved[f"ask:{name}"]
        return Answer(answer.approved, by=answer.by, note=answer.reason, at=saved["at"])

    async def wait(self, place: str, seconds: float, done: Mapping[str, Json]) -> str:
        """The time it is, when it has passed; else leave the run."""
        name = _short(place)
        await self._keep_before(f"sleep:{name}", place, done)
        self._context.durable.pause(seconds, name)
        ended = await self.now(f"{place} ended")
        return datetime.fromtimestamp(ended, UTC).isoformat(timespec="microseconds")

    async def now(self, place: str) -> float:
        """The time; kept with what is done next."""
        return self._times.setdefault(place, time.time())

    async def invoke(
        self, place: str, action: Action, value: Json, done: Mapping[str, Json]
    ) -> Json:
        """What the handler gives. One that writes is not run again once it has answered."""
        if place in self._answers:
            return self._answers[place]
        await self._settle()
        if action.effect == "idempotent_write":
            async with self._alone:
                await self._keep_read(place, done)
        key = f"{self._context.idempotency_key}:{place}"
        answer = await invoke(self._outside.actions, action, value, key)
        if action.effect == "idempotent_write":
            async with self._alone:
                self._answers[place] = answer
                await self._keep(place, done)
        return answer

    async def end(self) -> None:
        """Keep what became of the steps; where something was written last, together with that and the completion."""
        if self._steps:
            save = self._save_here if self._context.database.is_open else self._save
            await save(CHECKPOINTS, {"steps": self._steps})

    async def fail(self, failure: ActionFailed) -> None:
        """Commit what was written before the failure, and keep where that was; and for which no it was, if for one."""
        async with self._alone:
            await self._commit()
            if self._steps:
                await self._save(CHECKPOINTS, {"steps": self._steps})
            if question := self._noes.get(failure.place):
                refused = {question: self._context.max_attempts}
                await self._save(f"{CHECKPOINTS}:no:{question}", {"refused": refused})

    def _question(self, place: str) -> str:
        """What a question is called: another name than before, if the step has failed for that one's answer in attempts
        before those that an operator has given it since.
        """
        name, times = _short(place), 1
        while self._refused.get(name, self._context.max_attempts) < self._context.max_attempts:
            times += 1
            name = _short(f"{place}#{times}")
        return name

    async def _keep_before(self, wait: str, place: str, done: Mapping[str, Json]) -> None:
        """Keep what was done before the run leaves for a wait; not where that is over."""
        async with self._alone:
            if wait not in self._context.durable.saved:
                await self._commit()
                await self._keep(place, done)

    async def _settle(self) -> None:
        """Commit what was written, before something slow begins."""
        if self._context.database.is_open:
            async with self._alone:
                await self._commit()

    async def _commit(self) -> None:
        """Commit what was written, together with the checkpoint that says so. When another part of the run fails
        meanwhile, this still ends: what follows may go on without that part, but not without what was written.
        """
        if self._context.database.is_open:
            try:
                await unbroken(self._commit_now())
            except TimeoutError:
                raise RetryableError("what was written could not be committed in time") from None

    async def _commit_now(self) -> None:
        if news := self._news(self._done):  # none where a write has failed
            await self._save_here(self._checkpoint(self._last), news)
        await self._context.database.commit_so_far()
        self._keeps(news)

    async def _keep(self, place: str, done: Mapping[str, Json]) -> None:
        if news := self._news(done):
            await self._save(self._checkpoint(place), news)
            self._keeps(news)

    def _checkpoint(self, place: str) -> str:
        """The name of one more checkpoint: of another name than all before, as it would take the place of one."""
        name, times = f"{CHECKPOINTS}:{_short(place)}", 1
        while name in self._taken:
            times += 1
            name = f"{CHECKPOINTS}:{_short(place)}#{times}"
        self._taken.add(name)
        return name

    async def _keep_read(self, place: str, done: Mapping[str, Json]) -> None:
        """Keep what was read before something is done elsewhere: a run that does it again does the same."""
        if not done.keys() <= self._kept["outputs"]:
            await self._keep(f"{place} begins", done)

    async def _save_here(self, name: str, news: Mapping[str, Json]) -> None:
        if not await self._context.database.save(name, orjson.dumps(news)):
            raise _lost()

    async def _save(self, name: str, news: Mapping[str, Json]) -> None:
        if not await self._context.durable.save(name, orjson.dumps(news), True):
            raise _lost()

    def _news(self, done: Mapping[str, Json]) -> dict[str, Json]:
        """What no checkpoint has yet."""
        now: dict[str, Mapping[str, Json]] = {
            "outputs": done,
            "times": self._times,
            "answers": self._answers,
        }
        news: dict[str, Json] = {}
        for kind, all_of_them in now.items():
            kept = self._kept[kind]
            if new := {place: value for place, value in all_of_them.items() if place not in kept}:
                news[kind] = new
        if news and self._steps:
            news["steps"] = [*self._steps]
        return news

    def _keeps(self, news: Mapping[str, Json]) -> None:
        """A checkpoint has this now."""
        for kind, kept in self._kept.items():
            kept.update(news.get(kind, ()))
        del self._steps[: len(news.get("steps", ()))]


def _short(place: str) -> str:
    """A place as a name that checkpoints and approvals may have."""
    if len(place) <= _LONGEST_NAME:
        return place
    return f"{place[:150]}…{hashlib.sha256(place.encode()).hexdigest()}"


def _lost() -> RetryableError:
    return RetryableError("the lease was lost, so what was done is not kept")
