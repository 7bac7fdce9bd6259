"""A place where a process stands: whoever falls there is followed by another. Touches processes, and a folder."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.ledger import append

ROOT = Path(__file__).parents[2]
FAKETIME = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/faketime/libfaketime.so.1"),
)


@dataclass(frozen=True)
class Clock:
    """The wall clock of one process and its children: it is as far from the machine's as a file says.

    The monotonic clock is not touched, as it is not where an administrator, NTP or a resumed machine sets the time.
    """

    file: Path

    def move(self, seconds: float) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+.3f}\n")
        fresh.chmod(0o644)
        fresh.rename(self.file)  # so that nobody reads half of it

    @property
    def environment(self) -> Mapping[str, str]:
        library = find_faketime()
        if library is None:
            return {}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


def find_faketime() -> Path | None:
    return next((path for path in FAKETIME if path.exists()), None)


def make_clock(folder: Path, name: str) -> Clock:
    clock = Clock(folder / f"{name}.clock")
    clock.move(0)
    return clock


class Post:
    """One place; `role` is what stands there, and `name` is its own."""

    def __init__(
        self,
        folder: Path,
        ledger: Path,
        role: str,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self.role = role
        self.name = name
        self.clock = make_clock(folder, name)
        self.log = folder / f"{name}.log"
        self._ledger = ledger
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self._said = 0

    @property
    def said(self) -> str:
        """What the process that stands here now, or stood here last, has logged: the end of it."""
        with self.log.open("rb") as log:
            log.seek(self._said)
            return log.read().decode(errors="replace")[-3000:]

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self._environment}
        environment |= self.clock.environment if self.role != "client" else {}
        with self.log.open("ab") as log:
            self._said = log.tell()
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)
        append(self._ledger, "started", role=self.role, post=self.name, of=self._process.pid)

    def kill(self) -> int:
        """Kill what stands here and wait for its end; whom."""
        assert self._process is not None
        ended, self._process = self._process, None
        ended.kill()
        ended.wait()
        self._frozen = False
        return ended.pid

    def remove(self) -> None:
        """Kill what stands here, if anything does."""
        if self._process is not None:
            self.kill()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self._frozen = False

    def end(self, seconds: float) -> int | None:
        """Ask it to end, and wait; its exit code, or None when it had to be killed."""
        assert self._process is not None
        if self._frozen:
            self.thaw()
        self._signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def fallen(self) -> int | None:
        """The exit code of a process that has ended by itself; None while it runs."""
        return None if self._process is None else self._process.poll()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
