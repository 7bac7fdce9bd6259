"""Keeps a worker's leases, from a thread and a connection of its own: neither a blocked event loop nor a busy handler
stops it. Touches the database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import psycopg

from tasker.grant import Grant
from tasker_sql.connection import Database

__all__ = ["Heartbeat"]

Held = Sequence[tuple[Grant, Mapping[str, Any] | None]]

_log = logging.getLogger(__name__)


class Heartbeat:
    """A thread that reports three times in the length of a lease (`lease`, in seconds).

    `leases` gives what is held now, with each handler's progress. `lost` is told of a grant that is no longer this
    worker's, and whether its step was cancelled; `forgotten` is called when the database does not know the worker.
    Both are called on the thread. A report that fails is sent again soon, on a new connection.
    """

    def __init__(
        self,
        database: Database,
        worker_id: UUID,
        lease: float,
        leases: Callable[[], Held],
        lost: Callable[[Grant, bool], None],
        forgotten: Callable[[], None],
    ) -> None:
        self._database = database
        self._worker_id = worker_id
        self._lease = lease
        self._leases = leases
        self._lost = lost
        self._forgotten = forgotten
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tasker-heartbeat", daemon=True)

    def start(self) -> None:
        """Start reporting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reporting. The thread ends at once, or when the report under way is answered."""
        self._stopping.set()

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                with self._database.connect() as connection:
                    while not self._stopping.wait(self._lease / 3):
                        self._report(connection)
            except Exception as error:  # without heartbeats every lease of the worker would be lost
                _log.warning("heartbeat failed, will try again: %s", error)
            wait = min(0.5, self._lease / 10)

    def _report(self, connection: psycopg.Connection) -> None:
        held = self._leases()
        leases = orjson.dumps(
            [{**grant.lease(), "progress": progress} for grant, progress in held]
        ).decode()
        row = connection.execute(
            "select tasker.heartbeat(%s, %s, %s::jsonb, %s)",
            [self._worker_id, len(held), leases, self._lease],
        ).fetchone()
        answer: Mapping[str, Any] = row[0] if row else {}
        if not answer["known"]:
            self._forgotten()
        gone: list[int] = answer["lost"]
        cancelled: list[int] = answer["cancelled"]
        for number in gone + cancelled:
            self._lost(held[number - 1][0], number in cancelled)
