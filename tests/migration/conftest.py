"""Databases without Tasker, for tests of the migrator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from tests.fix_postgres import Server, drop_database


@contextmanager
def empty_on(server: Server) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(name))
        )
    yield server.url(name)
    drop_database(server, server.url(name))


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """An empty database on the newest server."""
    with empty_on(server) as url:
        yield url


@pytest.fixture
def any_empty(any_server: Server) -> Iterator[str]:
    """As `empty`, on each of the versions we support."""
    with empty_on(any_server) as url:
        yield url
