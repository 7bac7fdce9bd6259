"""pgflow: graphs in SQL over pgmq; its worker's loop, in Python. Touches the database.

Its own worker is an edge function in TypeScript that runs on Deno. This one makes the same calls: it reads messages,
starts their tasks, and completes each task by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import anyio
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Batch, Decision, Shape, Static
from tasker_benchmarks.peers.engine import Counts, Steps, prepared
from tasker_benchmarks.peers.tools import PGFLOW, pgflow_sql
from tasker_sql.loader import pgmq_sql

_CONNECTIONS = 4  # its worker's default
_BATCH = 50
_POLL = (2, 20)  # seconds that a call waits at most, milliseconds between its looks

_Pool = AsyncConnectionPool[AsyncConnection[TupleRow]]

# Of Supabase, of which pgflow only sends what it does to a stream for browsers.
_STUBS = b"""
create schema realtime;
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
    returns void language sql as '';
"""


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """A flow for each shape, with a queue and a loop of its own; completions go through a small pool."""
    migrations = pgflow_sql()
    if migrations is None:
        yield Unsupported("its SQL is not here: run `make setup-benchmarks`, which needs npm")
        return
    if any(isinstance(shape, Decision) for shape in load.shapes):
        yield Unsupported(f"pgflow {PGFLOW} has no conditions")
        return
    steps = Steps("x" * load.payload, load.work)
    settings: dict[str, str | int | float | bool] = {
        "connections": _CONNECTIONS,
        "batch_size": _BATCH,
        "poll_interval_ms": _POLL[1],
    }
    async with (
        await AsyncConnection.connect(url, autocommit=True) as connection,
        _connecting(url) as pool,
    ):
        await connection.execute(pgmq_sql() + _STUBS)
        for migration in migrations:
            text = migration.read_text()
            await connection.execute(
                text.replace(
                    'CREATE EXTENSION IF NOT EXISTS "pgmq" WITH SCHEMA "pgmq";', ""
                ).encode()
            )
        engine = _Pgflow(url, connection, pool, load, steps)
        for shape in engine.shapes:
            await _create(connection, shape)
        async with prepared(engine, steps, load, Ready({"pgflow": PGFLOW}, settings)) as run:
            yield run


@asynccontextmanager
async def _connecting(url: str) -> AsyncGenerator[_Pool]:
    pool: _Pool = AsyncConnectionPool(
        url, min_size=_CONNECTIONS, max_size=_CONNECTIONS, kwargs={"autocommit": True}, open=False
    )
    async with pool:
        yield pool


async def _create(connection: AsyncConnection, shape: Shape) -> None:
    await connection.execute("select pgflow.create_flow(%s, timeout => 60)", [shape.name])
    added: list[tuple[str, list[str], str]]
    match shape:
        case Static(_, parents):
            added = [
                (f"step_{no}", [f"step_{of}" for of in of_it], "single")
                for no, of_it in enumerate(parents)
            ]
        case Batch():
            added = [
                ("split", [], "single"),
                ("part", ["split"], "map"),
                ("join", ["part"], "single"),
            ]
        case Decision():
            raise NotImplementedError
    for name, depends_on, kind in added:
        await connection.execute(
            "select pgflow.add_step(%s, %s, %s::text[], step_type => %s)",
            [shape.name, name, depends_on, kind],
        )


class _Pgflow:
    def __init__(
        self,
        url: str,
        connection: AsyncConnection,
        pool: _Pool,
        load: Load,
        steps: Steps,
    ) -> None:
        self.url = url
        self.connection = connection
        self.pool = pool
        self.steps = steps
        self.shapes = list(dict.fromkeys(load.shapes))
        self.free = asyncio.Semaphore(load.slots)
        self.note = "x" * load.payload
        self.runs: dict[int, UUID] = {}
        self.numbers: dict[UUID, int] = {}

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        """Many in one statement."""
        runs = {number: uuid4() for number in numbers}
        self.runs |= runs
        self.numbers |= {run: number for number, run in runs.items()}
        inputs = [json.dumps({"number": number, "note": self.note}) for number in numbers]
        await self.connection.execute(
            "select pgflow.start_flow(%s, i.input, i.run)"
            " from unnest(%s::jsonb[], %s::uuid[]) as i (input, run)",
            [shape.name, inputs, list(runs.values())],
        )

    async def result(self, number: int) -> None:
        """Ask again and again: its client listens to Supabase's stream, which is not here."""
        while True:
            cursor = await self.connection.execute(
                "select status from pgflow.runs where run_id = %s", [self.runs[number]]
            )
            if await cursor.fetchone() == ("completed",):
                return
            await anyio.sleep(0.005)

    async def count(self) -> Counts:
        cursor = await self.connection.execute(
            "select (select count(*) from pgflow.runs where status = 'completed'),"
            " (select count(*) from pgflow.step_tasks where output is not null)"
        )
        row = await cursor.fetchone()
        assert row is not None
        return Counts(*row)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        loops = [asyncio.create_task(self._work(shape)) for shape in self.shapes]
        yield
        for loop in loops:
            loop.cancel()
        for loop in loops:
            with suppress(asyncio.CancelledError):
                await loop

    async def _work(self, shape: Shape) -> None:
        """Read as many messages as there is room for, and start their tasks; never wait for those."""
        worker = uuid4()
        async with (
            await AsyncConnection.connect(self.url, autocommit=True) as connection,
            asyncio.TaskGroup() as running,
        ):
            await connection.execute(
                "insert into pgflow.workers (worker_id, queue_name, function_name) values (%s, %s, 'bench')",
                [worker, shape.name],
            )
            while True:
                await self.free.acquire()
                room = 1
                while room < _BATCH and not self.free.locked():
                    await self.free.acquire()
                    room += 1
                tasks = await self._claim(connection, shape, worker, room)
                for task in tasks:
                    running.create_task(self._run(shape, *task))
                for _ in range(room - len(tasks)):
                    self.free.release()

    async def _claim(
        self, connection: AsyncConnection, shape: Shape, worker: UUID, room: int
    ) -> list[tuple[UUID, str, int, Any]]:
        cursor = await connection.execute(
            "select msg_id from pgmq.read_with_poll(%s, 2, %s, %s, %s)", [shape.name, room, *_POLL]
        )
        messages = [row[0] for row in await cursor.fetchall()]
        if not messages:
            return []
        cursor = await connection.execute(
            "select run_id, step_slug, task_index, input from pgflow.start_tasks(%s, %s, %s)",
            [shape.name, messages, worker],
        )
        return await cursor.fetchall()

    async def _run(self, shape: Shape, run: UUID, slug: str, index: int, given: Any) -> None:
        number = self.numbers[run]
        match shape:
            case Batch(_, width):
                no = {"split": 0, "part": 1 + index, "join": width + 1}[slug]
                result: Any = await self.steps.run(number, no, 1)
                if slug == "split":
                    result = list(range(number, number + width))
            case _:
                no = int(slug.removeprefix("step_"))
                result = await self.steps.run(number, no, len(given) - 1)
        async with self.pool.connection() as connection:
            await connection.execute(
                "select pgflow.complete_task(%s, %s, %s, %s::jsonb)",
                [run, slug, index, json.dumps(result)],
            )
        self.free.release()


if __name__ == "__main__":
    anyio.run(serve, prepare)
