"""The pytest plugin. Importing it imports nothing of the engine and reads no environment; fixtures do, when used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tasker.testing import AsyncTasker, Tasker
    from tasker.testing.databases import Databases
    from tasker.testing.faults import Faults

_URL = "tasker_database_url"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names a server."""
    about = (
        "a PostgreSQL server on which tests may create databases, as the URL of any database there"
        " (default: one that starts by itself)"
    )
    parser.getgroup("tasker").addoption("--tasker-database-url", metavar="URL", help=about)
    parser.addini(_URL, about)


@pytest.fixture(scope="session")
def tasker_server(pytestconfig: pytest.Config) -> str:
    """The URL of a database on the server that tests run on. Override it to bring one of your own."""
    named: str | None = pytestconfig.getoption(_URL) or pytestconfig.getini(_URL)
    if named:
        return named
    from tasker.testing.databases import start_test_server

    return start_test_server()


@pytest.fixture(scope="session")
def _tasker_databases(tasker_server: str) -> Iterator[Databases]:  # pyright: ignore[reportUnusedFunction]
    from tasker.testing.databases import open_databases

    with open_databases(tasker_server) as databases:
        yield databases


@pytest.fixture
def tasker_database(_tasker_databases: Databases) -> Iterator[str]:
    """The URL of a database of the test's own, with the engine in it, on a clock that can be moved."""
    url = _tasker_databases.create()
    yield url
    _tasker_databases.drop(url)


@pytest.fixture
def tasker(request: pytest.FixtureRequest, tasker_database: str) -> Iterator[Tasker]:
    """The engine in a database of the test's own, for tests that are no coroutines."""
    from tasker.testing import Tasker

    with Tasker(tasker_database) as tasker, _expecting(request.session, tasker.faults):
        yield tasker


@pytest.fixture
def async_tasker(request: pytest.FixtureRequest, tasker_database: str) -> Iterator[AsyncTasker]:
    """The engine in a database of the test's own, for tests that are coroutines, by whatever plugin, on asyncio."""
    from tasker.testing import AsyncTasker

    tasker = AsyncTasker(tasker_database)
    with _expecting(request.session, tasker.faults):
        yield tasker


@contextmanager
def _expecting(session: pytest.Session, faults: Faults) -> Generator[None]:
    """Fail a test that passed although a fault of it never came about."""
    failed = session.testsfailed
    yield
    pending = "; ".join(map(str, faults.pending))
    if pending and session.testsfailed == failed:
        pytest.fail(f"faults that never came about: {pending}", pytrace=False)
