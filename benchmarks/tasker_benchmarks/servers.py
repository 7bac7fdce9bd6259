"""PostgreSQL servers and databases for benchmarks. Touches processes, files and databases."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tasker.embedded import start_server
from tasker_sql.connection import Database

__all__ = ["counting_server", "fresh_database", "own_server"]

_OURS = re.compile(
    r"tasker_bench_.*_([0-9a-f]{8})[0-9a-f]{4}"
)  # when it was made, and what makes it the only one
_NEW = 60.0  # seconds in which nobody may be connected to a database yet
_DEBIAN = Path("/usr/lib/postgresql/15/bin")


def own_server() -> str:
    """Start the server that comes with Tasker, with Tasker's settings, in a folder of its own; its URL.

    It is stopped when this process ends.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tasker-benchmarks"
    return start_server(home)


@contextmanager
def fresh_database(server: str, name: str) -> Generator[Database]:
    """A new, empty database of a server, of a name that no other has, dropped after.

    The URL must be allowed to create one. What runs that were killed have left is dropped too: a connection to each
    database tells others that it is in use.
    """
    own = f"tasker_bench_{name}_{int(time.time()):08x}{secrets.token_hex(2)}"
    named = sql.Identifier(own)
    with psycopg.connect(server, autocommit=True) as connection:
        _drop_left(connection)
        connection.execute(sql.SQL("create database {}").format(named))
        try:
            with psycopg.connect(server, dbname=own, autocommit=True):
                yield Database(make_conninfo(server, dbname=own))
        finally:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(named))


def _drop_left(connection: psycopg.Connection) -> None:
    """Drop the databases of runs that are dead: those that nobody is connected to, and that were not made just now."""
    for (name,) in connection.execute("select datname from pg_database").fetchall():
        made = _OURS.fullmatch(name)
        if made is None or int(made[1], 16) > time.time() - _NEW:
            continue
        with suppress(
            psycopg.errors.ObjectInUse,
            psycopg.errors.InvalidCatalogName,
            psycopg.errors.InsufficientPrivilege,
        ):
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))


@contextmanager
def counting_server() -> Generator[str | None]:
    """A PostgreSQL 15 of Debian's with pg_stat_statements, which the server in the wheel lacks; None if there is none.

    To count statements by, not to take times: counting costs.
    """
    if not (_DEBIAN / "postgres").exists():
        yield None
        return
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="tasker-bench-") as folder:
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        data = f"{folder}/data"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": folder,
            "shared_preload_libraries": "pg_stat_statements",
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(_DEBIAN / program), "-D", data, *arguments],
                user=user,
                cwd="/",
                check=True,
                stdout=subprocess.DEVNULL,
            )

        run("initdb", "-U", "postgres", "--no-sync")
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield make_conninfo(host=folder, dbname="postgres", user="postgres")
        finally:
            run("pg_ctl", "-w", "-m", "fast", "stop")
            shutil.rmtree(data, ignore_errors=True)
