"""A child that is kept: started, talked with, watched, started again. Touches processes; asyncio only.

Model: at most one child lives at a time. A run waits for a child that is ready and has room, and comes to an outcome,
or to `Lost` when its child ended. Steps that were lost together run alone the next time, so that one which kills
children takes the others with it only once. A run that is cancelled keeps its place in the child until that has
answered; a child that does not answer in time is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, assert_never

from tasker_ffi_bridge.host import (
    Asked,
    Broken,
    Drained,
    Ended,
    Event,
    GaveBack,
    HostSession,
    Logged,
    Noticed,
    Ponged,
    Progressed,
    Ready,
    Send,
)
from tasker_ffi_bridge.messages import (
    Checkpoint,
    ErrorCode,
    Execute,
    Initialized,
    Log,
    Outcome,
    Progress,
    StartTask,
)
from tasker_ffi_bridge.process import ChildProcess, start_child

__all__ = ["Bridge", "BridgeError", "Lost", "Refused", "Services", "Unacceptable"]

_FIRST_BACKOFF = 0.1  # seconds
_LONGEST_BACKOFF = 30.0
_STEADY = 10.0  # seconds after which a child that dies is one that had worked
_START_LIMIT = 30.0
_PING_EVERY = 10.0
_PING_LIMIT = 30.0
_PATIENCE = 5.0  # seconds that a run waits for a child to come back
_LAST_WAIT = 1.0
_LAST_WORDS = 0.2  # seconds for the end of a dead child's log

_log = logging.getLogger("tasker.bridge")


class Unacceptable(Exception):
    """What a run asked for can never be done: asking again would not help."""


class BridgeError(Exception):
    """A child cannot be used: it does not start, or does not speak the protocol. The message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The child ended while it ran this."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The child would not run it."""

    why: str


@dataclass(frozen=True, slots=True)
class Services:
    """What a run can ask of the worker while it is open. False, or None, says that the lease was lost.

    A call raises Unacceptable for what can never be done; anything else that it raises may pass. `log` takes the
    lines of the log that know their run.
    """

    progress: Callable[[Progress], None]
    checkpoint: Callable[[Checkpoint], Awaitable[bool]]
    start_task: Callable[[StartTask], Awaitable[str | None]]
    log: Callable[[Log], None]


@dataclass(slots=True)
class _Run:
    key: str  # of its step, the same on each attempt
    places: int
    services: Services
    ended: asyncio.Future[Outcome | Lost | Refused]


@dataclass(slots=True)
class _Life:
    """One child, from its start to its death."""

    process: ChildProcess
    session: HostSession
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    runs: dict[str, _Run] = field(default_factory=dict[str, _Run])
    over: str | None = None
    """Why the child has ended, or must."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    last_pong: float = field(default_factory=time.monotonic)
    drained: asyncio.Event = field(default_factory=asyncio.Event)


class Bridge:
    """Runs handlers in a child. Use it as an async context manager; entering waits until the child is ready.

    `command` starts the child. `grace`: seconds that a cancelled run has to answer, and the child to leave.
    Entering raises BridgeError when the child does not become ready.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        worker: str = "tasker",
        environment: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        self.name = name or command[0].rpartition("/")[2]
        self._command = tuple(command)
        self._worker = worker
        self._environment = dict(environment or {})
        self._grace = grace
        self._life: asyncio.Future[_Life] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._child: Initialized | None = None
        self._runs = 0
        self._suspects: set[str] = set()
        self._alone = asyncio.Lock()
        self.restarts = 0

    @property
    def child(self) -> Initialized:
        """What the present child, or the last one, has said of itself."""
        assert self._child is not None
        return self._child

    @property
    def process_id(self) -> int | None:
        """The present child's process id; None while there is none that is ready."""
        if self._life is None or not self._life.done():
            return None
        return self._life.result().process.process.pid

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._life = loop.create_future()
        first: asyncio.Future[None] = loop.create_future()
        self._keeping = asyncio.create_task(self._keep(first), name=f"bridge {self.name}")
        await first
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._keeping is not None
        assert self._life is not None
        try:
            if self._life.done() and kind is None:
                await self._drain(self._life.result())
        finally:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping

    def new_run(self) -> str:
        """A name for a run that no other run of this bridge has."""
        self._runs += 1
        return f"{self.name}:{self._runs}"

    async def run(self, execute: Execute, services: Services) -> Outcome | Lost | Refused:
        """Run a handler in the child, when that has room.

        When the caller is cancelled, the run in the child is too. Raises ValueError when the message would be too long.
        """
        while True:
            life = await self._find_life()
            if life is None:
                return Refused(f"{self.name} is not running just now")
            places = await self._take_places(life, execute.step.idempotency_key)
            if life.over is None:
                break
            _leave_places(life, places)
        try:
            line = life.session.execute(execute)
        except ValueError:
            _leave_places(life, places)
            raise
        ended: asyncio.Future[Outcome | Lost | Refused] = asyncio.get_running_loop().create_future()
        life.runs[execute.run] = _Run(execute.step.idempotency_key, places, services, ended)
        life.process.put(line)
        try:
            return await ended
        except asyncio.CancelledError:
            if life.over is None and execute.run in life.runs:
                self._give_up(life, execute.run)
            raise

    async def _take_places(self, life: _Life, key: str) -> int:
        """Wait for a place, or for all of them, when the step may be what killed a child; how many it has."""
        if key not in self._suspects:
            await life.room.acquire()
            return 1
        async with self._alone:
            taken = 0
            try:
                while taken < self.child.concurrency:
                    await life.room.acquire()
                    taken += 1
            except asyncio.CancelledError:
                _leave_places(life, taken)
                raise
        return taken

    async def _find_life(self) -> _Life | None:
        """The child that is ready, or will be soon; None when there is none for some time."""
        assert self._life is not None
        if self._life.done():
            return self._life.result()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.shield(self._life)
        return None

    def _give_up(self, life: _Life, run: str) -> None:
        """Ask a run to stop, and kill the child when it does not answer in time."""
        life.process.put(life.session.cancel(run, "cancelled"))

        async def insist() -> None:
            await asyncio.sleep(self._grace)
            if run in life.runs:
                self._end(life, f"a cancelled run did not stop within {self._grace:g} s")

        _keep_task(life.tasks, insist())

    async def _keep(self, first: asyncio.Future[None]) -> None:
        """Let one child live after the other."""
        backoff = _FIRST_BACKOFF
        while True:
            began = time.monotonic()
            why = await self._live(first)
            if not first.done():
                first.set_exception(BridgeError(why))
                return
            if time.monotonic() - began > _STEADY:
                backoff = _FIRST_BACKOFF
            _log.warning("%s %s; starting it again in %g s", self.name, why, backoff)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)
            self.restarts += 1

    async def _live(self, first: asyncio.Future[None]) -> str:
        """One child's life; why it ended."""
        assert self._life is not None
        try:
            process = await start_child(self.name, self._command, self._environment)
        except OSError as error:
            return f"cannot be started: {error}"
        life = _Life(process, HostSession(self._worker))
        beside = [process.write(), process.carry_log(), self._watch(life)]
        tasks = [asyncio.create_task(each) for each in beside]
        try:
            process.put(life.session.initialize())
            await self._listen(life, first)
        finally:
            life.over = life.over or "ended"
            if self._life.done():  # from here on runs wait for the next one
                self._life = asyncio.get_running_loop().create_future()
            process.kill()
            status = await process.process.wait()
            await asyncio.wait(tasks[1:2], timeout=_LAST_WORDS)
            for task in (*tasks, *life.tasks):
                task.cancel()
            why = _explain(life, status)
            if len(life.runs) > 1:
                self._suspects.update(run.key for run in life.runs.values())
            for run in list(life.runs):
                _settle(life, run, Lost(why))
        return why

    async def _listen(self, life: _Life, first: asyncio.Future[None]) -> None:
        async for lines in life.process.lines(life.session.message_bytes):
            for line in lines:
                for event in life.session.receive(line):
                    self._take(life, event, first)
                if life.over is not None:
                    return

    def _take(self, life: _Life, event: Event, first: asyncio.Future[None]) -> None:
        match event:
            case Ready(child):
                self._child = child
                life.room = asyncio.Semaphore(child.concurrency)
                assert self._life is not None
                self._life.set_result(life)
                if not first.done():
                    first.set_result(None)
            case Ended(run, outcome):
                self._suspects.discard(life.runs[run].key)
                _settle(life, run, outcome)
            case GaveBack(run, why):
                _settle(life, run, Refused(why))
            case Asked():
                services = life.runs[
                    event.what.run
                ].services  # now: the run may end with the next line
                _keep_task(life.tasks, self._answer(life, event, services))
            case Progressed(progress):
                life.runs[progress.run].services.progress(progress)
            case Logged(log) if log.run in life.runs:
                life.runs[log.run].services.log(log)
            case Logged(log):
                level = logging.getLevelNamesMapping()[log.level.upper()]
                fields = {"fields": log.fields} if log.fields else None
                _log.log(level, "%s: %s", self.name, log.message, extra=fields)
            case Ponged():
                life.last_pong = time.monotonic()
            case Drained():
                life.drained.set()
            case Send(line):
                life.process.put(line)
            case Noticed(what):
                _log.warning("%s: %s", self.name, what)
            case Broken(why):
                self._end(life, f"broke the protocol: {why}")
            case _:
                assert_never(event)

    async def _answer(self, life: _Life, asked: Asked, services: Services) -> None:
        """Do what a run has asked for, and answer it."""
        session = life.session
        try:
            match asked.what:
                case Checkpoint():
                    result: Any = {"saved": await services.checkpoint(asked.what)}
                case StartTask():
                    result = {"task_id": await services.start_task(asked.what)}
        except Unacceptable as error:
            life.process.put(session.refuse(asked.id, ErrorCode.BAD_PARAMS, str(error)))
        except Exception as error:
            _log.warning("%s: a %s failed: %s", self.name, type(asked.what).__name__, error)
            life.process.put(session.refuse(asked.id, ErrorCode.FAILED, str(error)))
        else:
            life.process.put(session.answer(asked.id, result))

    async def _watch(self, life: _Life) -> None:
        """End a child that does not become ready, or does not answer any more."""
        started = time.monotonic()
        while life.session.child is None:
            await asyncio.sleep(0.05)
            if time.monotonic() - started > _START_LIMIT:
                self._end(life, f"did not answer initialize within {_START_LIMIT:g} s")
                return
        life.last_pong = time.monotonic()
        while life.session.child.ping:
            await asyncio.sleep(_PING_EVERY)
            if time.monotonic() - life.last_pong > _PING_LIMIT:
                self._end(life, f"did not answer for {_PING_LIMIT:g} s")
                return
            life.process.put(life.session.ping())

    def _end(self, life: _Life, why: str) -> None:
        life.over = life.over or why
        life.process.kill()

    async def _drain(self, life: _Life) -> None:
        """Ask the child to leave; it is killed when it stays."""
        life.process.put(life.session.shutdown(self._grace))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await life.drained.wait()
        life.over = "was told to leave"
        life.process.close_input()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WAIT):
                await life.process.process.wait()


def _settle(life: _Life, run: str, came_to: Outcome | Lost | Refused) -> None:
    """Hand a run's end to whoever waits for it, if anybody still does, and give its places to others."""
    over = life.runs.pop(run)
    if not over.ended.done():
        over.ended.set_result(came_to)
    _leave_places(life, over.places)


def _leave_places(life: _Life, places: int) -> None:
    for _ in range(places):
        life.room.release()


def _keep_task(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Run something beside, and hold on to it until it is done."""
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _explain(life: _Life, status: int) -> str:
    """What became of a child, with the end of its log."""
    if life.over != "ended":
        why = life.over or ""
    elif status < 0:
        why = f"was ended by signal {-status}"
    else:
        why = f"ended with status {status}"
    return "\n".join([why, *life.process.last_words]) if life.process.last_words else why
