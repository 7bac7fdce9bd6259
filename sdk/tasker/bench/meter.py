"""What a server and a process use, read before and after a run. Touches the database and /proc."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
from psycopg import Connection

from tasker.bench.cpu import find_server, read_server_cpu
from tasker.bench.record import Machine, Server
from tasker.errors import InvalidInputError
from tasker_sql.connection import Database

__all__ = [
    "Counters",
    "count_finished_tasks",
    "describe_machine",
    "describe_server",
    "find_local_server",
    "read_counters",
    "read_executor_cpu",
    "read_executor_memory",
]


@dataclass(frozen=True, slots=True)
class Counters:
    """What a server has used so far: CPU seconds (None: it runs elsewhere), bytes of WAL.

    `commits` and `statements` are this database's, whole once its sessions have ended; statements are None where
    pg_stat_statements is not loaded.
    """

    cpu: float | None
    wal: int
    commits: int
    statements: int | None


def find_local_server(database: Database) -> int | None:
    """The process id of the database's server; None where it cannot be seen from here."""
    try:
        return find_server(database)
    except InvalidInputError:
        return None


def read_counters(connection: Connection, server: int | None) -> Counters:
    """Read what the server, whose process id is `server`, has used so far."""
    wal, commits, counts_statements = _ask(connection, "counters")
    statements = None
    if counts_statements:
        connection.execute("create extension if not exists pg_stat_statements")
        (statements,) = _ask(connection, "statements")
    cpu = None if server is None else read_server_cpu(server)
    return Counters(cpu, int(wal), int(commits), statements)


def read_executor_cpu(process: int) -> float:
    """The CPU seconds that a process and its children have used."""
    total = 0.0
    for member in _family(process):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def read_executor_memory(process: int) -> float:
    """The memory that a process and its children hold just now, in MB."""
    total = 0
    for member in _family(process):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def describe_server(connection: Connection) -> Server:
    """The server, and the settings that count most."""
    return Server(*_ask(connection, "server"))


def count_finished_tasks(connection: Connection) -> int:
    """About how many tasks lie in the engine's table; 0 where there is no engine."""
    return int(_ask(connection, "finished")[0])


def describe_machine() -> Machine:
    """This machine."""
    cpu = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line for line in information.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return Machine(
        cpu or "unknown",
        psutil.cpu_count() or 0,
        round(psutil.virtual_memory().total / 1e9, 1),
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    )


def _family(process: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(process)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _ask(connection: Connection, question: str) -> tuple[Any, ...]:
    """The one row that a query of the folder sql gives."""
    row = connection.execute(
        (files("tasker.bench") / "sql" / f"{question}.sql").read_bytes()
    ).fetchone()
    assert row is not None
    return row
