"""What a transaction that somebody leaves open does to the rate. Touches databases and processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from tasker.bench import shapes
from tasker.bench.conversation import ours
from tasker.bench.databases import fresh_database
from tasker.bench.load import Load
from tasker.bench.runner import run_load
from tasker_benchmarks.results import Figure
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

__all__ = ["idle_transaction"]

_LOAD = Load((shapes.chain(4),), 10_000)


def idle_transaction(server: str, minutes: float = 10) -> Iterator[Figure]:
    """The rate under load without pause while a transaction with a snapshot stays open, and after it has ended.

    Vacuum can take nothing away meanwhile, so whoever looks over dead rows becomes slower and slower.
    """
    with (
        fresh_database(server, "open") as database,
        database.connect() as idle,
        _orchestrating(database),
    ):
        for _ in range(3):
            yield from _run(database, "before", 0)
        idle.execute("begin isolation level repeatable read")
        idle.execute("select pg_current_xact_id(), count(*) from tasker.task")
        began = time.monotonic()
        while (spent := time.monotonic() - began) < 60 * minutes:
            yield from _run(database, "while it is open", spent)
        idle.execute("commit")
        for _ in range(3):
            yield from _run(database, "after", time.monotonic() - began)


@contextmanager
def _orchestrating(database: Database) -> Generator[None]:
    """Install the engine, and run an orchestrator, as whoever deploys it does."""
    with database.connect() as connection:
        migrate(connection)
    command = [sys.executable, "-m", "tasker.cli", "orchestrator"]
    environment = {**os.environ, "TASKER_DATABASE_URL": database.conninfo}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _run(database: Database, series: str, at: float) -> Iterator[Figure]:
    """The rate, and what a step cost the server: that says more where others use the machine too."""
    record = run_load(ours, database, _LOAD, scenario="chain")
    settings = {"axis": "seconds since the transaction began"}
    yield Figure("idle transaction", series, round(at, 1), record.rate, "steps a second", settings)
    if record.cost is not None and record.cost.database_cpu_us is not None:
        cost = record.cost.database_cpu_us
        yield Figure(
            "idle transaction", f"{series}, database CPU", round(at, 1), cost, "µs a step", settings
        )
