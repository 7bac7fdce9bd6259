"""A database with one of everything in it, for a module of hostile calls that leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.fix_postgres import Server, copy_database, drop_database
from tests.fuzz.world import World, make_world


@pytest.fixture(scope="module")
def world(servers: Callable[[int], Server]) -> Iterator[World]:
    """The world, on the newest server; each statement ends after a minute."""
    url = copy_database(servers(18))
    with psycopg.connect(url, autocommit=True, options="-c statement_timeout=60s") as owner:
        yield make_world(owner)
    drop_database(servers(18), url)
