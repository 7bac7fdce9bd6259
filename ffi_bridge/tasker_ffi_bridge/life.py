"""One child, from its start to its end: what runs in it, and what waits for a place. Touches its process; asyncio only.

Model: a run stands in line, is sent when it has its place, or all of them, and keeps that until the child has answered,
also when nobody waits for the answer any more. Lines go out, places go to others, and runs are told of their ends as
answers are read: a run has no task of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

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
    CancelReason,
    Checkpoint,
    ErrorCode,
    Execute,
    Initialized,
    Log,
    Outcome,
    Progress,
    StartTask,
)
from tasker_ffi_bridge.process import ChildProcess

__all__ = ["End", "Life", "Lost", "Refused", "Run", "Services", "Unacceptable", "Unsendable"]

_START_LIMIT = 30.0  # seconds
_PING_EVERY = 10.0
_PING_LIMIT = 30.0
_LAST_WAIT = 1.0

_log = logging.getLogger("tasker.bridge")


class Unacceptable(Exception):
    """What a run asked for can never be done: asking again would not help."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The child ended while it ran this."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The child would not run it."""

    why: str


@dataclass(frozen=True, slots=True)
class Unsendable:
    """What it is given makes no message, or one that is too long: it can never run here."""

    why: str


End = Outcome | Lost | Refused | Unsendable
"""What a run came to."""


class Services(Protocol):
    """What a run can ask of the worker while it is open. False, or None, says that the lease was lost.

    A call raises Unacceptable for what can never be done; anything else that it raises may pass.
    """

    def progress(self, progress: Progress, /) -> None:
        """Note how far it has come."""
        ...

    async def checkpoint(self, checkpoint: Checkpoint, /) -> bool:
        """Save something for later runs of the step; whether it is stored."""
        ...

    async def start_task(self, task: StartTask, /) -> str | None:
        """Start a child task, or find it; its id."""
        ...

    def log(self, log: Log, /) -> None:
        """Take a line of the log that knows its run."""
        ...


@dataclass(slots=True, eq=False)
class Run:
    """A run that is in a child, or in line for it. `places`: how many it takes there."""

    execute: Execute
    services: Services
    ended: Callable[[End], None]
    places: int = 1
    awaited: bool = True
    """Whether somebody still waits for its end."""

    @property
    def key(self) -> str:
        """What its step has on each attempt."""
        return self.execute["step"]["idempotency_key"]

    def end(self, came_to: End) -> None:
        """Tell its end to whoever waits for it."""
        if self.awaited:
            self.awaited = False
            self.ended(came_to)


class Life:
    """One child's. `suspects` are the keys of steps that may have killed one; a step that ends is none any more.

    `grace`: seconds that a cancelled run has to answer, and the child to leave.
    """

    def __init__(
        self, process: ChildProcess, session: HostSession, suspects: set[str], grace: float
    ) -> None:
        self.process = process
        self.session = session
        self.over: str | None = None
        """Why the child has ended, or must. It is stored, so nothing of what the child said is in it."""
        self.said = ""
        """What it said that broke the protocol; empty when nothing did."""
        self._suspects = suspects
        self._grace = grace
        self._places = 0
        self._free = 0
        self._line: deque[Run] = deque()
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_pong = time.monotonic()
        self._drained = asyncio.Event()

    def begin(self, child: Initialized) -> None:
        """The child is ready for runs."""
        self.process.begin()
        self._places = self._free = child.concurrency

    def enter(self, run: Run) -> None:
        """Have it stand in line: a suspect for all places, so that it runs alone."""
        run.places = self._places if self._suspects and run.key in self._suspects else 1
        self._line.append(run)
        self._advance()

    def leave(self, run: Run, reason: CancelReason) -> None:
        """Nobody waits for the run any more: ask it to stop, and end the child when it does not answer in time."""
        name = run.execute["run"]
        if self.over is not None:
            return
        if name not in self._runs:
            self._advance()  # it stood in line, perhaps before others
            return
        self.process.put(self.session.cancel(name, reason))

        async def insist() -> None:
            await asyncio.sleep(self._grace)
            if name in self._runs:
                self.end(f"a cancelled run did not stop within {self._grace:g} s")

        self._beside(insist())

    def take(self, event: Event) -> None:
        """Do what a line of the child's asks for, once it is ready."""
        match event:
            case Ended(name, outcome):
                if self._suspects:
                    self._suspects.discard(self._runs[name].key)
                self._settle(name, outcome)
            case GaveBack(name, why):
                self._settle(name, Refused(why))
            case Asked():
                services = self._runs[event.what.run].services  # the run may end with the next line
                self._beside(self._answer(event, services))
            case Progressed(progress):
                self._runs[progress.run].services.progress(progress)
            case Logged(log) if log.run in self._runs:
                self._runs[log.run].services.log(log)
            case Logged(log):
                level = logging.getLevelNamesMapping()[log.level.upper()]
                fields = {"fields": log.fields} if log.fields else None
                _log.log(level, "%s: %s", self.process.name, log.message, extra=fields)
            case Ponged():
                self._last_pong = time.monotonic()
            case Drained():
                self._drained.set()
            case Send(line):
                self.process.put(line)
            case Noticed(what):
                _log.warning("%s: %s", self.process.name, what)
            case Broken(why, said):
                self.said = said
                self.end(f"broke the protocol: {why}")
            case Ready():
                raise AssertionError("the host's session lets a child begin once")
            case _:
                assert_never(event)

    async def watch(self) -> None:
        """End a child that does not become ready, or does not answer any more."""
        started = time.monotonic()
        while self.session.child is None:
            await asyncio.sleep(0.05)
            if time.monotonic() - started > _START_LIMIT:
                self.end(f"did not answer initialize within {_START_LIMIT:g} s")
                return
        self._last_pong = time.monotonic()
        while self.session.child.ping:
            await asyncio.sleep(_PING_EVERY)
            if time.monotonic() - self._last_pong > _PING_LIMIT:
                self.end(f"did not answer for {_PING_LIMIT:g} s")
                return
            self.process.put(self.session.ping())

    def end(self, why: str) -> None:
        """Kill the child."""
        self.over = self.over or why
        self.process.kill()

    async def drain(self) -> None:
        """Ask the child to leave; who ends its life kills it when it stays."""
        self.process.put(self.session.shutdown(self._grace))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                await self._drained.wait()
        self.over = "was told to leave"
        self.process.close_input()
        await self.process.ends_within(_LAST_WAIT)

    def bury(self, why: str) -> list[Run]:
        """The child is dead, and its runs are lost. Those that had no place yet are for the next one."""
        for task in self._tasks:
            task.cancel()
        if len(self._runs) > 1:
            self._suspects.update(run.key for run in self._runs.values())
        for run in self._runs.values():
            run.end(Lost(why))
        return [run for run in self._line if run.awaited]

    def _advance(self) -> None:
        """Send what there is room for, in the order in which it came."""
        while self._line and self.over is None:
            run = self._line[0]
            if run.awaited:
                if run.places > self._free:
                    return
                self._send(run)
            self._line.popleft()

    def _send(self, run: Run) -> None:
        try:
            line = self.session.execute(run.execute)
        except ValueError as error:
            run.end(Unsendable(str(error)))
            return
        self._free -= run.places
        self._runs[run.execute["run"]] = run
        self.process.put(line)

    def _settle(self, name: str, came_to: Outcome | Refused) -> None:
        """Tell a run's end, and give its places to others."""
        run = self._runs.pop(name)
        run.end(came_to)
        self._free += run.places
        self._advance()

    async def _answer(self, asked: Asked, services: Services) -> None:
        """Do what a run has asked for, and answer it. The run may have ended without waiting for that."""
        session, what = self.session, asked.what
        try:
            match what:
                case Checkpoint():
                    done: Any = await services.checkpoint(what)
                    result = {"saved": done}
                case StartTask():
                    done = await services.start_task(what)
                    result = {"task_id": done}
        except Unacceptable as error:
            line = session.refuse(asked.id, ErrorCode.BAD_PARAMS, str(error))
        except Exception as error:
            if what.run in session.open_runs:
                _log.warning("%s: a %s failed: %s", self.process.name, type(what).__name__, error)
                line = session.refuse(asked.id, ErrorCode.FAILED, str(error))
            else:
                line = session.refuse(asked.id, ErrorCode.NO_RUN, f"run {what.run} is over")
        else:
            if done or what.run in session.open_runs:
                line = session.answer(asked.id, result)
            else:
                line = session.refuse(asked.id, ErrorCode.NO_RUN, f"run {what.run} is over")
        self.process.put(line)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside, and hold on to it until it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
