"""Runs a load on an engine: starts its executor, meters the database and the executor, and makes the record.

Touches the database and processes.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from pydantic import TypeAdapter

from tasker.bench.conversation import Conversation, Executor, ours, raw_pgmq, running
from tasker.bench.load import Done, Idle, Load, Order, Ready, Unsupported
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
from tasker_sql.connection import Database

__all__ = ["run_beside_raw_pgmq", "run_load"]


def run_load(
    executor: Executor,
    database: Database,
    load: Load,
    *,
    scenario: str,
    run: int = 1,
    beside: int = 0,
) -> Record:
    """Run a load once on one engine, in a process of its own.

    `beside`: as many more processes with workers on the same database, each with the load's slots; they count too.
    Raises InvalidStateError when the executor ends, or says what is not in the protocol, with the end of its log.
    """
    server = find_local_server(database)
    with (
        tempfile.TemporaryDirectory() as folder,
        database.connect() as connection,
        ExitStack() as helpers,
    ):
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
        with running(executor, Path(folder) / "log") as main:
            main.tell(Order(database.conninfo, load))
            match main.hear():
                case Unsupported(why):
                    return replace(record, unsupported=why)
                case Ready(versions, settings):
                    record = replace(
                        record,
                        versions=versions,
                        settings={**record.settings, **settings, "processes": beside + 1},
                    )
                case Done():
                    raise main.failure("it said that it is done before it was ready")
            processes = [main.process.pid]
            for number in range(beside):
                helper = helpers.enter_context(running(executor, Path(folder) / f"log{number}"))
                helper.tell(Order(database.conninfo, _only_work(load)))
                helper.hear()
                processes.append(helper.process.pid)
            done, metered = _meter(main, processes, connection, server)
        helpers.close()
        return _fill_in(record, load, done, metered, read_counters(connection, server))


def _only_work(load: Load) -> Load:
    """The load of a process that has workers on, and submits nothing."""
    return replace(load, arrival=Idle(0), tasks=0, warm_up=0)


def run_beside_raw_pgmq(
    database: Database, load: Load, scenario: str, executor: Executor = ours
) -> Record:
    """Run a load on this engine, then as many messages through a bare loop of pgmq; the record has the ratio."""
    record = run_load(executor, database, load, scenario=scenario)
    if record.unsupported is not None:
        return record
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
    conversation: Conversation,
    processes: Sequence[int],
    connection: Connection,
    server: int | None,
) -> tuple[Done, _Metered]:
    with _watching_memory(processes) as memory:
        before, client = read_counters(connection, server), _sum_cpu(processes)
        conversation.tell({"kind": "go"})
        done = conversation.hear()
        after, client = (
            read_counters(connection, server),
            _sum_cpu(processes) - client,
        )
    if not isinstance(done, Done):
        raise conversation.failure(f"it said {done} where it should be done")
    return done, _Metered(before, after, client, max(memory))


def _sum_cpu(processes: Sequence[int]) -> float:
    return sum(map(read_executor_cpu, processes))


def _sum_memory(processes: Sequence[int]) -> float:
    return sum(map(read_executor_memory, processes))


@contextmanager
def _watching_memory(processes: Sequence[int]) -> Generator[list[float]]:
    """Look at what process families hold, a few times a second; the figures gather in the list."""
    seen = [_sum_memory(processes)]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            seen.append(_sum_memory(processes))

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
