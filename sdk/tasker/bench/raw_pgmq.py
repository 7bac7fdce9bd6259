"""The limit to compare with: a bare loop over pgmq's own functions. Touches the database."""

from __future__ import annotations

import time

from tasker_sql.connection import Database

__all__ = ["run_raw_pgmq"]

_QUEUE = "tasker_bench_raw"


def run_raw_pgmq(database: Database, messages: int, batch: int) -> float:
    """Send, read and delete `messages` messages, `batch` at a time, on one connection; return the rate per second.

    Each call commits by itself, as a plain pgmq consumer's would. The queue is made for the run and dropped after it.
    """
    with database.connect() as connection:
        connection.execute("select pgmq.create(%s)", [_QUEUE])
        try:
            started = time.perf_counter()
            bodies = ['{"task_id": "01900000-0000-7000-8000-000000000000", "step_no": 1}'] * batch
            for _ in range(0, messages, batch):
                connection.execute("select pgmq.send_batch(%s, %s::jsonb[])", [_QUEUE, bodies])
            left = True
            while left:
                rows = connection.execute(
                    "select array_agg(m.msg_id) from pgmq.read(%s, 30, %s) as m", [_QUEUE, batch]
                ).fetchone()
                left = rows is not None and rows[0] is not None
                if rows is not None and left:
                    connection.execute("select pgmq.delete(%s, %s::bigint[])", [_QUEUE, rows[0]])
            return messages / (time.perf_counter() - started)
        finally:
            connection.execute("select pgmq.drop_queue(%s)", [_QUEUE])
