"""Connections to other databases than Tasker's, which tables name by a secret. Touches those databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import anyio
import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from tasker.actions.secrets import SecretError, Secrets
from tasker.actions.table_shape import Shapes
from tasker_grammar.resources import Secret
from tasker_grammar.world import ActionFailed
from tasker_sql.connection import Database

__all__ = ["Databases"]

_MOST = 4  # connections to one database
_PATIENCE = 10.0  # seconds until one must be there, once it is one's turn
_LONGEST = 60.0  # seconds that it is lent for: a server that hangs keeps nobody for ever


@dataclass(frozen=True, slots=True)
class _Open:
    """A database that is used, what is known of its tables, and whose turn it is."""

    pool: AsyncConnectionPool[AsyncConnection]
    turns: asyncio.Semaphore
    shapes: Shapes


class Databases:
    """A few connections to each database, opened when they are needed. Use it as a context manager."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._open: dict[str, _Open] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._stack.aclose()
        self._open.clear()

    @asynccontextmanager
    async def connect(self, secret: Secret) -> AsyncGenerator[tuple[AsyncConnection, Shapes]]:
        """A connection, on which each statement commits, and what is known of its tables. While all are used, it waits.

        Raises ActionFailed (RESOURCE_UNAVAILABLE) when there is none to be had, whose message holds no part of the
        connection string.
        """
        found = await self._find(secret)
        async with found.turns, AsyncExitStack() as stack:
            try:
                lent = found.pool.connection(timeout=_PATIENCE)
                connection = await stack.enter_async_context(lent)
            except (psycopg.Error, PoolTimeout, PoolClosed) as error:
                raise _unavailable(secret, f"does not answer ({type(error).__name__})") from None
            try:
                # A scope of anyio's, which breaks off psycopg's wait for a cancelled statement as well.
                with anyio.fail_after(_LONGEST):
                    yield connection, found.shapes
            except TimeoutError:
                raise _unavailable(secret, f"needs longer than {_LONGEST:g} s") from None

    async def _find(self, secret: Secret) -> _Open:
        try:
            conninfo = self._secrets(secret.name).value
            conninfo_to_dict(conninfo)
        except SecretError as error:
            raise ActionFailed("RESOURCE_UNAVAILABLE", str(error), retryable=True) from None
        except psycopg.ProgrammingError:
            raise _unavailable(secret, "is no connection string") from None
        if conninfo not in self._open:
            pool = Database(conninfo, pooled=True).pool_async(_MOST)
            self._open[conninfo] = _Open(pool, asyncio.Semaphore(_MOST), {})
            await pool.open()
            self._stack.push_async_callback(pool.close)
        return self._open[conninfo]


def _unavailable(secret: Secret, what: str) -> ActionFailed:
    message = f"the database of the secret {secret.name} {what}"
    return ActionFailed("RESOURCE_UNAVAILABLE", message, retryable=True)
