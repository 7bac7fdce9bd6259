"""The limit to compare with: a bare loop over pgmq's own functions, as an executor. Touches the database."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio
import anyio.to_thread
import orjson
from psycopg import Connection

from tasker.bench.load import Done, Load, Ready, Together, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import count_steps
from tasker_sql.connection import Database
from tasker_sql.loader import pgmq_sql

_QUEUE = "tasker_bench_raw"


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """One message for each step; `slots` / 2 messages a call, which is what one exchange of a worker takes at most."""
    if not isinstance(load.arrival, Together) or load.work.kind != "nothing":
        yield Unsupported("a loop over messages has no tasks to wait for")
        return
    messages = sum(count_steps(load.shapes[n % len(load.shapes)]) for n in range(load.tasks))
    batch = -(-load.slots // 2)
    with Database(url).connect() as connection:
        if connection.execute("select to_regclass('pgmq.meta')").fetchone() == (None,):
            connection.execute(pgmq_sql())
        connection.execute("select pgmq.create(%s)", [_QUEUE])
        body = {"task_id": "01900000-0000-7000-8000-000000000000", "step_no": 1}
        text = orjson.dumps(body | ({"note": "x" * load.payload} if load.payload else {})).decode()

        async def run() -> Done:
            return await anyio.to_thread.run_sync(_loop, connection, text, messages, batch)

        await anyio.to_thread.run_sync(_loop, connection, text, batch, batch)
        yield Prepared(Ready({"pgmq": version("pgmq")}, {"batch": batch}), run)
        connection.execute("select pgmq.drop_queue(%s)", [_QUEUE])


def _loop(connection: Connection, body: str, messages: int, batch: int) -> Done:
    """Send, read and delete, `batch` messages a call. Each call commits by itself, as a plain consumer's would."""
    began = time.perf_counter()
    for first in range(0, messages, batch):
        bodies = [body] * min(batch, messages - first)
        connection.execute("select pgmq.send_batch(%s, %s::jsonb[])", [_QUEUE, bodies])
    left = True
    while left:
        rows = connection.execute(
            "select array_agg(m.msg_id) from pgmq.read(%s, 30, %s) as m", [_QUEUE, batch]
        ).fetchone()
        left = rows is not None and rows[0] is not None
        if rows is not None and left:
            connection.execute("select pgmq.delete(%s, %s::bigint[])", [_QUEUE, rows[0]])
    return Done(time.perf_counter() - began)


if __name__ == "__main__":
    anyio.run(serve, prepare)
