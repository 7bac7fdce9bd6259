"""A child process on a string: its lines, its log, its death. Touches processes; asyncio only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["ChildProcess", "LastWords", "start_child"]

_CHUNK = 256 * 1024
_BUFFER = 64 * 1024  # bytes of a pipe, above which asyncio reads no further until they are taken
_LONGEST_LOG_LINE = 10_000
_FIRST_WORDS = (
    10  # lines of the log that an error shows: of a child that does not begin, the first ones too
)
_LAST_WORDS = 10
_MOST_HELD = 1000  # lines of a child that has not begun

_log = logging.getLogger("tasker.bridge")


class _Watch(SubprocessStreamProtocol):
    """Knows of the process's own end."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.over = asyncio.Event()

    def process_exited(self) -> None:
        """Called by the loop."""
        super().process_exited()
        self.over.set()


class _Process(Process):
    """A process whose end is its own: asyncio's waits for its pipes too, which what it has started may hold open."""

    def __init__(
        self,
        transport: asyncio.SubprocessTransport,
        watch: _Watch,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, watch, loop)
        self._pipes = transport
        self._watch = watch

    async def wait(self) -> int:
        """Its status, once it has ended; negative when a signal ended it."""
        await self._watch.over.wait()
        assert self.returncode is not None
        return self.returncode

    def close(self) -> None:
        """Let go of its pipes, and end it where it runs."""
        stdin = self._pipes.get_pipe_transport(0)
        if isinstance(stdin, asyncio.WriteTransport) and not stdin.is_closing():
            stdin.abort()  # to close it would wait until all is read
        self._pipes.close()


@dataclass(slots=True)
class LastWords:
    """The lines of a child's log that say why it ended; of one that did not begin also the first ones."""

    _first: list[str] = field(default_factory=list[str])
    _last: deque[str] = field(default_factory=lambda: deque[str](maxlen=_LAST_WORDS))
    _said: int = 0
    _begun: bool = False

    def add(self, line: str) -> None:
        """Take a line."""
        self._said += 1
        if self._begun or len(self._first) >= _FIRST_WORDS:
            self._last.append(line)
        else:
            self._first.append(line)

    def begin(self) -> None:
        """The child has begun: what it said until now does not say why it ends."""
        self._begun = True
        self._said = 0
        self._first.clear()
        self._last.clear()

    def lines(self) -> list[str]:
        """What is kept, and how many lines are left out where some are."""
        between = self._said - len(self._first) - len(self._last)
        left_out = [f"… {between} lines …"] if between and self._first else []
        return [*self._first, *left_out, *self._last]


@dataclass(slots=True)
class ChildProcess:
    """A child that runs. What is put into it leaves in one write for all that has gathered."""

    name: str
    process: _Process
    last_words: LastWords = field(default_factory=LastWords)
    _held: list[str] | None = field(default_factory=list[str])
    """What it wrote before it had begun: that is for the error, should it not begin."""
    _outbox: list[bytes] = field(default_factory=list[bytes])
    _has_mail: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, line: bytes) -> None:
        """Send a line soon."""
        self._outbox.append(line)
        self._has_mail.set()

    def close_input(self) -> None:
        """Tell the child to leave: its standard input ends."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        """End the child and what it has started, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def ends_within(self, seconds: float) -> bool:
        """Wait for its end, but not for longer; whether it came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.process.wait()
        return self.process.returncode is not None

    async def write(self) -> None:
        """Write what was put, until the child no longer reads."""
        assert self.process.stdin is not None
        with contextlib.suppress(ConnectionError):
            while True:
                await self._has_mail.wait()
                self._has_mail.clear()
                lines, self._outbox = self._outbox, []
                self.process.stdin.write(b"".join(lines))
                await self.process.stdin.drain()

    async def lines(self, most: int) -> AsyncGenerator[list[bytes]]:
        """The lines that the child writes, as many at a time as have come. One above `most` bytes comes unfinished."""
        assert self.process.stdout is not None
        rest: list[bytes] = []
        size = 0
        while chunk := await self.process.stdout.read(_CHUNK):
            head, feed, tail = chunk.rpartition(b"\n")
            if feed:
                yield b"".join([*rest, head]).split(b"\n")
                rest, size = [], 0
            rest.append(tail)
            size += len(tail)
            if size > most:
                yield [b"".join(rest)]
                return
        if any(rest):
            yield [b"".join(rest)]

    async def carry_log(self) -> None:
        """Carry the lines of the child's standard error into our log."""
        assert self.process.stderr is not None
        while True:
            try:
                line = await self.process.stderr.readuntil()
            except asyncio.IncompleteReadError as end:
                line = end.partial
                if not line:
                    return
            except asyncio.LimitOverrunError as overrun:
                line = await self.process.stderr.read(overrun.consumed or _LONGEST_LOG_LINE)
            text = line.decode(errors="replace").rstrip()[:_LONGEST_LOG_LINE]
            self.last_words.add(text)
            if self._held is None:
                _log.info("%s: %s", self.name, text)
            else:
                self._held.append(text)
                if len(self._held) >= _MOST_HELD:
                    self._log_held()

    def begin(self) -> None:
        """The child has begun: from now on its log is carried as it comes."""
        self.last_words.begin()
        self._log_held()

    def _log_held(self) -> None:
        held, self._held = self._held or [], None
        for text in held:
            _log.info("%s: %s", self.name, text)


async def start_child(
    name: str, command: Sequence[str], environment: Mapping[str, str]
) -> ChildProcess:
    """Start a child in a process group of its own. Raises OSError when there is no such program."""
    loop = asyncio.get_running_loop()
    transport, watch = await loop.subprocess_exec(
        lambda: _Watch(_BUFFER, loop),
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    return ChildProcess(name, _Process(transport, watch, loop))
