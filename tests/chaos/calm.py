"""Whether all is well on a stage that is left alone. Touches the database, and only reads."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from tests.chaos.bridges import are_complete
from tests.chaos.ledger import read_end
from tests.chaos.stage import Stage


def is_calm(stage: Stage) -> bool:
    """Whether every process is there and has just reported, and steps run."""
    query = """select (select count(*) from tasker.worker where name = any (%s)
                and seen_at between now() - interval '1.5 seconds' and now() + interval '1 second')
        + (select count(*) from tasker.orchestrator where seen_at > now() - interval '7 seconds')"""
    names = [f"chaos:{post.pid}" for post in stage.of("worker")]
    wanted = len(names) + len(stage.of("orchestrator"))
    try:
        with psycopg.connect(stage.url, autocommit=True, connect_timeout=5) as connection:
            row = connection.execute(query, [names]).fetchone()
    except psycopg.OperationalError:
        return False
    if row is None or row[0] < wanted or not all(map(are_complete, stage.hosts)):
        return False
    return any(
        line["event"] == "run" and line["at"] > time.monotonic() - 1
        for line in read_end(stage.ledger, 20_000)
    )


def has_room(stage: Stage) -> bool:
    """Whether little waits in the queue, so that workers have free slots: the bound of a recovery is said for that."""
    query = """select count(*) from (select vt from pgmq.q_tasker_chaos union all select vt from pgmq.q_tasker_abroad)
        where vt <= clock_timestamp()"""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row is not None and row[0] < 10


def wait_for(true: Callable[[Stage], bool], stage: Stage, patience: float) -> bool:
    """Wait until it is so; whether it came to be."""
    deadline = time.monotonic() + patience
    while not true(stage):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
