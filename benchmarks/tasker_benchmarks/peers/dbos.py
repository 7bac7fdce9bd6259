"""DBOS Transact: workflows are code, each step's result a row; many at once by its queue. Touches the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
import anyio.to_thread
from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from tasker.bench.load import Load, OneByOne, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Shape
from tasker_benchmarks.peers.engine import Counts, Steps, prepared
from tasker_benchmarks.peers.graph import run_shape

_QUEUE = "bench"
_POLLING = 0.05  # seconds; its default of 1 leaves the worker idle between two claims
_POOL = 50


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """A workflow for each shape, its steps by `run_step_async`; a queue that runs `slots` workflows at once."""
    steps = Steps("x" * load.payload, load.work)
    workflows = {shape: _workflow(shape, steps) for shape in dict.fromkeys(load.shapes)}
    settings: dict[str, str | int | float | bool] = {
        "pool": _POOL,
        "polling_interval_s": _POLLING,
        "worker_concurrency": load.slots,
    }
    ready = Ready({"dbos": version("dbos")}, settings)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        engine = _Dbos(_sqlalchemy_url(url), connection, workflows, load)
        async with prepared(engine, steps, load, ready) as run:
            yield run


def _sqlalchemy_url(conninfo: str) -> str:
    parts = {key: str(value) for key, value in conninfo_to_dict(conninfo).items()}
    database, user, password = (parts.pop(key, None) for key in ("dbname", "user", "password"))
    made = URL.create("postgresql+psycopg", user, password, database=database, query=parts)
    return made.render_as_string(hide_password=False)


def _workflow(shape: Shape, steps: Steps) -> Any:
    @DBOS.workflow(name=shape.name)
    async def workflow(number: int, note: str) -> int:
        async def step(no: int, parents: int) -> Any:
            return await DBOS.run_step_async({"name": f"step_{no}"}, steps.run, number, no, parents)

        return await run_shape(shape, number, step)

    return workflow


class _Dbos:
    def __init__(
        self, url: str, connection: AsyncConnection, workflows: dict[Shape, Any], load: Load
    ) -> None:
        self.url = url
        self.connection = connection
        self.workflows = workflows
        self.slots = load.slots
        self.note = "x" * load.payload
        # One task on an idle system: started in this process, as its guide starts one, without a queue.
        self.direct = isinstance(load.arrival, OneByOne)
        self.handles: dict[int, Any] = {}
        self.database = create_engine(url)
        self.client = DBOSClient(system_database_url=url, lazy=True, application_name="bench")

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        if self.direct:
            for number in numbers:
                with SetWorkflowID(f"task-{number}"):
                    self.handles[number] = await DBOS.start_workflow_async(
                        self.workflows[shape], number, self.note
                    )
        else:
            await anyio.to_thread.run_sync(self._enqueue, shape, numbers)

    def _enqueue(self, shape: Shape, numbers: Sequence[int]) -> None:
        """In one transaction, which its client offers; each in its own is slower by half."""
        with self.database.begin() as transaction:
            for number in numbers:
                self.client.enqueue_in_transaction(
                    transaction,
                    {
                        "workflow_name": shape.name,
                        "queue_name": _QUEUE,
                        "workflow_id": f"task-{number}",
                    },
                    number,
                    self.note,
                )

    async def result(self, number: int) -> None:
        handle: Any = self.handles.pop(number, None)
        if handle is None:
            handle = await self.client.retrieve_workflow_async(f"task-{number}")
        await handle.get_result(polling_interval_sec=_POLLING)

    async def count(self) -> Counts:
        cursor = await self.connection.execute(
            "select (select count(*) from dbos.workflow_status where status = 'SUCCESS'),"
            " (select count(*) from dbos.operation_outputs where output is not null)"
        )
        row = await cursor.fetchone()
        assert row is not None
        return Counts(*row)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        config: DBOSConfig = {
            "name": "bench",
            "system_database_url": self.url,
            "sys_db_pool_size": _POOL,
            "application_version": "1",
            "log_level": "WARNING",
        }
        DBOS(config=config)
        DBOS.launch()  # here, so that it finds this loop
        await DBOS.register_queue_async(
            _QUEUE, worker_concurrency=self.slots, polling_interval_sec=_POLLING
        )
        yield
        await anyio.to_thread.run_sync(DBOS.destroy)
        # It had put its own threads in the place of the loop's, and has ended them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


if __name__ == "__main__":
    anyio.run(serve, prepare)
