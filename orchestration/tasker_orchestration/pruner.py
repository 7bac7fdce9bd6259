"""Retention: deletes tasks that ended long ago, and the record of old fires and events, in bounded batches.

Touches the database through `ask`.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import anyio

from tasker_orchestration.database import Ask

__all__ = ["prune"]

_log = logging.getLogger(__name__)

_RECORDS = (
    "select tasker.prune_fires(%s, %s)",
    "select tasker.prune_events(%s, %s)",
)


async def prune(
    ask: Ask, *, retention: timedelta, max_rows: int, interval: float, pause: float
) -> None:
    """Delete what ended longer ago than `retention`, every `interval` seconds, for ever.

    Rests `pause` seconds after each batch, so that a large clean-up does not crowd out the work.
    """
    while True:
        after: str | None = None
        pruned = 0
        while True:
            answer = await ask("select tasker.prune(%s, %s, %s)", [retention, after, max_rows])
            pruned += answer["pruned"]
            after = answer["next"]
            if after is None:
                break
            await anyio.sleep(pause)
        for statement in _RECORDS:
            while await ask(statement, [retention, max_rows]) >= max_rows:
                await anyio.sleep(pause)
        if pruned:
            _log.info("pruned %s tasks that ended more than %s ago", pruned, retention)
        await anyio.sleep(interval)
