"""A connection that outlives its sockets: opened when first needed, again when it broke, one statement at a time.

Touches the database.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString, Self

import anyio
import psycopg
from psycopg import AsyncConnection

__all__ = ["Session", "passes"]

_log = logging.getLogger(__name__)

# Deadlock, serialization failure, statement and lock time-outs, a server that is read-only during a failover.
_ROLLED_BACK = frozenset({"40P01", "40001", "57014", "55P03", "25006"})
_SERVER_GOES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
# Connections (PgBouncer says 08P01 when its server is gone, or when it has none); out of disk, memory, connections.
_CLASSES_THAT_PASS = ("08", "53")
_LONGEST_WAIT = 1.0  # seconds, spread by half: work goes on within two of the database's return
_FRESH = 1.0  # seconds in which a connection that answered is taken to be alive


def passes(error: psycopg.Error) -> bool:
    """Whether an error may be gone when the same statement is sent again: lost connections, deadlocks."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate in _ROLLED_BACK | _SERVER_GOES or error.sqlstate.startswith(
        _CLASSES_THAT_PASS
    )


class Session:
    """Runs statements of one value each, in a transaction of their own. Use it as a context manager.

    What fails for a reason that passes is tried again, with jittered backoff, for `patience` seconds (None: for ever).
    """

    def __init__(
        self, connect: Callable[[], Awaitable[AsyncConnection]], patience: float | None
    ) -> None:
        self._connect = connect
        self._patience = patience
        self._connection: AsyncConnection | None = None
        self._answered_at = 0.0
        self._turn = anyio.Lock(fast_acquire=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection, if one is open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def ask(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        """Run a statement that may safely run twice; return the first column of its first row, or None."""

        async def once() -> Any:
            return await self._run(self._open, statement, parameters)

        return await self._patiently(once, passes)

    async def tell(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        """As `ask`, for a statement that must not run twice.

        It is sent again only when it is sure to have been rolled back. When the connection is lost under it, nobody
        knows, and the error is raised.
        """

        async def once() -> Any:
            return await self._run(
                lambda: self._patiently(self._live, passes), statement, parameters
            )

        return await self._patiently(once, lambda error: error.sqlstate in _ROLLED_BACK)

    async def _patiently(
        self, once: Callable[[], Awaitable[Any]], again: Callable[[psycopg.Error], bool]
    ) -> Any:
        deadline = None if self._patience is None else anyio.current_time() + self._patience
        wait = 0.05
        while True:
            pause = wait * random.uniform(0.5, 1.5)
            try:
                return await once()
            except psycopg.Error as error:
                if not again(error) or (
                    deadline is not None and anyio.current_time() + pause > deadline
                ):
                    raise
                _log.info("will ask the database again in %.2f s: %s", pause, error)
            await anyio.sleep(pause)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _open(self) -> AsyncConnection:
        async with self._turn:
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
            return self._connection

    async def _live(self) -> AsyncConnection:
        """An open connection that has just shown that it is alive."""
        if anyio.current_time() - self._answered_at > _FRESH:
            await self._run(self._open, "select 1", ())
        return await self._open()

    async def _run(
        self,
        open_: Callable[[], Awaitable[AsyncConnection]],
        statement: LiteralString,
        parameters: Sequence[Any],
    ) -> Any:
        while True:
            connection = await open_()
            async with self._turn:
                # Whoever had the turn in between may have lost the connection, and nothing of this is sent yet.
                if not connection.closed:
                    return await self._send(connection, statement, parameters)

    async def _send(
        self, connection: AsyncConnection, statement: LiteralString, parameters: Sequence[Any]
    ) -> Any:
        try:
            cursor = await connection.execute(statement, parameters)
            row = await cursor.fetchone()
        except psycopg.Error:
            raise
        except BaseException:
            # Cancelled under way: what the connection is in the middle of is unknown, so it is not used again.
            await connection.close()
            raise
        self._answered_at = anyio.current_time()
        return row[0] if row is not None else None
