"""What a handler writes to the same database, committed together with the completion of its step. Touches the database.

The handler's transaction stays open after its `with` block. When the handler has returned, its outcome is applied in
that transaction, which then commits; whatever else happens, it is rolled back. A composition commits before that, too,
each time together with a checkpoint of what it has done.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import anyio
from anyio import to_thread
from psycopg import AsyncConnection, Connection, OperationalError, Rollback
from psycopg_pool import ConnectionPool

from tasker.errors import DatabaseUnavailable, PermanentError
from tasker_sql.connection import Database

__all__ = ["Pools", "Transaction"]

_MOST = 20  # connections of each kind in one worker; a handler that finds none free waits for one
_ANSWER = 30.0  # seconds until a connection must be there, once it is one's turn
_PATIENCE = 5.0  # seconds for a rollback; a connection that needs longer is closed
_COMMIT = "select tasker.commit_outcome(%s::jsonb)"
_SAVE = "select tasker.save_checkpoint(%s, %s, %s, %s, %s, %s, %s::jsonb, true)"


class Pools:
    """The connections that a worker lends to its handlers; none is opened before one is needed."""

    def __init__(self, database: Database) -> None:
        self._async = database.pool_async(_MOST)
        self._turns = asyncio.Semaphore(_MOST)
        self._sync = database.pool(_MOST)
        self._opening = threading.Lock()

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[AsyncConnection]:
        """A connection for a handler that is async. For its turn it waits as long as it takes; then the database has to
        answer soon.
        """
        async with self._turns:
            await self._async.open()
            async with self._async.connection(timeout=_ANSWER) as connection:
                yield connection

    def open(self) -> ConnectionPool[Connection]:
        """The pool for handlers that are not."""
        with self._opening:
            self._sync.open()
        return self._sync

    async def close(self) -> None:
        """Close all connections."""
        await self._async.close()
        await to_thread.run_sync(self._sync.close)


class Transaction:
    """The transaction of one attempt, if its handler opens one. Outside a worker there is none.

    `lease` gives the attempt's lease, as heartbeats name it.
    """

    __slots__ = (
        "_async", "_async_stack", "_inside", "_lease", "_over", "_pools", "_sync", "_sync_stack",
    )  # fmt: skip

    def __init__(
        self, pools: Pools | None = None, lease: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        self._pools = pools
        self._lease = lease
        self._async: AsyncConnection | None = None
        self._sync: Connection | None = None
        self._inside = threading.RLock()
        self._over = False

    @property
    def is_open(self) -> bool:
        """Whether the handler has opened it."""
        return self._async is not None or self._sync is not None

    @asynccontextmanager
    async def enter(self) -> AsyncGenerator[AsyncConnection]:
        """A connection in the transaction; what raises within is rolled back to here."""
        if self._async is None:
            pools = self._needed()
            async with AsyncExitStack() as opening:
                with _unavailable("no connection for the transaction"):
                    connection = await opening.enter_async_context(pools.lend())
                    await opening.enter_async_context(connection.transaction())
                self._async, self._async_stack = connection, opening.pop_all()
        async with self._async.transaction():
            yield self._async

    @contextmanager
    def enter_here(self) -> Generator[Connection]:
        """As `enter`, in the thread of a handler that is not async."""
        with self._inside:
            if self._sync is None:
                pool = self._needed().open()
                with ExitStack() as opening:
                    with _unavailable("no connection for the transaction"):
                        connection = opening.enter_context(pool.connection())
                        opening.enter_context(connection.transaction())
                    self._sync, self._sync_stack = connection, opening.pop_all()
            with self._sync.transaction():
                yield self._sync

    async def save(self, name: str, data: bytes) -> bool:
        """Save JSON as a checkpoint, in place of what was there, to be committed with the rest of the transaction.

        False when the lease was lost: then all is rolled back. Raises DatabaseUnavailable.
        """
        assert self._async is not None
        given = [*self._lease().values(), name, data.decode()]
        with _unavailable("what was written cannot be kept"):
            row = await (await self._async.execute(_SAVE, given)).fetchone()
        if row is None or not row[0]:
            await self.rollback()
            return False
        return True

    async def commit_so_far(self) -> None:
        """Commit what was written; what is written from here on is another transaction. Raises DatabaseUnavailable."""
        self._async = None
        with _unavailable("what was written cannot be kept"):
            await self._async_stack.aclose()

    async def commit(self, outcome: bytes) -> bool:
        """Apply the outcome and commit; false when it was not taken, and then all is rolled back."""
        if self._async is not None:
            row = await (await self._async.execute(_COMMIT, [outcome.decode()])).fetchone()
            if row is None or not row[0]:
                return False
            await self._async_stack.aclose()
            self._async = None
            return True
        return await to_thread.run_sync(self._commit_here, outcome)

    def _commit_here(self, outcome: bytes) -> bool:
        assert self._sync is not None
        row = self._sync.execute(_COMMIT, [outcome.decode()]).fetchone()
        if row is None or not row[0]:
            return False
        self._sync_stack.close()
        self._sync = None
        return True

    async def rollback(self) -> None:
        """Undo what was not committed, and give the connection back."""
        self._over = True
        if self._async is not None:
            with anyio.move_on_after(_PATIENCE, shield=True) as scope:
                await self._async_stack.__aexit__(Rollback, Rollback(), None)
            if scope.cancelled_caught:
                await self._async.close()
            self._async = None
        if self._sync is not None:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._rollback_here)

    def _rollback_here(self) -> None:
        assert self._sync is not None
        # A handler that was left behind in its thread may be in its block: what it runs there is broken off.
        if not self._inside.acquire(blocking=False):
            self._sync.cancel_safe(timeout=_PATIENCE)
            if not self._inside.acquire(timeout=_PATIENCE):
                self._sync.close()
                return
        try:
            self._sync_stack.__exit__(Rollback, Rollback(), None)
            self._sync = None
        finally:
            self._inside.release()

    def _needed(self) -> Pools:
        if self._over:
            raise PermanentError("the attempt is over, and its transaction with it")
        if self._pools is None:
            raise PermanentError("a transaction needs a worker: there is none around this handler")
        return self._pools


@contextmanager
def _unavailable(what: str) -> Generator[None]:
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnavailable(f"{what}: {error}") from error
