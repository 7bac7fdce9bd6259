"""Absurd: workflows are code over SQL functions, each step's result a row. Touches the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
from absurd_sdk import AsyncAbsurd, AsyncTaskContext
from absurdctl import BUNDLED_SCHEMA_SQL  # pyright: ignore[reportMissingTypeStubs]
from psycopg import AsyncConnection

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Shape
from tasker_benchmarks.peers.engine import Counts, Steps, prepared
from tasker_benchmarks.peers.graph import run_shape

_QUEUE = "bench"
_WORKERS = 2  # each has one connection, and one statement at a time on it
_POLLING = 0.05  # seconds; its default is 0.25


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """A task for each shape, its steps by `ctx.step`; some workers that share the slots."""
    steps = Steps("x" * load.payload, load.work)
    settings: dict[str, str | int | float | bool] = {
        "workers": _WORKERS,
        "concurrency": load.slots // _WORKERS,
        "poll_interval_s": _POLLING,
    }
    ready = Ready({"absurd-sdk": version("absurd-sdk")}, settings)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(BUNDLED_SCHEMA_SQL.encode())
        engine = _Absurd(url, connection, load, steps)
        await engine.client.create_queue(_QUEUE)
        async with prepared(engine, steps, load, ready) as run:
            yield run


class _Absurd:
    def __init__(self, url: str, connection: AsyncConnection, load: Load, steps: Steps) -> None:
        self.url = url
        self.connection = connection
        self.steps = steps
        self.shapes = dict.fromkeys(load.shapes)
        self.concurrency = max(1, load.slots // _WORKERS)
        self.note = "x" * load.payload
        self.client = self._app(connection)
        self.ids: dict[int, str] = {}

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        """One by one, in one transaction: it spawns nothing else, in Python or in SQL."""
        async with self.connection.transaction():
            for number in numbers:
                params = {"number": number, "note": self.note}
                spawned = await self.client.spawn(shape.name, params)
                self.ids[number] = spawned["task_id"]

    async def result(self, number: int) -> None:
        await self.client.await_task_result(self.ids[number])

    async def count(self) -> Counts:
        cursor = await self.connection.execute(
            f"select (select count(*) from absurd.t_{_QUEUE} where state = 'completed'),"
            f" (select count(*) from absurd.c_{_QUEUE} where state is not null)".encode()
        )
        row = await cursor.fetchone()
        assert row is not None
        return Counts(*row)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        workers = [self._app(self.url) for _ in range(_WORKERS)]
        async with asyncio.TaskGroup() as running:
            for no, worker in enumerate(workers):
                running.create_task(
                    worker.start_worker(
                        f"worker-{no}", concurrency=self.concurrency, poll_interval=_POLLING
                    )
                )
            yield
            for worker in workers:
                worker.stop_worker()
        for worker in workers:
            await worker.close()

    def _app(self, database: AsyncConnection | str) -> AsyncAbsurd:
        app = AsyncAbsurd(database, queue_name=_QUEUE)
        for shape in self.shapes:
            app.register_task(shape.name)(self._task(shape))
        return app

    def _task(self, shape: Shape) -> Any:
        async def task(params: Any, context: AsyncTaskContext) -> int:
            number = params["number"]

            async def step(no: int, parents: int) -> Any:
                return await context.step(f"step_{no}", lambda: self.steps.run(number, no, parents))

            return await run_shape(shape, number, step)

        return task


if __name__ == "__main__":
    anyio.run(serve, prepare)
