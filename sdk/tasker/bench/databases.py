"""Databases that are there for one measurement. Touches databases."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidCatalogName,
    ObjectInUse,
    OperationalError,
)

from tasker.errors import InvalidStateError
from tasker_sql.connection import Database

__all__ = ["USE_HERE", "fresh_database"]

USE_HERE = "Use a login that may, or an empty database that you drop afterwards, with --here."

_OURS = re.compile(r"tasker_bench_.*_([0-9a-f]{8})[0-9a-f]{4}")  # when it was made, and chance
_NEW = 60.0  # seconds in which nobody may be connected to a database yet


@contextmanager
def fresh_database(server: str, name: str) -> Generator[Database]:
    """A new, empty database of a server, dropped after. Its name begins with `tasker_bench_NAME_`, and no other has it.

    What runs that were killed have left is dropped before. Raises InvalidStateError when the URL's login may not create
    a database.
    """
    own = f"tasker_bench_{name}_{int(time.time()):08x}{secrets.token_hex(2)}"
    named = sql.Identifier(own)
    with psycopg.connect(server, autocommit=True) as connection:
        _drop_left(connection)
        try:
            connection.execute(sql.SQL("create database {}").format(named))
        except InsufficientPrivilege:
            raise InvalidStateError(
                f"{connection.info.user} may not create a database to measure in", USE_HERE
            ) from None
        try:
            with ExitStack() as held:
                with suppress(OperationalError):  # whoever uses it says that it cannot be reached
                    held.enter_context(psycopg.connect(server, dbname=own, autocommit=True))
                yield Database(make_conninfo(server, dbname=own))
        finally:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(named))


def _drop_left(connection: psycopg.Connection) -> None:
    """Drop the databases of runs that are dead: those that nobody is connected to, and that were not made just now."""
    for (name,) in connection.execute("select datname from pg_database").fetchall():
        made = _OURS.fullmatch(name)
        if made is None or int(made[1], 16) > time.time() - _NEW:
            continue
        with suppress(ObjectInUse, InvalidCatalogName, InsufficientPrivilege):
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
