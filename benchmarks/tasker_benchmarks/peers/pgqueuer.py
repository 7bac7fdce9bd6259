"""PgQueuer: a queue of jobs that are gone when they are done, and a log of them. Touches the database.

python -m tasker_benchmarks.peers.pgqueuer asyncpg | psycopg
"""

# asyncpg has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

import anyio
import asyncpg
import orjson
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, Driver, PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepare, Prepared, serve
from tasker.bench.shapes import Shape, count_steps
from tasker_benchmarks.peers.engine import Counts, Steps, prepared

Connecting = Callable[[str], AbstractAsyncContextManager[Driver]]


@asynccontextmanager
async def connecting_asyncpg(conninfo: str) -> AsyncGenerator[Driver]:
    """Its driver on asyncpg."""
    parts = conninfo_to_dict(conninfo)
    connection = await asyncpg.connect(
        host=parts.get("host"),
        port=parts.get("port"),
        user=parts.get("user"),
        password=parts.get("password"),
        database=parts.get("dbname"),
    )
    try:
        yield AsyncpgDriver(connection)  # pyright: ignore[reportUnknownArgumentType]
    finally:
        await connection.close()


@asynccontextmanager
async def connecting_psycopg(conninfo: str) -> AsyncGenerator[Driver]:
    """Its driver on psycopg, on which each statement waits while it listens, for up to a second."""
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        yield PsycopgDriver(connection)


DRIVERS: Mapping[str, Connecting] = {"asyncpg": connecting_asyncpg, "psycopg": connecting_psycopg}


def prepare_on(driver: str) -> Prepare:
    """Prepare it with one of its drivers."""

    @asynccontextmanager
    async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
        async with _preparing(url, load, driver) as prepared:
            yield prepared

    return prepare


@asynccontextmanager
async def _preparing(url: str, load: Load, driver: str) -> AsyncGenerator[Prepared | Unsupported]:
    """One async entrypoint, durable tables, autovacuum as it recommends, `slots` / 2 jobs a batch."""
    if any(count_steps(shape) > 1 for shape in load.shapes):
        yield Unsupported("its jobs cannot depend on each other, and keep no results")
        return
    steps = Steps("x" * load.payload, load.work)
    batch = max(1, load.slots // 2)
    settings: dict[str, str | int | float | bool] = {
        "batch_size": batch,
        "max_concurrent_tasks": 2 * batch,
        "driver": driver,
    }
    ready = Ready({"pgqueuer": version("pgqueuer")}, settings)
    async with (
        DRIVERS[driver](url) as client,
        await AsyncConnection.connect(url, autocommit=True) as counter,
    ):
        queries = Queries(client)
        await queries.install()
        await queries.optimize_autovacuum()
        engine = _PgQueuer(url, DRIVERS[driver], queries, counter, batch, load, steps)
        async with prepared(engine, steps, load, ready) as run:
            yield run


class _PgQueuer:
    def __init__(
        self,
        url: str,
        connecting: Connecting,
        queries: Queries,
        connection: AsyncConnection,
        batch: int,
        load: Load,
        steps: Steps,
    ) -> None:
        self.url = url
        self.connecting = connecting
        self.queries = queries
        self.connection = connection
        self.batch = batch
        self.steps = steps
        self.note = "x" * load.payload
        self.ids: dict[int, int] = {}

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        payloads = [orjson.dumps({"number": number, "note": self.note}) for number in numbers]
        count = len(payloads)
        ids = await self.queries.enqueue(["step"] * count, list(payloads), [0] * count)
        self.ids.update(zip(numbers, map(int, ids), strict=True))

    async def result(self, number: int) -> None:
        """Ask the log again and again, as its own completion watcher does when it was not notified."""
        sought = "select from pgqueuer_log where job_id = %s and status = 'successful'"
        while True:
            cursor = await self.connection.execute(sought, [self.ids[number]])
            if await cursor.fetchone() is not None:
                return
            await anyio.sleep(0.005)

    async def count(self) -> Counts:
        cursor = await self.connection.execute(
            "select count(*) from pgqueuer_log where status = 'successful'"
        )
        row = await cursor.fetchone()
        assert row is not None
        return Counts(row[0], row[0])

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        async with self.connecting(self.url) as driver:
            queue = PgQueuer(driver)

            @queue.entrypoint("step")
            async def step(job: Job) -> None:
                assert job.payload is not None
                await self.steps.run(orjson.loads(job.payload)["number"], 0, 0)

            worker = asyncio.create_task(
                queue.run(
                    batch_size=self.batch,
                    max_concurrent_tasks=2 * self.batch,
                    dequeue_timeout=timedelta(seconds=30),
                )
            )
            yield
            queue.shutdown.set()
            await worker


if __name__ == "__main__":
    anyio.run(serve, prepare_on(sys.argv[1]))
