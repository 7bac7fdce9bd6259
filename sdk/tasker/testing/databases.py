"""Databases for tests: one is migrated, once, and each test gets a copy of it. Touches a PostgreSQL server.

Model: the database to copy is named after what is in it, so that one of another version is never taken for it; it is
kept for the next run. Making it, and clearing up, take turns by an advisory lock, so processes may share a server.
What a killed run has left is dropped by the next: each run holds a lock for as long as it lives, and its copies bear
the lock's number.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tasker.embedded import start_server
from tasker.errors import DatabaseUnavailable, InvalidInputError
from tasker.settings import read_settings
from tasker_sql.loader import SqlFile, checksum, migrations, read_folder
from tasker_sql.migrate import migrate

__all__ = ["Databases", "open_databases", "start_test_server"]

_TURN = 0x7465737473  # "tests"
_RUNS = 0x72756E73  # "runs"; the second number is the run's

_CONFIGURATION = """\
# Written by Tasker when it made this server, which is for tests only: it forgets what it has when the power fails.
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 128MB
max_wal_size = 4GB
max_connections = 200
jit = off
"""


def start_test_server() -> str:
    """Start the embedded server for tests, or join it; the URL of its database postgres."""
    return start_server(read_settings().home / "testing", _CONFIGURATION)


class Databases:
    """The databases of one run of tests."""

    def __init__(self, url: str, connection: Connection, run: int) -> None:
        self._url = url
        self._connection = connection
        self._run = run
        self._made = 0
        self._template = f"tasker_template_{_fingerprint(connection.info.user)[:12]}"

    def create(self) -> str:
        """Make a fresh database with the engine in it; its URL."""
        self._made += 1
        name = f"tasker_test_{self._run}_{self._made}"
        try:
            self._copy(name)
        except psycopg.errors.InvalidCatalogName:
            self._make_template()
            self._copy(name)
        return make_conninfo(self._url, dbname=name)

    def drop(self, url: str) -> None:
        """Drop one of them, whoever is still connected."""
        _drop(self._connection, str(conninfo_to_dict(url)["dbname"]))

    def _copy(self, name: str) -> None:
        create = sql.SQL("create database {} template {}")
        self._connection.execute(
            create.format(sql.Identifier(name), sql.Identifier(self._template))
        )

    def _make_template(self) -> None:
        with _turn(self._connection):
            there = _names(self._connection, r"tasker_template_\w+")
            if self._template in there:
                return
            for name in there:  # another version's; it makes its own again when it needs it
                _drop(self._connection, name)
            unfinished = sql.Identifier(f"{self._template}_unfinished")
            self._connection.execute(sql.SQL("create database {}").format(unfinished))
            url = make_conninfo(self._url, dbname=f"{self._template}_unfinished")
            with psycopg.connect(url, autocommit=True) as inside:
                migrate(inside)
                for file in _clock():
                    inside.execute(file.text)
            # A database that somebody is connected to cannot be copied.
            rename = sql.SQL(
                "alter database {0} rename to {1}; alter database {1} allow_connections false"
            )
            self._connection.execute(rename.format(unfinished, sql.Identifier(self._template)))


@contextmanager
def open_databases(url: str) -> Generator[Databases]:
    """The databases of a run, on the server that `url` leads to; they are dropped at its end.

    Raises DatabaseUnavailable when it does not answer, InvalidInputError when the role may not create databases there.
    """
    with _connect(url) as connection:
        row = connection.execute(
            "select rolsuper or rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone()
        if row is None or not row[0]:
            raise InvalidInputError(
                f"the role {connection.info.user} may not create databases for tests",
                f'Grant it: alter role "{connection.info.user}" createdb',
            )
        run = secrets.randbelow(2**31)
        connection.execute("select pg_advisory_lock(%s, %s)", [_RUNS, run])
        _drop_left(connection)
        yield Databases(url, connection, run)
        for name in _names(connection, rf"tasker_test_{run}_\d+"):
            _drop(connection, name)


def _connect(url: str) -> Connection:
    try:
        return psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            "the server for tests, as --tasker-database-url, tasker_database_url in pytest's settings"
            f" or the fixture tasker_server names it, does not answer: {error}"
        ) from error


def _drop_left(connection: Connection) -> None:
    """Drop the databases of runs that are no more."""
    with _turn(connection):
        for name in _names(connection, r"tasker_test_\d+_\d+"):
            run = int(name.split("_")[2])
            row = connection.execute("select pg_try_advisory_lock(%s, %s)", [_RUNS, run]).fetchone()
            if row is not None and row[0]:
                _drop(connection, name)
                connection.execute("select pg_advisory_unlock(%s, %s)", [_RUNS, run])


@contextmanager
def _turn(connection: Connection) -> Generator[None]:
    connection.execute("select pg_advisory_lock(%s)", [_TURN])
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", [_TURN])


def _names(connection: Connection, pattern: str) -> list[str]:
    """This role's databases whose names match."""
    found = connection.execute(
        "select datname from pg_database where datname ~ %s and pg_get_userbyid(datdba) = current_user",
        [f"^{pattern}$"],
    )
    return [row[0] for row in found]


def _drop(connection: Connection, name: str) -> None:
    connection.execute(
        sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    )


def _clock() -> list[SqlFile]:
    folder = files("tasker.testing") / "sql"
    found = [SqlFile(entry.name, entry.read_bytes()) for entry in folder.iterdir()]
    return sorted(found, key=lambda file: file.name)


def _fingerprint(owner: str) -> str:
    """What tells one database to copy from another: what is in it, and whose it is, who alone may copy it."""
    contents = [SqlFile(owner, b""), *(SqlFile(one.name, one.text) for one in migrations())]
    return checksum([*contents, *read_folder("functions"), *read_folder("roles"), *_clock()])
