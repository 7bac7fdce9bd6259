"""Fires due timers: retries, delayed starts, time limits. Touches the database through `ask`."""

from __future__ import annotations

import time

import anyio

from tasker_orchestration.database import Ask

__all__ = ["promote"]


async def promote(ask: Ask, *, max_rows: int, longest_rest: float) -> None:
    """Fire timers for ever, each as near to its time as the database answers.

    Rests until the next one that is known, at most `longest_rest` seconds, because an earlier one may be set meanwhile.
    """
    while True:
        answer = await ask("select tasker.promote_due(%s)", [max_rows])
        next_due = answer["next_due"]
        if answer["fired"] and next_due is not None and next_due <= time.time():
            continue
        rest = longest_rest if next_due is None else next_due - time.time()
        await anyio.sleep(min(max(rest, 0.01), longest_rest))
