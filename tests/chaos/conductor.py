"""Carries a plan out on a stage, and brings the stage to rest. Touches what the faults touch, and the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import psutil
import psycopg
from tests.chaos.calm import has_room, is_calm, wait_for
from tests.chaos.faults import FAULTS, MEASURED, Fault
from tests.chaos.plan import ALONE, STREAMS, Strike
from tests.chaos.progress import Tell, minutes
from tests.chaos.stage import Stage

REST = 120.0
"""Seconds in which everything that was accepted must have come to its end, once the faults are over."""
CALM = 60.0
"""Seconds in which everybody must be at work again once no fault strikes."""
ROOM = 20.0
"""Seconds that what has gathered in a storm is given to be done; a machine that needs longer is measured anyway."""
UNAVAILABLE = 5
AWAY = "the database does not answer"
_OPEN = """
    select (select count(*) from tasker.task where state in ('pending', 'in_progress', 'waiting', 'paused'))
        + (select count(*) from pgmq.q_tasker_chaos) + (select count(*) from pgmq.q_tasker_abroad)
"""


async def conduct(stage: Stage, plan: Sequence[Strike], seconds: float, tell: Tell) -> None:
    """Strike by strike, each on its time or when the one before it in its stream is over; the measured ones alone."""
    turns: dict[str, asyncio.Lock] = {stream: asyncio.Lock() for stream in STREAMS}
    running: list[asyncio.Task[None]] = []
    if not await asyncio.to_thread(wait_for, is_calm, stage, CALM):
        fallen = [f"{post.name}: {post.said}" for post in stage.posts if post.fallen() is not None]
        raise AssertionError("\n".join(["it never began", *fallen]))
    watch = asyncio.create_task(_watch(stage))
    begin = time.monotonic()
    tell("running", f"{minutes(0)} of {minutes(seconds)}")
    try:
        for strike in plan:
            await asyncio.sleep(max(0.0, begin + strike.at - time.monotonic()))
            calming = ", once all is calm" if strike.measured else ""
            at = f"{minutes(strike.at)} of {minutes(seconds)}"
            tell("running", f"{at}: {strike.fault}{calming}")
            if strike.measured:
                await asyncio.gather(*running)
                running.clear()
                await _strike_alone(stage, strike)
                begin = max(
                    begin, time.monotonic() - strike.at - ALONE
                )  # all that follows is as late
            else:
                running.append(asyncio.create_task(_strike(stage, strike, turns[strike.stream])))
        await asyncio.gather(*running)
        await _rest(stage, tell)
    finally:
        watch.cancel()


async def _strike(stage: Stage, strike: Strike, turn: asyncio.Lock) -> None:
    async with turn:
        if strike.fault not in stage.missing:
            await _do(stage, strike, FAULTS)


async def _strike_alone(stage: Stage, strike: Strike) -> None:
    """Once everybody is at work again; and then let them recover."""
    if not await asyncio.to_thread(wait_for, is_calm, stage, CALM):
        stage.say("never calm", fault=strike.fault)
    await asyncio.to_thread(wait_for, has_room, stage, ROOM)
    await _do(stage, strike, MEASURED)
    await asyncio.sleep(ALONE - strike.seconds)


async def _do(stage: Stage, strike: Strike, faults: Sequence[Fault]) -> None:
    [fault] = [fault for fault in faults if fault.kind.name == strike.fault]
    stage.say("striking", fault=strike.fault, seconds=strike.seconds)
    try:
        facts = await fault.strike(stage, strike.which, strike.seconds)
    except (psycopg.OperationalError, psutil.NoSuchProcess) as error:
        # Another fault has the server or the process just now, and this one found nobody to strike.
        facts = {"missed": str(error)[:200]}
    stage.say("struck", fault=strike.fault, measured=strike.measured, facts=facts)


async def _watch(stage: Stage) -> None:
    """Write down who ends by itself, which nobody should, and put another there."""
    while True:
        for post in stage.posts:
            code = post.fallen()
            if code is not None and not stage.ending:
                # A process that finds no database when it starts says so and ends: its supervisor starts it again.
                turned_away = code == UNAVAILABLE and AWAY in post.said
                event = "turned away" if turned_away else "fell"
                stage.say(event, post=post.name, code=code, log=post.said)
                post.start()
        if stage.pooling is not None and stage.pooling.poll() is not None:
            # PgBouncer 1.18 aborts now and then when a client cancels what it asked.
            stage.say("pooler fell", code=stage.pooling.returncode)
            stage.start_pooler()
        await asyncio.sleep(0.2)


async def _rest(stage: Stage, tell: Tell) -> None:
    """Let the client end, then wait for all tasks to end, then stop everybody."""
    stage.say("resting")
    tell("draining", f"{minutes(REST)} at most: the client hears of its tasks")
    stage.ending = True
    [client] = stage.of("client")
    deadline = time.monotonic() + REST
    code = await asyncio.to_thread(client.end, REST)
    if code != 0:
        stage.say("fell", post=client.name, code=code, log=client.said)
    while time.monotonic() < deadline and (left := await asyncio.to_thread(_count_open, stage)):
        tell(
            "draining",
            f"{minutes(deadline - time.monotonic())} at most: {left} tasks and messages are open",
        )
        await asyncio.sleep(0.2)
    stage.say("rested")
    for post in stage.of("worker") + stage.of("orchestrator"):
        code = await asyncio.to_thread(post.end, 20)
        if code != 0:
            stage.say("fell", post=post.name, code=code, log=post.said)


def _count_open(stage: Stage) -> int:
    with psycopg.connect(stage.url, autocommit=True) as connection:
        row = connection.execute(_OPEN).fetchone()
        return row[0] if row else 0
