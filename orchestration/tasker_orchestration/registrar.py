"""Keeps the list of live processes and the queues' low-water marks, and measures the queues. Touches the database
through `ask`.
"""

from __future__ import annotations

from uuid import UUID

import anyio
from opentelemetry import metrics

from tasker_orchestration.database import Ask

__all__ = ["keep_up"]

_BUSY = 1.0  # seconds

_meter = metrics.get_meter("tasker")
_ages = _meter.create_gauge("tasker.queue.age", "s", "Age of the oldest message that could run")
_depths = _meter.create_gauge("tasker.queue.depth", "{step}", "Messages that could run")


async def keep_up(ask: Ask, *, orchestrator_id: UUID, name: str, interval: float) -> None:
    """Report this orchestrator and look after the lists, for ever: every `interval` seconds, each second under load.

    What claims step over while an old transaction is open is what came since the marks were raised.
    """
    while True:
        upkeep = await ask("select tasker.upkeep(%s, %s)", [orchestrator_id, name])
        queues = await ask("select json_agg(q) from tasker.queue_stats() as q", [])
        for queue in queues or ():
            _ages.set(queue["oldest_age_seconds"] or 0.0, {"tasker.queue": queue["queue"]})
            _depths.set(queue["ready"], {"tasker.queue": queue["queue"]})
        await anyio.sleep(min(interval, _BUSY) if upkeep["busy"] else interval)
