"""Databases that are there for one measurement. Touches databases."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

from tasker.errors import InvalidStateError
from tasker_sql.connection import Database

__all__ = ["USE_HERE", "fresh_database"]

USE_HERE = "Use a login that may, or an empty database that you drop afterwards, with --here."


@contextmanager
def fresh_database(server: str, name: str) -> Generator[Database]:
    """A new, empty database `tasker_bench_NAME` of a server, dropped after; one of that name is dropped before.

    Raises InvalidStateError when the URL's login may not create one.
    """
    named = sql.Identifier(f"tasker_bench_{name}")
    with psycopg.connect(server, autocommit=True) as connection:
        dropping = sql.SQL("drop database if exists {} with (force)").format(named)
        connection.execute(dropping)
        try:
            connection.execute(sql.SQL("create database {}").format(named))
        except InsufficientPrivilege:
            raise InvalidStateError(
                f"{connection.info.user} may not create a database to measure in", USE_HERE
            ) from None
        try:
            yield Database(make_conninfo(server, dbname=f"tasker_bench_{name}"))
        finally:
            connection.execute(dropping)
