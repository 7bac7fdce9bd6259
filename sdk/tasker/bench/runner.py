"""Runs a load on an engine: starts its executor, meters the database and the executor, and makes the record.

Touches the database and processes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from psycopg import Connection
from pydantic import TypeAdapter, ValidationError

from tasker.bench.load import Done, Load, Order, Ready, Unsupported, said
from tasker.bench.meter import (
    Counters,
    count_finished_tasks,
    describe_machine,
    describe_server,
    find_local_server,
    read_counters,
    read_executor_cpu,
    read_executor_memory,
)
from tasker.bench.record import Cost, Record, percentiles
from tasker.bench.shapes import count_steps
from tasker.errors import InvalidStateError
from tasker_sql.connection import Database

__all__ = ["Executor", "ours", "raw_pgmq", "run_beside_raw_pgmq", "run_load"]

_LINES_OF_LOG = 15


@dataclass(frozen=True, slots=True)
class Executor:
    """An engine, and the command that runs loads on it (see `load`)."""

    name: str
    command: tuple[str, ...]


ours = Executor("tasker", (sys.executable, "-m", "tasker.bench.executor"))
raw_pgmq = Executor("raw_pgmq", (sys.executable, "-m", "tasker.bench.raw_pgmq"))


def run_load(
    executor: Executor, database: Database, load: Load, *, scenario: str, run: int = 1
) -> Record:
    """Run a load once on one engine, in a process of its own.

    Raises InvalidStateError when the executor ends, or says what is not in the protocol, with the end of its log.
    """
    server = find_local_server(database)
    with tempfile.TemporaryDirectory() as folder, database.connect() as connection:
        record = Record(
            scenario,
            executor.name,
            run,
            versions={},
            settings=_settings(load),
            server=describe_server(connection),
            machine=describe_machine(),
            taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
            finished_tasks_before=count_finished_tasks(connection),
        )
        with _running(executor, Path(folder) / "log") as conversation:
            conversation.tell(Order(database.conninfo, load))
            match conversation.hear():
                case Unsupported(why):
                    return replace(record, unsupported=why)
                case Ready(versions, settings):
                    record = replace(
                        record, versions=versions, settings={**record.settings, **settings}
                    )
                case Done():
                    raise conversation.failure("it said that it is done before it was ready")
            done, metered = _meter(conversation, connection, server)
        return _fill_in(record, load, done, metered, read_counters(connection, server))


def run_beside_raw_pgmq(database: Database, load: Load, scenario: str) -> Record:
    """Run a load on this engine, then as many messages through a bare loop of pgmq; the record has the ratio."""
    record = run_load(ours, database, load, scenario=scenario)
    raw = run_load(raw_pgmq, database, load, scenario=scenario)
    if raw.unsupported is not None:
        return record
    return replace(record, raw_pgmq_rate=raw.rate, ratio=round(record.rate / raw.rate, 3))


def _settings(load: Load) -> dict[str, Any]:
    """What is told to every executor, as the record shows it."""
    settings = TypeAdapter(Load).dump_python(load, mode="json", exclude={"shapes", "tasks"})
    return settings | {"shapes": sorted({shape.name for shape in load.shapes})}


@dataclass(frozen=True, slots=True)
class _Metered:
    """The counters before a run and right after it; what the executor's processes used in between."""

    before: Counters
    after: Counters
    client_cpu: float
    client_memory_mb: float


def _meter(
    conversation: _Conversation, connection: Connection, server: int | None
) -> tuple[Done, _Metered]:
    process = conversation.process.pid
    with _watching_memory(process) as memory:
        before, client = read_counters(connection, server), read_executor_cpu(process)
        conversation.tell({"kind": "go"})
        done = conversation.hear()
        after, client = (
            read_counters(connection, server),
            read_executor_cpu(process) - client,
        )
    if not isinstance(done, Done):
        raise conversation.failure(f"it said {done} where it should be done")
    return done, _Metered(before, after, client, max(memory))


@contextmanager
def _watching_memory(process: int) -> Generator[list[float]]:
    """Look at what a process family holds, a few times a second; the figures gather in the list."""
    seen = [read_executor_memory(process)]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            seen.append(read_executor_memory(process))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _fill_in(record: Record, load: Load, done: Done, metered: _Metered, left: Counters) -> Record:
    tasks = load.tasks
    steps = sum(count_steps(load.shapes[n % len(load.shapes)]) for n in range(tasks))
    each = max(steps, 1)  # without tasks: in all
    before, after = metered.before, metered.after
    cpu = None
    if before.cpu is not None and after.cpu is not None:
        cpu = round(1e6 * (after.cpu - before.cpu) / each, 1)
    statements = None
    if before.statements is not None and left.statements is not None:
        statements = round((left.statements - before.statements) / each, 3)
    return replace(
        record,
        tasks=tasks,
        steps=steps,
        seconds=round(done.seconds, 4),
        rate=round(steps / done.seconds, 1),
        task_rate=round(tasks / done.seconds, 1),
        cost=Cost(
            database_cpu_us=cpu,
            client_cpu_us=round(1e6 * metered.client_cpu / each, 1),
            commits=round((left.commits - before.commits) / each, 3),
            wal_bytes=round((after.wal - before.wal) / each, 1),
            statements=statements,
            client_memory_mb=round(metered.client_memory_mb, 1),
        ),
        submit_to_start_ms=percentiles(done.submit_to_start),
        submit_to_result_ms=percentiles(done.submit_to_result),
        step_to_step_ms=percentiles(done.step_to_step),
    )


@dataclass(frozen=True, slots=True)
class _Conversation:
    """What is said with an executor."""

    executor: Executor
    process: subprocess.Popen[bytes]
    input: IO[bytes]
    output: IO[bytes]
    log: Path

    def tell(self, what: Order | Mapping[str, str]) -> None:
        line = TypeAdapter[Order | Mapping[str, str]](Order | Mapping[str, str]).dump_json(what)
        try:
            self.input.write(line + b"\n")
            self.input.flush()
        except BrokenPipeError:
            raise self.failure("it ended") from None

    def hear(self) -> Ready | Unsupported | Done:
        line = self.output.readline()
        if not line:
            raise self.failure("it ended")
        try:
            return said.validate_json(line)
        except ValidationError:
            raise self.failure(f"it said {line.decode(errors='replace').strip()!r}") from None

    def failure(self, what: str) -> InvalidStateError:
        lines = self.log.read_text(errors="replace").splitlines()[-_LINES_OF_LOG:]
        return InvalidStateError(
            f"the executor of {self.executor.name} failed: {what}",
            "\n".join(["Its log ends:", *lines]),
        )


@contextmanager
def _running(executor: Executor, log: Path) -> Generator[_Conversation]:
    """Start an executor; at the block's end it is told to leave by the end of its input, and waited for."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            executor.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield _Conversation(executor, process, process.stdin, process.stdout, log)
        process.stdin.close()
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
