"""Connections for tests that write."""

from collections.abc import AsyncIterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def db(database: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection on which each statement commits."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        yield connection
