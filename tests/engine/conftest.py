"""The engine in a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.engine.support import Connection, Engine
from tests.fix_postgres import Server, copy_database, drop_database


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """On the newest PostgreSQL."""
    with psycopg.connect(database, autocommit=True) as owner:
        yield Engine(database, owner)


@pytest.fixture
def any_engine(any_database: str) -> Iterator[Engine]:
    """On each PostgreSQL we support, one after the other."""
    with psycopg.connect(any_database, autocommit=True) as owner:
        yield Engine(any_database, owner)


@pytest.fixture
def db(engine: Engine) -> Connection:
    """The owner's connection to the engine."""
    return engine.owner


@pytest.fixture(scope="module")
def shared_engine(servers: Callable[[int], Server]) -> Iterator[Engine]:
    """A database that a module's tests share, for those that leave nothing behind in it."""
    url = copy_database(servers(18))
    with psycopg.connect(url, autocommit=True) as owner:
        yield Engine(url, owner)
    drop_database(servers(18), url)


@pytest.fixture
def shared_db(shared_engine: Engine) -> Connection:
    """The owner's connection to the shared engine."""
    return shared_engine.owner
