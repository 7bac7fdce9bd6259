"""The limit of a plain queue: one table, claimed in batches with `for update skip locked`. Touches the database.

No rival, but what one could write in an afternoon: it has no retries, no leases, no graph but the next step.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import anyio
import orjson
from psycopg import AsyncConnection

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Shape, chain, count_steps
from tasker_benchmarks.peers.engine import Counts, Steps, prepared

_POLLING = 0.005

_TABLE = b"""
create table job (
    id bigint generated always as identity primary key,
    task int not null,
    step int not null,
    last int not null,
    state text not null default 'ready',
    note text not null,
    result jsonb
) with (fillfactor = 60);
create index on job (id) where state = 'ready';
create index on job (task) where step = last;
"""

_SUBMIT = """
insert into job (task, step, last, note) select task, 0, %s, %s from unnest(%s::int[]) as task
"""

_CLAIM = """
update job set state = 'running'
where id in (select id from job where state = 'ready' order by id limit %s for update skip locked)
returning id, task, step
"""

_COMPLETE = """
with done as (
    update job set state = 'done', result = d.result
    from unnest(%s::bigint[], %s::jsonb[]) as d (id, result)
    where job.id = d.id and state = 'running'
    returning task, step, last, note
)
insert into job (task, step, last, note) select task, step + 1, last, note from done where step < last
"""

_COUNT = """
select count(*) filter (where step = last), count(*) from job where state = 'done' and result is not null
"""


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """One worker that runs `slots` / 2 jobs at a time; a job's end inserts the next of a chain."""
    chains = {count_steps(shape): shape for shape in load.shapes}
    if any(replace(chain(length), name=shape.name) != shape for length, shape in chains.items()):
        yield Unsupported("a plain queue has no graphs; a job can only insert the next one")
        return
    steps = Steps("x" * load.payload, load.work)
    batch = max(1, load.slots // 2)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(_TABLE)
        engine = _SkipLocked(url, connection, batch, load, steps)
        async with prepared(engine, steps, load, Ready({}, {"batch": batch, "workers": 1})) as run:
            yield run


class _SkipLocked:
    def __init__(
        self, url: str, connection: AsyncConnection, batch: int, load: Load, steps: Steps
    ) -> None:
        self.url = url
        self.connection = connection
        self.batch = batch
        self.steps = steps
        self.note = "x" * load.payload

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        parameters = [count_steps(shape) - 1, self.note, list(numbers)]
        await self.connection.execute(_SUBMIT, parameters)

    async def result(self, number: int) -> None:
        sought = "select result from job where task = %s and step = last and state = 'done'"
        while True:
            cursor = await self.connection.execute(sought, [number])
            if await cursor.fetchone() is not None:
                return
            await anyio.sleep(_POLLING)

    async def count(self) -> Counts:
        row = await (await self.connection.execute(_COUNT)).fetchone()
        assert row is not None
        return Counts(*row)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        worker = asyncio.create_task(self._work())
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    async def _work(self) -> None:
        async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
            while True:
                jobs = await (await connection.execute(_CLAIM, [self.batch])).fetchall()
                if not jobs:
                    await anyio.sleep(_POLLING)
                    continue
                results = await asyncio.gather(
                    *(self.steps.run(task, step, min(step, 1)) for _, task, step in jobs)
                )
                ids = [job for job, _, _ in jobs]
                texts = [orjson.dumps(result).decode() for result in results]
                await connection.execute(_COMPLETE, [ids, texts])


if __name__ == "__main__":
    anyio.run(serve, prepare)
