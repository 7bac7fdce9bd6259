"""Which database to use: the one named, else TASKER_DATABASE_URL, else the embedded one. Reads the environment when called."""

from __future__ import annotations

import os

import anyio.to_thread

from tasker_sql.connection import Database, find_pooler

__all__ = ["resolve_database"]


async def resolve_database(url: str | None = None) -> Database:
    """The database to use. Raises DatabaseUnavailable when it does not answer."""
    return await anyio.to_thread.run_sync(
        find_pooler, Database(url or os.environ["TASKER_DATABASE_URL"])
    )
