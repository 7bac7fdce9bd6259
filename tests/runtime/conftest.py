"""A client of a fresh database, for tests that are coroutines."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from tasker import Client


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(database: str) -> AsyncIterator[Client]:
    async with Client(database) as client:
        yield client


@pytest.fixture
async def db(database: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection beside the client's, on which each statement commits."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        yield connection
