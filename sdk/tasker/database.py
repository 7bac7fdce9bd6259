"""Which database to use: the one named, else TASKER_DATABASE_URL, else the embedded one.

Reads the environment when called.
"""

from __future__ import annotations

import re

import psycopg
from anyio import to_thread

from tasker.embedded import start_embedded
from tasker.errors import DatabaseUnavailable, InvalidInputError
from tasker.settings import read_settings
from tasker_sql.connection import Database, find_pooler

__all__ = ["find_database", "resolve_database"]


def find_database(url: str | None = None) -> Database:
    """The database to use; the embedded one is started, and brought up to date.

    Raises DatabaseUnavailable when it does not answer, InvalidInputError when the URL is malformed.
    """
    settings = read_settings()
    named = url or settings.url
    if named is None:
        return start_embedded(settings.home)
    if settings.pooled is not None:
        return Database(named, pooled=settings.pooled)
    try:
        return find_pooler(Database(named))
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the database does not answer: {error}") from error
    except psycopg.ProgrammingError as error:
        # libpq quotes what it stumbled over, which may be the password.
        what = re.sub(r'"[^"]*"', '"…"', str(error)).strip()
        raise InvalidInputError(
            f"the database URL is malformed: {what}", "Write postgresql://user@host/name."
        ) from None


async def resolve_database(url: str | None = None) -> Database:
    """As find_database, without blocking the event loop."""
    return await to_thread.run_sync(find_database, url)
