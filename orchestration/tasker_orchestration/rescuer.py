"""The backstop for anything that is ready but in no queue. Touches the database through `ask`."""

from __future__ import annotations

import logging

import anyio

from tasker_orchestration.database import Ask

__all__ = ["rescue"]

_log = logging.getLogger(__name__)


async def rescue(ask: Ask, *, max_rows: int, interval: float) -> None:
    """Walk all open tasks, a page at a time, every `interval` seconds, for ever."""
    while True:
        after: str | None = None
        while True:
            answer = await ask("select tasker.rescue(%s, %s)", [after, max_rows])
            if answer["rescued"]:
                _log.warning("rescued %s steps that were ready but in no queue", answer["rescued"])
            after = answer["next"]
            if after is None:
                break
        await anyio.sleep(interval)
