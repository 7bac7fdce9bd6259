"""A child that is kept: started, talked with, started again. Touches processes; asyncio only.

Model: at most one child lives at a time. A run waits for a child that is ready and has room, and comes to an outcome,
or to `Lost` when its child ended. It has no task: a call tells its end. Steps that were lost together run alone the
next time, so that one which kills children takes the others with it only once. A run that is left keeps its place in
the child until that has answered; a child that does not answer in time is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tasker_ffi_bridge.host import HostSession, Ready
from tasker_ffi_bridge.life import End, Life, Refused, Run, Services
from tasker_ffi_bridge.messages import CancelReason, Execute, Initialized
from tasker_ffi_bridge.process import start_child

__all__ = ["Bridge", "BridgeError"]

_FIRST_BACKOFF = 0.1  # seconds
_LONGEST_BACKOFF = 30.0
_STEADY = 10.0  # seconds after which a child that dies is one that had worked
_PATIENCE = 5.0  # seconds that a run waits for a child to come back
_LAST_WAIT = 1.0  # seconds that a child has to end when its output has
_LAST_WORDS = 0.2  # seconds for the end of a dead child's log
_FIRST_STARTS = 3  # of a child that is killed before it has begun; then something kills them all
_KILLS = {-signal.SIGKILL, -signal.SIGTERM}  # what others send: it says nothing of the child

_log = logging.getLogger("tasker.bridge")


class BridgeError(Exception):
    """A child cannot be used: it does not start, or does not speak the protocol.

    The message has what it wrote to its standard error, the first lines and the last.
    """


@dataclass(frozen=True, slots=True)
class _Death:
    """Why a child ended, what it said last, and whether somebody else has killed it."""

    why: str
    words: Sequence[str] = ()
    killed: bool = False


class Bridge:
    """Runs handlers in a child. Use it as an async context manager; entering waits until the child is ready.

    `command` starts the child. `origin`: where its handlers are, for people; the command by default.
    `grace`: seconds that a cancelled run has to answer, and the child to leave.
    Entering raises BridgeError when the child does not become ready.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        origin: str | None = None,
        worker: str = "tasker",
        environment: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        self.name = name or command[0].rpartition("/")[2]
        self.origin = origin or " ".join(command)
        self._command = tuple(command)
        self._worker = worker
        self._environment = dict(environment or {})
        self._grace = grace
        self._life: Life | None = None
        self._waiting: dict[Run, asyncio.TimerHandle] = {}
        """For a child, each until its timer is over."""
        self._keeping: asyncio.Task[None] | None = None
        self._child: Initialized | None = None
        self._runs = 0
        self._suspects: set[str] = set()
        self.restarts = 0

    @property
    def child(self) -> Initialized:
        """What the present child, or the last one, has said of itself."""
        assert self._child is not None
        return self._child

    @property
    def process_id(self) -> int | None:
        """The present child's process id; None while there is none that is ready."""
        return None if self._life is None else self._life.process.process.pid

    async def __aenter__(self) -> Self:
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
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
        try:
            if self._life is not None and kind is None:
                await self._life.drain()
        finally:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
            for run in list(self._waiting):
                self._refuse(run)

    def new_run(self) -> str:
        """A name for a run that no other run of this bridge has."""
        self._runs += 1
        return f"{self.name}:{self._runs}"

    def begin(self, execute: Execute, services: Services, ended: Callable[[End], None]) -> Run:
        """Run a handler in the child, when that has room. `ended` is told what it came to, once, perhaps at once."""
        run = Run(execute, services, ended)
        if self._life is None:
            self._wait(run)
        else:
            self._life.enter(run)
        return run

    def leave(self, run: Run, reason: CancelReason) -> None:
        """Nobody waits for the run's end any more: it is not begun, or cancelled in the child."""
        run.awaited = False
        if run in self._waiting:
            self._waiting.pop(run).cancel()
        elif self._life is not None:
            self._life.leave(run, reason)

    def _wait(self, run: Run) -> None:
        timer = asyncio.get_running_loop().call_later(_PATIENCE, self._refuse, run)
        self._waiting[run] = timer

    def _refuse(self, run: Run) -> None:
        self._waiting.pop(run).cancel()
        run.end(Refused(f"{self.name} is not running just now"))

    async def _keep(self, first: asyncio.Future[None]) -> None:
        """Let one child live after the other."""
        backoff = _FIRST_BACKOFF
        while True:
            began = time.monotonic()
            death = await self._live(first)
            again = death.killed and self.restarts + 1 < _FIRST_STARTS
            if not first.done() and not again:
                first.set_exception(BridgeError("\n".join([death.why, *death.words])))
                return
            if time.monotonic() - began > _STEADY:
                backoff = _FIRST_BACKOFF
            told = f"{self.name} {death.why}; starting it again in {backoff:g} s"
            _log.warning("%s", "\n".join([told, *death.words]))
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)
            self.restarts += 1

    async def _live(self, first: asyncio.Future[None]) -> _Death:
        """One child's life."""
        try:
            process = await start_child(self.name, self._command, self._environment)
        except OSError as error:
            return _Death(f"cannot be started: {error}")
        life = Life(process, HostSession(self._worker), self._suspects, self._grace)
        tasks = [
            asyncio.create_task(each)
            for each in (process.carry_log(), process.write(), life.watch())
        ]
        try:
            process.put(life.session.initialize())
            await self._listen(life, first)
            if self._part_from(life) == "ended" and not await process.ends_within(_LAST_WAIT):
                life.over = "closed its standard output"
        finally:
            self._part_from(life)
            process.kill()
            status = await process.process.wait()
            await asyncio.wait(tasks[:1], timeout=_LAST_WORDS)
            for task in tasks:
                task.cancel()
            process.process.close()
            why = _explain(life, status)
            for run in life.bury(why):
                self._wait(run)
        return _Death(why, _unsaid(life), life.over == "ended" and status in _KILLS)

    def _part_from(self, life: Life) -> str:
        """From here on runs wait for the next child. Why it is over."""
        life.over = life.over or "ended"
        if self._life is life:
            self._life = None
        return life.over

    async def _listen(self, life: Life, first: asyncio.Future[None]) -> None:
        """Take what the child says until it ends, also where something that it has started holds its output open."""
        reading = asyncio.create_task(self._read(life, first))
        ending = asyncio.create_task(life.process.process.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                life.process.kill()  # what is left of its group
            done, _ = await asyncio.wait((reading,), timeout=_LAST_WORDS)
            for task in done:
                task.result()
        finally:
            reading.cancel()
            ending.cancel()

    async def _read(self, life: Life, first: asyncio.Future[None]) -> None:
        async for lines in life.process.lines(life.session.message_bytes):
            for line in lines:
                event = life.session.receive(line)
                if isinstance(event, Ready):
                    self._begin(life, event.child, first)
                elif event is not None:
                    life.take(event)
                if life.over is not None:
                    return

    def _begin(self, life: Life, child: Initialized, first: asyncio.Future[None]) -> None:
        self._child = child
        life.begin(child)
        self._life = life
        waiting, self._waiting = self._waiting, {}
        for run, timer in waiting.items():
            timer.cancel()
            life.enter(run)
        if not first.done():
            first.set_result(None)


def _explain(life: Life, status: int) -> str:
    """How a child came to its end."""
    if life.over != "ended":
        return life.over or ""
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def _unsaid(life: Life) -> list[str]:
    """What of a child's last words is not in our log already, as each line is of one that has begun."""
    said = [f"it said {life.said}"] if life.said else []
    if life.session.child is not None and _log.isEnabledFor(logging.INFO):
        return said
    return [*said, *life.process.last_words.lines()]
