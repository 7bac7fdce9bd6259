"""Fires schedules, and starts what they have buffered. Touches the database through `ask`.

All that is done here is to find times; what becomes of them is decided by the database, once, whoever asks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from itertools import islice, takewhile
from typing import Any

import anyio

from tasker_orchestration.database import Ask
from tasker_orchestration.fire_times import SpecError, find_fires, parse_time

__all__ = ["fire_due", "schedule"]

_log = logging.getLogger(__name__)


async def schedule(ask: Ask, *, max_rows: int, longest_rest: float) -> None:
    """Fire schedules for ever, each as near to its time as the database answers.

    Rests until the next one that is known, at most `longest_rest` seconds: tasks that buffered fires wait for may end
    meanwhile.
    """
    while True:
        await ask("select tasker.release_fires(%s)", [max_rows])
        answer = await ask("select tasker.due_schedules(%s)", [max_rows])
        for due in answer["due"]:
            await fire_due(ask, due)
        if answer["due"]:
            continue
        next_due = answer["next_due"]
        rest = longest_rest if next_due is None else next_due - time.time()
        await anyio.sleep(min(max(rest, 0.01), longest_rest))


async def fire_due(ask: Ask, due: Mapping[str, Any]) -> bool:
    """Have one element of `tasker.due_schedules` decided; whether it was, and not by another orchestrator before."""
    until, room = parse_time(due["until"]), due["room"]
    try:
        found = find_fires(due["definition"], parse_time(due["after"]))
        fires = list(islice(takewhile(lambda at: at <= until, found), room))
        following = next(find_fires(due["definition"], fires[-1] if fires else until), None)
    except SpecError as error:
        _log.error("schedule %s rests until it is updated: %s", due["name"], error)
        return await ask(
            "select tasker.fault_schedule(%s, %s, %s)",
            [due["schedule_id"], due["revision"], str(error)],
        )
    return await ask(
        "select tasker.fire_schedule(%s, %s, %s::timestamptz[], %s::timestamptz, %s)",
        [due["schedule_id"], due["revision"], fires, following, due["backfill_id"]],
    )
