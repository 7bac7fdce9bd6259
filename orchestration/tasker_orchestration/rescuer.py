"""The backstop for anything that is ready but in no queue. Touches the database through `ask`."""

from __future__ import annotations

import logging
import time

import anyio

from tasker_orchestration.database import Ask

__all__ = ["choose_rest", "rescue"]

_log = logging.getLogger(__name__)

_SHARE = 0.001
_LONGEST = 600.0


async def rescue(ask: Ask, *, max_rows: int, interval: float) -> None:
    """Walk all open tasks, a page at a time, every `interval` seconds or less often, for ever."""
    while True:
        began = time.monotonic()
        after: str | None = None
        while True:
            answer = await ask("select tasker.rescue(%s, %s)", [after, max_rows])
            if answer["rescued"]:
                _log.warning("rescued %s steps that were ready but in no queue", answer["rescued"])
            after = answer["next"]
            if after is None:
                break
        await anyio.sleep(choose_rest(time.monotonic() - began, interval))


def choose_rest(walked: float, interval: float) -> float:
    """How many seconds to rest after a walk of so many: a thousandth of the time is walked at most, so that a hundred
    thousand tasks which sleep cost nothing to speak of. Never longer than ten minutes, unless `interval` is.
    """
    return max(interval, min(walked / _SHARE, _LONGEST))
