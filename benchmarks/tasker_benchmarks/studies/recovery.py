"""How long until the step of a killed worker runs elsewhere. Touches databases, processes and files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tasker import SyncClient
from tasker.bench.databases import fresh_database
from tasker_benchmarks.results import Figure
from tasker_benchmarks.studies.holding import holding
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

__all__ = ["recovery"]


def recovery(server: str, leases: Sequence[float] = (1, 3, 15), tries: int = 5) -> Iterator[Figure]:
    """kill -9 of the worker that runs a step, with another one and an orchestrator beside it.

    Recovery of PostgreSQL itself is measured by the chaos runs.
    """
    for lease in leases:
        with fresh_database(server, "recovery") as database, database.connect() as connection:
            migrate(connection)
            for _ in range(tries):
                seconds = _kill_once(database, lease)
                settings = {"axis": "lease in seconds"}
                yield Figure(
                    "recovery", "from kill -9 to the next start", lease, seconds, "s", settings
                )


def _kill_once(database: Database, lease: float) -> float:
    environment = {**os.environ, "TASKER_DATABASE_URL": database.conninfo}
    tasker = [sys.executable, "-m", "tasker.cli"]
    worker = [*tasker, "worker", "tasker_benchmarks.studies.holding"]
    commands = [[*tasker, "orchestrator"], *[[*worker, "--lease", f"{lease}s"]] * 2]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        for command in commands:
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            processes.callback(process.wait)
            processes.callback(process.kill)
        log = Path(folder) / "attempts"
        log.touch()
        with SyncClient(database.conninfo) as client:
            client.register(holding)
            handle = client.submit(holding, str(log))
            (_, process_id, _), *_ = _wait_for_lines(log, 1)
            killed = time.time()
            os.kill(int(process_id), signal.SIGKILL)
            _, (_, _, started) = _wait_for_lines(log, 2)
            handle.result(timeout=30)
    return float(started) - killed


def _wait_for_lines(file: Path, count: int) -> list[list[str]]:
    until = time.monotonic() + 60
    while len(lines := file.read_text().splitlines()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"{file} has {len(lines)} lines after a minute, not {count}")
        time.sleep(0.005)
    return [line.split() for line in lines]
