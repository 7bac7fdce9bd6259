"""The faults: each is a function that strikes the stage and makes good what it broke. A new one is one more function,
and one more line in FAULTS. Touches whatever it breaks.

A function takes the stage, a number from 0 to 1 that chooses victim and extent, and how many seconds it lasts; it
returns what the report should know of it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil
import psycopg
from tests.chaos.bridges import Child, by_host, find_children
from tests.chaos.ledger import read_end
from tests.chaos.plan import FaultKind, Stream
from tests.chaos.stage import Stage
from tests.chaos.worker import LEASE

Facts = Mapping[str, Any]
Strikes = Callable[[Stage, float, float], Awaitable[Facts]]

NOBODY: Facts = {"missed": "no child has run anything lately"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, and what it does."""

    kind: FaultKind
    strike: Strikes


# Processes


def kill(role: str) -> Strikes:
    async def strike(stage: Stage, which: float, seconds: float) -> Facts:
        post = stage.choose(role, which)
        pid = await asyncio.to_thread(post.kill)
        at = time.monotonic()  # it is dead: what ran until now may have been handed in
        await asyncio.sleep(seconds)
        post.start()
        return {"victim": pid, "killed": at}

    return strike


async def kill_busiest(stage: Stage, which: float, seconds: float) -> Facts:
    """The worker that runs most handlers, so that there is something to recover."""
    running = by_host(list(read_end(stage.ledger)))
    post = max(stage.of("worker"), key=lambda post: running.get(post.pid or 0, 0))
    pid = await asyncio.to_thread(post.kill)
    at, clock = time.monotonic(), datetime.now(UTC)
    post.start()
    return {"victim": pid, "killed": at, "clock": clock.isoformat()}


async def kill_child(stage: Stage, which: float, seconds: float) -> Facts:
    child = await choose_child(stage, which)
    return NOBODY if child is None else await asyncio.to_thread(end_child, child)


async def freeze_child(stage: Stage, which: float, seconds: float) -> Facts:
    """Its worker keeps the leases of what it runs. Where the worker is killed meanwhile, it comes back to nobody."""
    child = await choose_child(stage, which)
    if child is None:
        return NOBODY
    child.process.suspend()
    frozen = time.monotonic()
    try:
        await asyncio.sleep(seconds)
    finally:
        with suppress(psutil.NoSuchProcess):  # where its worker has ended it
            child.process.resume()
    return {**tell(child), "frozen": frozen, "thawed": time.monotonic()}


async def choose_child(stage: Stage, which: float, patience: float = 5) -> Child | None:
    """One that is in the middle of something, as soon as there is any, so that there is something to lose."""
    deadline = time.monotonic() + patience
    while True:
        children = find_children(stage.ledger, stage.hosts)
        busy = [child for child in children if child.runs]
        if busy or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.02)
    there = busy or children
    return there[int(which * len(there))] if there else None


def end_child(child: Child) -> Facts:
    at, clock = (
        time.monotonic(),
        datetime.now(UTC),
    )  # which is the server's, where no fault moves that
    child.process.kill()
    while not is_dead(child.process):
        time.sleep(0.001)
    return {**tell(child), "killed": at, "dead": time.monotonic(), "clock": clock.isoformat()}


def is_dead(process: psutil.Process) -> bool:
    """Whether it does nothing any more, also where its parent is frozen and does not know yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def tell(child: Child) -> Facts:
    pid, host, language = child.process.pid, child.host, child.language
    return {"victim": pid, "host": host, "language": language, "runs": child.runs}


def freeze(role: str) -> Strikes:
    """For longer than a lease, so that it comes back as a zombie."""

    async def strike(stage: Stage, which: float, seconds: float) -> Facts:
        post = stage.choose(role, which)
        post.freeze()
        await asyncio.sleep(seconds)
        post.thaw()
        return {"victim": post.pid}

    return strike


def move_clock(role: str) -> Strikes:
    async def strike(stage: Stage, which: float, seconds: float) -> Facts:
        post = stage.choose(role, which)
        by = jump(which * 7 % 1, 7200)
        post.clock.move(by)
        await asyncio.sleep(seconds)
        post.clock.move(0)
        return {"victim": post.pid, "by": by}

    return strike


def jump(which: float, furthest: float) -> float:
    """How far a clock goes, to the past or the future, for a number from 0 to 1."""
    return round((2 * which - 1) * furthest, 3)


# The server


async def stop_server(stage: Stage, which: float, seconds: float) -> Facts:
    """At once, as if the machine went: what was not committed is lost, and recovery is from the log."""
    await asyncio.to_thread(stage.server.stop, "immediate")
    await asyncio.sleep(seconds)
    await asyncio.to_thread(stage.bring_up)
    return {"back": time.monotonic(), "clock": ask(stage, "select clock_timestamp()::text")}


async def cut_sessions(stage: Stage, which: float, seconds: float) -> Facts:
    cut = await asyncio.to_thread(
        ask,
        stage,
        """select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and random() <= %s""",
        max(which, 0.2),
    )
    return {"sessions": cut}


async def move_server_clock(stage: Stage, which: float, seconds: float) -> Facts:
    by = jump(which, 20)
    stage.clock.move(by)
    await asyncio.sleep(seconds)
    stage.clock.move(0)
    return {"by": by}


async def fill_disk(stage: Stage, which: float, seconds: float) -> Facts:
    """The log's disk: the server panics, and cannot come back before there is room again."""
    assert stage.wal is not None
    filler = stage.wal / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            pass
    with suppress(psycopg.OperationalError):
        await asyncio.to_thread(ask, stage, "select pg_switch_wal()")  # it needs room at once
    await asyncio.sleep(seconds)
    died = not await asyncio.to_thread(stage.is_up)
    filler.unlink()
    await asyncio.to_thread(stage.bring_up)
    return {"died": died}


async def migrate(stage: Stage, which: float, seconds: float) -> Facts:
    """What an upgrade does: all functions are replaced, by the command, while everybody uses them."""
    tries, deadline = 0, time.monotonic() + 60
    command = [sys.executable, "-m", "tasker.cli", "migrate", "--url", stage.url]
    while time.monotonic() < deadline:
        tries += 1
        if await asyncio.to_thread(age_functions, stage):
            done = await asyncio.to_thread(
                subprocess.run, command, capture_output=True, text=True, check=False
            )
            if done.returncode == 0 and "replace" in done.stdout + done.stderr:
                return {"tries": tries}
            stage.say("migration failed", output=(done.stdout + done.stderr)[-2000:])
        await asyncio.sleep(0.2)
    raise AssertionError("the migration never came through")


def age_functions(stage: Stage) -> bool:
    """Have the database say that its functions are of another version; whether it is there to say so."""
    try:
        ask(
            stage,
            "update tasker.installed set version = 'older' where what = 'functions' returning 1",
        )
    except psycopg.OperationalError:
        return False
    return True


def ask(stage: Stage, query: str, *parameters: Any) -> Any:
    with psycopg.connect(stage.url, autocommit=True, connect_timeout=5) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
        return row[0] if row else None


# The network


async def delay(stage: Stage, which: float, seconds: float) -> Facts:
    stage.proxy.delay = 0.001 + 0.15 * which**2
    await asyncio.sleep(seconds)
    stage.proxy.delay = 0.0
    return {}


async def hold(stage: Stage, which: float, seconds: float) -> Facts:
    """Nothing comes through, and nobody is told so; then everything does."""
    stage.proxy.flows.clear()
    await asyncio.sleep(seconds)
    stage.proxy.flows.set()
    return {}


async def cut(stage: Stage, which: float, seconds: float) -> Facts:
    return {"connections": stage.proxy.cut()}


async def cut_answer(stage: Stage, which: float, seconds: float) -> Facts:
    """In the middle of an answer: what was asked is done, and who asked does not know it."""
    stage.proxy.cut_answer(int(which * 3000))
    await asyncio.sleep(seconds)
    return {}


async def restart_pooler(stage: Stage, which: float, seconds: float) -> Facts:
    await asyncio.to_thread(stage.stop_pooler)
    await asyncio.sleep(seconds)
    stage.start_pooler()
    return {}


def fault(
    name: str, stream: Stream, weight: int, shortest: float, longest: float, strike: Strikes
) -> Fault:
    return Fault(FaultKind(name, stream, weight, shortest, longest), strike)


FAULTS = (
    fault("kill a worker", "processes", 5, 0, 0.5, kill("worker")),
    fault("freeze a worker", "processes", 4, LEASE + 1, LEASE + 3, freeze("worker")),
    fault("kill a bridge child", "processes", 4, 0, 0, kill_child),
    fault("freeze a bridge child", "processes", 3, 0.5, LEASE + 3, freeze_child),
    fault("kill an orchestrator", "processes", 2, 0, 1, kill("orchestrator")),
    fault("freeze an orchestrator", "processes", 1, 1, 4, freeze("orchestrator")),
    fault("kill the client", "processes", 1, 0, 0.5, kill("client")),
    fault("move a worker's clock", "processes", 1, 1, 4, move_clock("worker")),
    fault("move an orchestrator's clock", "processes", 1, 1, 4, move_clock("orchestrator")),
    fault("stop Postgres at once", "server", 5, 0, 2, stop_server),
    fault("cut sessions", "server", 4, 0, 0, cut_sessions),
    fault("move the server's clock", "server", 3, 0.5, 3, move_server_clock),
    fault("fill the log's disk", "server", 3, 1, 3, fill_disk),
    fault("migrate", "server", 2, 1, 1, migrate),
    fault("delay", "network", 3, 0.5, 4, delay),
    fault("hold", "network", 2, 0.5, 4, hold),
    fault("cut connections", "network", 3, 0, 0, cut),
    fault("cut an answer", "network", 4, 0.5, 1, cut_answer),
    fault("restart PgBouncer", "network", 2, 0, 1, restart_pooler),
)

MEASURED = (
    fault("kill a worker", "processes", 1, 0, 0, kill_busiest),
    fault("stop Postgres at once", "server", 1, 0.5, 4, stop_server),
    fault("kill a bridge child", "processes", 1, 0, 0, kill_child),
)
