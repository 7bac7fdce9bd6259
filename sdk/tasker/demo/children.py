"""The demonstration's processes: started together, looked after, and ended together."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasker.cli.supervise import stop_processes
from tasker.demo.failure import DemoFailed

__all__ = ["Child", "check_running", "running_children"]

_GRACE = 5.0
_LINES_OF_LOG = 12


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the demonstration, and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def last_words(self) -> str:
        """Give the end of what it has written."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LINES_OF_LOG:])


@contextmanager
def running_children(
    commands: Mapping[str, Sequence[str]], environment: Mapping[str, str], folder: Path
) -> Generator[Mapping[str, Child]]:
    """Run commands until the block ends, however it does. They write to files in `folder`."""
    children: dict[str, Child] = {}
    try:
        for name, command in commands.items():
            children[name] = _start(name, command, environment, folder / f"{name}.log")
        yield children
    finally:
        _end([child.process for child in children.values()])


def check_running(children: Iterable[Child]) -> None:
    """Raise DemoFailed when one of them has ended."""
    for child in children:
        status = child.process.poll()
        if status is not None:
            raise DemoFailed(f"{child.name} ended with status {status}")


def _start(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
    with log.open("wb") as output:
        # A session of its own: Ctrl-C reaches only the demonstration, which then ends the others.
        process = subprocess.Popen(
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, process, log)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    try:
        stop_processes(processes, _GRACE)
    finally:
        # Reached with some of them alive only by a second Ctrl-C: no more patience then.
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
