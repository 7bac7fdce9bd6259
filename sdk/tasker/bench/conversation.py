"""Executors as processes, and what is said with them (see `load`). Touches processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter, ValidationError

from tasker.bench.load import Done, Order, Ready, Unsupported, said
from tasker.errors import InvalidStateError

__all__ = ["Conversation", "Executor", "in_ruby", "in_typescript", "ours", "raw_pgmq", "running"]

_LINES_OF_LOG = 15


@dataclass(frozen=True, slots=True)
class Executor:
    """An engine, and the command that runs loads on it (see `load`).

    `share` is the part of a scenario's tasks that it is given, so that a slow one is done in a time like the others'.
    """

    name: str
    command: tuple[str, ...]
    share: float = 1.0


ours = Executor("tasker", (sys.executable, "-m", "tasker.bench.executor"))
in_ruby = Executor("tasker_ruby", (*ours.command, "ruby"))
in_typescript = Executor("tasker_typescript", (*ours.command, "typescript"))
raw_pgmq = Executor("raw_pgmq", (sys.executable, "-m", "tasker.bench.raw_pgmq"))


@dataclass(frozen=True, slots=True)
class Conversation:
    """What is said with an executor."""

    executor: Executor
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    output: IO[bytes]
    log: Path

    def tell(self, what: Order | Mapping[str, str]) -> None:
        """Say a line to it."""
        line = TypeAdapter[Order | Mapping[str, str]](Order | Mapping[str, str]).dump_json(what)
        try:
            self.input.write(line + b"\n")
            self.input.flush()
        except BrokenPipeError:
            raise self.failure("it ended") from None

    def hear(self) -> Ready | Unsupported | Done:
        """Wait for its next line."""
        line = self.output.readline()
        if not line:
            raise self.failure("it ended")
        try:
            return said.validate_json(line)
        except ValidationError:
            raise self.failure(f"it said {line.decode(errors='replace').strip()!r}") from None

    def failure(self, what: str) -> InvalidStateError:
        """The error that says what went wrong, with the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG:]
        return InvalidStateError(
            f"the executor of {self.executor.name} failed: {what}",
            "\n".join(["Its log ends:", *lines]),
        )


@contextmanager
def running(executor: Executor, log: Path) -> Generator[Conversation]:
    """Start an executor; at the block's end it is told to leave by the end of its input, and waited for."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            executor.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        conversation = Conversation(executor, process, process.stdin, process.stdout, log)
        yield conversation
        process.stdin.close()
        if process.wait(60) != 0:
            raise conversation.failure(f"it left with status {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
