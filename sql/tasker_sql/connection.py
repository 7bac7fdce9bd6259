"""Connections with Tasker's settings. Touches the database; reads no environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson
from psycopg import AsyncConnection, Connection
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, ConnectionPool

__all__ = ["Database", "find_pooler"]


@dataclass(frozen=True, slots=True)
class Database:
    """Which database, and how to talk to it.

    `pooled`: a pooler in transaction mode (PgBouncer) stands before it, so there is no LISTEN and no prepared
    statement. `embedded`: Tasker started it by itself.
    """

    conninfo: str
    pooled: bool = False
    embedded: bool = False

    async def connect_async(self) -> AsyncConnection:
        """Open a connection that commits each statement."""
        connection = await AsyncConnection.connect(self.conninfo, **self._settings)
        _use_orjson(connection)
        return connection

    def connect(self) -> Connection:
        """Open a connection that commits each statement, for use without an event loop."""
        connection = Connection.connect(self.conninfo, **self._settings)
        _use_orjson(connection)
        return connection

    def pool_async(self, most: int) -> AsyncConnectionPool[AsyncConnection]:
        """A closed pool of up to so many connections that commit each statement, opened when needed.

        One that broke while nobody used it, as when the server was started again, is not lent.
        """
        return AsyncConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=most,
            kwargs=self._settings,
            configure=_prepare_async,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    def pool(self, most: int) -> ConnectionPool[Connection]:
        """As `pool_async`, for use without an event loop."""
        return ConnectionPool(
            self.conninfo,
            min_size=0,
            max_size=most,
            kwargs=self._settings,
            configure=_use_orjson,
            check=ConnectionPool.check_connection,
            open=False,
        )

    @property
    def _settings(self) -> dict[str, Any]:
        return {"autocommit": True, "prepare_threshold": None if self.pooled else 2, **_OPTIONS}


def find_pooler(database: Database) -> Database:
    """The same database, with `pooled` as it is found to be.

    A pooler answers the start of a session with a process id of its own making; behind it, the server has another.
    """
    with replace(database, pooled=True).connect() as connection:
        row = connection.execute("select pg_backend_pid()").fetchone()
        return replace(database, pooled=row is not None and row[0] != connection.info.backend_pid)


# A server that is gone without a word is noticed within half a minute.
_OPTIONS: dict[str, Any] = {
    "application_name": "tasker",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
}


def _use_orjson(connection: Connection | AsyncConnection) -> None:
    set_json_dumps(lambda value: orjson.dumps(value), connection)
    set_json_loads(orjson.loads, connection)


async def _prepare_async(connection: AsyncConnection) -> None:
    _use_orjson(connection)
