"""What tasks that sleep cost: the CPU of a system with nothing to do, and how fast it answers, without them and with.

Touches the database, and runs a worker and an orchestrator in processes of their own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from psycopg import Connection

from tasker.bench.conversation import ours
from tasker.bench.cpu import find_server, read_cpu, read_server_cpu
from tasker.bench.load import Load, OneByOne
from tasker.bench.meter import describe_server
from tasker.bench.record import Percentiles, Server
from tasker.bench.runner import run_load
from tasker.bench.shapes import chain
from tasker.bench.sleeper import sleeper
from tasker.cli.database import call_all
from tasker.client import Client, Submission
from tasker.database import resolve_database
from tasker.demo.children import running_children
from tasker.errors import InvalidStateError
from tasker_sql.connection import Database
from tasker_sql.session import Session

__all__ = ["Idle", "IdleReport", "run_idle"]

_PAGE = 5_000
_SETTLE = 5.0
_TABLES = "tasker.task, tasker.step, tasker.timer, tasker.wait, pgmq.q_tasker_tasker_bench"


@dataclass(frozen=True, slots=True)
class Idle:
    """What an idle system used, in CPU seconds, and how fast it answers a single task."""

    postgres_cpu: float
    orchestrator_cpu: float
    worker_cpu: float
    submit_to_start_ms: Percentiles
    step_to_step_ms: Percentiles


@dataclass(frozen=True, slots=True)
class IdleReport:
    """One run: `seconds` of idling without tasks that sleep, and as long with `sleeping` of them."""

    scenario: str
    sleeping: int
    seconds: float
    without: Idle
    with_sleepers: Idle
    server: Server

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


async def run_idle(url: str | None, *, sleeping: int, seconds: float, tasks: int) -> IdleReport:
    """Idle for `seconds`, put `sleeping` tasks to sleep, and idle again. `tasks` chains are timed each time.

    Raises InvalidInputError when the server's processes are not on this machine, InvalidStateError when tasks of the
    benchmark sleep already.
    """
    database = await resolve_database(url)
    server = await anyio.to_thread.run_sync(find_server, database)
    async with Client(database.conninfo) as client:
        await client.register(sleeper)
    async with Session(database.connect_async, patience=10) as session:
        counting = "select tasker.count_open_tasks(%s, %s)"
        if open_tasks := await session.ask(counting, [sleeper.namespace, sleeper.name]):
            raise InvalidStateError(
                f"{sum(open_tasks.values())} tasks of this benchmark are open already",
                "Use a new database.",
            )
    without = await _measure(database, server, seconds, tasks)
    async with _system(database):
        await _put_to_sleep(database, sleeping)
    await anyio.to_thread.run_sync(_vacuum, database)
    with_sleepers = await _measure(database, server, seconds, tasks)
    with database.connect() as connection:
        described = describe_server(connection)
    return IdleReport("idle", sleeping, seconds, without, with_sleepers, described)


async def _measure(database: Database, server: int, seconds: float, tasks: int) -> Idle:
    async with _system(database) as processes:
        await anyio.sleep(min(_SETTLE, seconds))
        before = _read_all(server, processes)
        began = time.monotonic()
        await anyio.sleep(seconds)
        share = seconds / (time.monotonic() - began)
        used = [
            round(share * (b - a), 2)
            for a, b in zip(before, _read_all(server, processes), strict=True)
        ]
    load = Load((chain(5),), tasks, OneByOne(), slots=10)
    timing = partial(run_load, ours, database, load, scenario="latency")
    latency = await anyio.to_thread.run_sync(timing)
    assert latency.submit_to_start_ms is not None
    assert latency.step_to_step_ms is not None
    postgres, orchestrator, worker = used
    return Idle(postgres, orchestrator, worker, latency.submit_to_start_ms, latency.step_to_step_ms)


def _read_all(server: int, processes: Sequence[int]) -> list[float]:
    return [read_server_cpu(server), *map(read_cpu, processes)]


@asynccontextmanager
async def _system(database: Database) -> AsyncGenerator[list[int]]:
    """Run an orchestrator and a worker; gives their process ids when both have reported."""
    tasker = [sys.executable, "-m", "tasker.cli"]
    commands = {
        "orchestrator": [*tasker, "orchestrator"],
        "worker": [*tasker, "worker", "tasker.bench.sleeper", "--slots", "500"],
    }
    environment: Mapping[str, str] = {"TASKER_DATABASE_URL": database.conninfo}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_children(commands, environment, Path(folder)) as children,
    ):
        with database.connect() as connection:
            while {f"{child.pid}" for child in children.values()} - _list_reported(connection):
                await anyio.sleep(0.1)
        yield [child.pid for child in children.values()]


def _list_reported(connection: Connection) -> set[str]:
    """The process ids of the workers and orchestrators that have reported: their names end in them."""
    workers = call_all(connection, "list_workers")
    orchestrators = call_all(connection, "list_orchestrators")
    return {p["name"].rpartition(":")[2] for p in [*workers, *orchestrators]}


async def _put_to_sleep(database: Database, tasks: int) -> None:
    async with Client(database.conninfo) as client:
        for first in range(0, tasks, _PAGE):
            count = min(_PAGE, tasks - first)
            await client.submit_many(sleeper, [Submission(None)] * count)
    with database.connect() as connection:
        while any(q["ready"] + q["leased"] for q in call_all(connection, "queue_stats")):
            await anyio.sleep(0.2)


def _vacuum(database: Database) -> None:
    """What autovacuum would do within a minute, so that it is not measured."""
    with database.connect() as connection:
        connection.execute(f"vacuum (analyze) {_TABLES}".encode())
