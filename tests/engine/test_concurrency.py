"""Many connections at once: nobody deadlocks, nothing is done twice, and what is not committed did not happen."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Lease,
    Worker,
    beat,
    broken,
    call,
    claim_one,
    complete,
    drop_the_dead,
    exchange,
    fail,
    hand_in,
    in_background,
    lapse,
    queue_table,
    register,
    register_worker,
    release,
    retry,
    step,
    submit,
    submit_many,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "because", "actor": "ann"}


# A hunt for deadlocks


@dataclass
class Hunt:
    """What the threads share. `accepted` is the ledger of completions."""

    seed: int
    tasks: list[UUID]
    stop: threading.Event = field(default_factory=threading.Event)
    accepted: list[tuple[UUID, int]] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def loop(self, name: str, turn: Callable[[random.Random], None]) -> None:
        """Do something again and again until the hunt is over, or anyone fails."""
        dice = random.Random(f"{self.seed} {name}")
        try:
            while not self.stop.is_set():
                turn(dice)
        except BaseException as error:
            self.failures.append(error)
            self.stop.set()


def outcome_of(dice: random.Random, lease: Lease) -> dict[str, Any]:
    """Draw what a handler comes to."""
    kind = dice.choices((complete, retry, release, fail), (85, 8, 4, 3))[0]
    return kind(lease)


def work(hunt: Hunt, worker: Worker, held: list[Lease]) -> Callable[[random.Random], None]:
    """Hand in what was claimed, in any order and not always all of it, and claim more.

    Now and then fall asleep, lose some leases, and hand those in nevertheless.
    """
    lost: list[Lease] = []

    def turn(dice: random.Random) -> None:
        if dice.random() < 0.1:
            asleep = dice.sample(held, len(held) // 3)
            held[:] = [lease for lease in held if lease not in asleep]
            lapse(worker.connection, *asleep)
            lost.extend(asleep)
        leases = dice.sample(held, dice.randint(len(held) // 2, len(held)))
        leases += [lost.pop() for _ in range(dice.randint(0, min(3, len(lost))))]
        outcomes = [outcome_of(dice, lease) for lease in leases]
        answer = exchange(worker, outcomes, want=dice.choice((1, 10, 40)))
        for n in answer.accepted:
            if outcomes[n - 1]["outcome"] == "complete":
                hunt.accepted.append((leases[n - 1].task_id, leases[n - 1].step_no))
        done = set(leases)
        held[:] = [lease for lease in held if lease not in done] + answer.leases

    return turn


def report(worker: Worker, held: list[Lease]) -> Callable[[random.Random], None]:
    """Send heartbeats of the same leases over another connection."""

    def turn(dice: random.Random) -> None:
        leases = dice.sample(held, len(held))
        beat(worker, *leases, progress={"at": dice.random()})

    return turn


def operate(hunt: Hunt, connection: Connection) -> Callable[[random.Random], None]:
    """Do anything to any task."""
    verbs = [
        "retry_task",
        "retry_task",
        "retry_step",
        "complete_step",
        "resolve_step",
        "cancel_task",
        "submit",
    ]

    def turn(dice: random.Random) -> None:
        verb, task_id = dice.choice(verbs), dice.choice(hunt.tasks)
        if verb == "submit":
            hunt.tasks[dice.randrange(len(hunt.tasks))] = submit(connection, "wide")
            return
        more: dict[str, Any] = (
            {"step_name": f"s{dice.randrange(12)}"} if verb.endswith("_step") else {}
        )
        if verb in ("complete_step", "resolve_step"):
            more["result"] = {}
        try:
            call(connection, verb, task_id=task_id, **more, **WHO)
        except psycopg.Error as error:
            if error.sqlstate not in ("TK004", "TK001"):
                raise

    return turn


def orchestrate(connection: Connection) -> Callable[[random.Random], None]:
    """Fire timers, rescue, prune and look around."""

    def turn(dice: random.Random) -> None:
        match dice.randrange(6):
            case 0:
                call(connection, "rescue", max_rows=10)
            case 1:
                call(connection, "upkeep", orchestrator_id=UUID(int=1), name="o")  # type: ignore[arg-type]
            case 2:
                call(
                    connection,
                    "prune",
                    older_than=timedelta(seconds=dice.choice((-5, 1))),
                    max_rows=5,
                )
            case 3:
                # One timer, and without waiting: whoever changes several holds their tasks' locks.
                connection.execute(
                    """update tasker.timer set fire_at = now() where ctid in (
                        select ctid from tasker.timer order by random() limit 1 for update skip locked)"""
                )
            case _:
                call(connection, "promote_due", max_rows=dice.choice((1, 100)))

    return turn


@pytest.mark.parametrize("seed", [1, 2, 18])
def test_nobody_deadlocks(engine: Engine, db: Connection, seed: int) -> None:
    """Workers complete siblings of the same tasks in any order, while everything else goes on."""
    siblings = [step(f"s{n}", retry={"backoff": "none", "max_attempts": 5}) for n in range(12)]
    names = [s["name"] for s in siblings]
    steps = [
        *siblings,
        step("join", *names),
        step("left", "join", "s0"),
        step("right", "join", queue="q2"),
    ]
    register(db, template("wide", *steps, time_limit=3600))
    hunt = Hunt(seed, [task_id for _, task_id, _ in submit_many(db, "wide", [{}] * 20)])
    with ExitStack() as stack:

        def connect() -> Connection:
            connection = stack.enter_context(engine.connect())
            # Above the 10 ms after which a heartbeat gives a wait up, as PostgreSQL's own second is.
            connection.execute("set deadlock_timeout = '100ms'")
            return connection

        turns: list[tuple[str, Callable[[random.Random], None]]] = []
        for n in range(4):
            held: list[Lease] = []
            worker = register_worker(connect(), "t", "q2")
            turns.append((f"work {n}", work(hunt, worker, held)))
            turns.append(
                (f"beat {n}", report(Worker(connect(), worker.id, worker.queue_ids), held))
            )
        turns += [(f"operate {n}", operate(hunt, connect())) for n in range(2)]
        turns += [(f"orchestrate {n}", orchestrate(connect())) for n in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(len(turns)))
        for name, turn in turns:
            pool.submit(hunt.loop, name, turn)
        hunt.stop.wait(6)
        hunt.stop.set()
    assert not hunt.failures, "\n".join(map(str, hunt.failures))
    assert len(hunt.accepted) > 500, "hardly anything was done"
    assert [place for place, count in Counter(hunt.accepted).items() if count > 1] == []
    drop_the_dead(db)
    assert broken(db) == []


def test_whoever_waits_for_a_task_holds_no_message(engine: Engine, db: Connection) -> None:
    """Who holds the task may take the messages of steps it closes, so they must be free."""
    register(db, template("one", step("a")))
    task_id = submit(db, "one")
    worker = register_worker(db, "t")
    lease = claim_one(worker)
    table = queue_table(db, lease.queue_id)
    with engine.connect() as holder, engine.connect() as other:
        holder.execute("begin")
        holder.execute("select from tasker.task where task_id = %s for no key update", [task_id])
        late = Worker(other, worker.id, worker.queue_ids)
        with in_background(lambda: hand_in(late, complete(lease))) as answer:
            wait_until_blocked(db, other.info.backend_pid)
            holder.execute(cast("Any", f"select from {table} for update nowait"))
            holder.execute("commit")
        assert answer.result() == [1]
    assert task_state(db, task_id) == "complete"
