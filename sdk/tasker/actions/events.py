"""`emit`: sends an event to whoever reads its queue, once for its key. Touches the database that Tasker lives in."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from tasker_grammar.resources import Event
from tasker_grammar.world import ActionFailed
from tasker_sql.session import passes

__all__ = ["emit"]

_EMIT: LiteralString = "select tasker.emit_event(%s, %s, %s, %s, %s, %s, %s)"


async def emit(
    connection: AsyncConnection,
    namespace: str,
    name: str,
    about: Event,
    key: str,
    payload: Any,
    task_id: UUID | None = None,
    place: str | None = None,
) -> str:
    """Send an event, in the connection's transaction, and give its id: that of the first with its name and key.

    `task_id` and `place` say who sends it. Raises ActionFailed (CONSTRAINT for a key or payload that cannot be
    stored, RESOURCE_UNAVAILABLE).
    """
    values = [namespace, name, key, Jsonb(payload), about.queue, task_id, place]
    try:
        async with connection.transaction():
            row = await (await connection.execute(_EMIT, values)).fetchone()
    except psycopg.Error as error:
        state = error.sqlstate or type(error).__name__
        if state == "TK002" or isinstance(error, psycopg.DataError):
            message = (
                f"the event {name} cannot be sent: its key or payload cannot be stored ({state})"
            )
            raise ActionFailed("CONSTRAINT", message) from None
        message = f"the event {name} could not be sent ({state})"
        raise ActionFailed("RESOURCE_UNAVAILABLE", message, retryable=passes(error)) from None
    except (ValueError, TypeError, UnicodeError):
        raise ActionFailed(
            "CONSTRAINT", f"the payload of {name} cannot be stored as JSON"
        ) from None
    assert row is not None
    return row[0]["event_id"]
