"""Procrastinate: a queue of jobs with states, locks and events. Touches the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Status
from procrastinate.types import JSONDict
from psycopg import AsyncConnection

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Shape, count_steps
from tasker_benchmarks.peers.engine import Counts, Steps, prepared

_WORKERS = 2  # each fetches one job at a time
_POOL = 10


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """One async task; workers in this process that share the slots, woken by notifications."""
    if any(count_steps(shape) > 1 for shape in load.shapes):
        yield Unsupported("its jobs cannot depend on each other, and keep no results")
        return
    steps = Steps("x" * load.payload, load.work)
    app = App(connector=PsycopgConnector(conninfo=url, min_size=_POOL, max_size=_POOL))
    settings: dict[str, str | int | float | bool] = {
        "workers": _WORKERS,
        "concurrency": load.slots // _WORKERS,
        "pool": _POOL,
    }
    ready = Ready({"procrastinate": version("procrastinate")}, settings)
    async with (
        app.open_async(),
        await AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        await app.schema_manager.apply_schema_async()
        engine = _Procrastinate(app, connection, load, steps)
        async with prepared(engine, steps, load, ready) as run:
            yield run


class _Procrastinate:
    def __init__(self, app: App, connection: AsyncConnection, load: Load, steps: Steps) -> None:
        self.app = app
        self.connection = connection
        self.concurrency = max(1, load.slots // _WORKERS)
        self.note = "x" * load.payload
        self.ids: dict[int, int] = {}

        @app.task(name="step")
        async def step(number: int, note: str) -> object:
            return await steps.run(number, 0, 0)

        self.step = step

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        jobs: list[JSONDict] = [{"number": number, "note": self.note} for number in numbers]
        ids = await self.step.batch_defer_async(*jobs)
        self.ids.update(zip(numbers, ids, strict=True))

    async def result(self, number: int) -> None:
        """Ask for the job's state again and again: it has nothing to wait on."""
        ask = self.app.job_manager.get_job_status_async
        while await ask(self.ids[number]) is not Status.SUCCEEDED:
            await anyio.sleep(0.005)

    async def count(self) -> Counts:
        cursor = await self.connection.execute(
            "select count(*) from procrastinate_jobs where status = 'succeeded'"
        )
        row = await cursor.fetchone()
        assert row is not None
        return Counts(row[0], row[0])

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        workers = [
            asyncio.create_task(
                self.app.run_worker_async(
                    concurrency=self.concurrency, install_signal_handlers=False
                )
            )
            for _ in range(_WORKERS)
        ]
        yield
        for worker in workers:
            worker.cancel()  # a worker that runs jobs lets them end
        await asyncio.gather(*workers, return_exceptions=True)


if __name__ == "__main__":
    anyio.run(serve, prepare)
