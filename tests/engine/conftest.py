"""The engine in a database of its own, on each PostgreSQL we support: one after the other, with all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.engine.crashing import install_crash
from tests.engine.support import Connection, Engine
from tests.fix_postgres import VERSIONS, Server, copy_database, drop_database


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"pg{version}")
def engine_server(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Server:
    """A server of the version whose turn it is."""
    return servers(request.param)


@pytest.fixture
def server(engine_server: Server) -> Server:
    """What `database` is made on."""
    return engine_server


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A database of its own."""
    with psycopg.connect(database, autocommit=True) as owner:
        yield Engine(database, owner)


@pytest.fixture
def db(engine: Engine) -> Connection:
    """The owner's connection to the engine."""
    return engine.owner


@pytest.fixture
def crashing(db: Connection) -> Connection:
    """A database in which a session that sets test.crash_at dies there. `public.effect` is a table of the user's."""
    db.execute("create table public.effect (n integer)")
    install_crash(db)
    return db


@pytest.fixture(scope="module")
def shared_engine(engine_server: Server) -> Iterator[Engine]:
    """A database that a module's tests share, for those that leave nothing behind in it."""
    url = copy_database(engine_server)
    with psycopg.connect(url, autocommit=True) as owner:
        yield Engine(url, owner)
    drop_database(engine_server, url)


@pytest.fixture
def shared_db(shared_engine: Engine) -> Connection:
    """The owner's connection to the shared engine."""
    return shared_engine.owner
