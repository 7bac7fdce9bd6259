"""Events that steps have emitted, as whoever reads their queue sees them. Touches the database through `ask`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import anyio

__all__ = ["EmittedEvent", "read_events"]

Ask = Callable[[LiteralString, Sequence[Any]], Awaitable[Any]]

_PAUSE = 0.5  # seconds between two looks into an empty queue
_READ: LiteralString = "select json_agg(e) from tasker.read_events(%s, 1, %s) as e"
_FINISH: LiteralString = "select tasker.finish_events(%s, %s)"


@dataclass(frozen=True, slots=True)
class EmittedEvent:
    """An event that a step emitted. `key` tells it apart from all others of its name; `reads`: how often it was given.

    `task_id` and `place` say which task emitted it, and where: the step, and the place in its composition.
    """

    id: UUID
    namespace: str
    name: str
    key: str
    payload: Any
    emitted_at: datetime
    reads: int
    task_id: UUID | None = None
    place: str | None = None


async def read_events(ask: Ask, queue: str, lease: float) -> AsyncGenerator[EmittedEvent]:
    """The events of a queue, one at a time, for ever. One is taken out when the next is asked for."""
    while True:
        found = await ask(_READ, [queue, timedelta(seconds=lease)])
        for one in found or ():
            yield _read(one)
            await ask(_FINISH, [queue, [one["receipt"]]])
        if not found:
            await anyio.sleep(_PAUSE)


def _read(one: dict[str, Any]) -> EmittedEvent:
    return EmittedEvent(
        UUID(one["event_id"]),
        one["namespace"],
        one["name"],
        one["key"],
        one["payload"],
        datetime.fromisoformat(one["emitted_at"]),
        one["reads"],
        UUID(one["task_id"]) if one["task_id"] else None,
        one["place"],
    )
