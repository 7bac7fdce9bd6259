"""The CPU time that processes of this machine have used: of a PostgreSQL server, and of children. Reads /proc."""

from __future__ import annotations

import os
from pathlib import Path

from tasker.errors import InvalidInputError
from tasker_sql.connection import Database

__all__ = ["find_server", "read_cpu", "read_server_cpu"]

_TICKS = os.sysconf("SC_CLK_TCK")


def find_server(database: Database) -> int:
    """Return the process id of the database's server.

    Raises InvalidInputError when it does not run on this machine, or this machine has no /proc.
    """
    with database.connect() as connection:
        backend = connection.info.backend_pid
        try:
            command, fields = _read(backend)
        except FileNotFoundError:
            command, fields = "", []
    if command != "postgres":
        raise InvalidInputError(
            "the database's processes cannot be seen from here",
            "Measure on the machine that it runs on; that must be a Linux.",
        )
    return int(fields[1])


def read_server_cpu(server: int) -> float:
    """Return the CPU seconds that a server has used, with all its processes, also those that have ended."""
    total = _seconds(server, ended_children=True)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                _, fields = _read(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            if int(fields[1]) == server:
                total += _seconds(int(entry.name), ended_children=False)
    return total


def read_cpu(process: int) -> float:
    """Return the CPU seconds that a process has used."""
    return _seconds(process, ended_children=False)


def _seconds(process: int, *, ended_children: bool) -> float:
    _, fields = _read(process)
    return sum(map(int, fields[11 : 15 if ended_children else 13])) / _TICKS


def _read(process: int) -> tuple[str, list[str]]:
    """Return a process's command, and the fields behind that: its state, its parent, ..."""
    text = (Path("/proc") / str(process) / "stat").read_text()
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], after.split()
