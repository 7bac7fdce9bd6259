"""An exchange is all or nothing: the server process is killed at each statement of it, one by one, for each kind of
outcome and of claim, and for what else a worker sends. Growth has a module of its own: test_growth_atomic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.engine.crashing import dies_at, everything
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    beat,
    broken,
    call,
    claim_named,
    complete,
    drop_closed,
    exchange,
    fail,
    fire,
    lapse,
    lost,
    make_due,
    outcome,
    register,
    register_worker,
    release,
    retry,
    run_all,
    step,
    submit,
    task_state,
    template,
)

Held = Mapping[str, Lease]
Act = Callable[[Worker, Held], Any]


def handing(want: int = 0, **said: Callable[[Lease], Json]) -> Act:
    """An exchange with what is said of steps, that also claims so many."""

    def act(worker: Worker, held: Held) -> Any:
        return exchange(worker, [make(held[name]) for name, make in said.items()], want=want)

    return act


def waiting(**wait: Json) -> Callable[[Lease], Json]:
    return lambda lease: outcome(lease, "wait", wait={"name": "w", **wait})


def nothing(db: Connection, task_id: Any, held: Held) -> None:
    pass


def lapsed(db: Connection, task_id: Any, held: Held) -> None:
    lapse(db, *held.values())


def event_came(db: Connection, task_id: Any, held: Held) -> None:
    call(db, "send_event", task_id=task_id, name="paid", payload=Jsonb(7))


def paused(db: Connection, task_id: Any, held: Held) -> None:
    call(db, "pause_task", task_id=task_id, reason="r", actor="me")


def retried_and_due(db: Connection, task_id: Any, held: Held) -> None:
    exchange(register_worker(db), [retry(held["a"])], want=0)
    make_due(db)


def foreign_came(db: Connection, task_id: Any, held: Held) -> None:
    db.execute("select pgmq.send('tasker_t', '{\"what\": \"is this?\"}')")


def died(db: Connection, task_id: Any, held: Held) -> None:
    """The step was resolved by hand while somebody held its message, so that this stayed behind."""
    with db.transaction():
        db.execute("create table kept as select * from pgmq.q_tasker_t")
        call(
            db, "resolve_step", task_id=task_id, step_name="a", result=None, reason="r", actor="me"
        )
    db.execute("insert into pgmq.q_tasker_t overriding system value select * from kept")
    db.execute("drop table kept")
    lapse(db, *held.values())


def committing(worker: Worker, held: Held) -> Any:
    with worker.connection.transaction():
        worker.connection.execute("insert into public.effect values (1)")
        assert call(worker.connection, "commit_outcome", outcome=complete(held["a"], 1))


def beating(worker: Worker, held: Held) -> Any:
    return beat(worker, *held.values(), progress={"done": 1}, lease=60)


def saving(worker: Worker, held: Held) -> Any:
    lease = held["a"]
    return call(
        worker.connection, "save_checkpoint", queue_id=lease.queue_id, msg_id=lease.msg_id,
        read_ct=lease.read_ct, task_id=lease.task_id, step_no=lease.step_no, name="n", value=Jsonb(1),
    )  # fmt: skip


def promoting(worker: Worker, held: Held) -> Any:
    return call(worker.connection, "promote_due", max_rows=10)


@dataclass(frozen=True)
class Case:
    """A template's steps, of which a worker holds those that can run; what happens then; and what is tried."""

    steps: list[Json]
    act: Act
    before: Callable[[Connection, Any, Held], None] = nothing
    ends: str = "complete"
    more: Mapping[str, Json] = field(default_factory=dict[str, Json])


CHAIN = [step("a"), step("b", "a"), step("c", "b")]
JOIN = [step("a"), step("b"), step("c", "a", "b")]
WIDE = [step(name) for name in "abcdef"]
ONCE = [step("a", retry={"max_attempts": 1}), step("b", "a")]
BOUND = {"limits": [{"name": "l", "concurrency": 1, "unit": "step"}]}
BATCH = [
    step("a", kind="batchable"),
    step("w", "a", kind="batch_worker", batch={"on_failure": "fail_task"}),
    step("c", "w", kind="deferred_convergence"),
]

CASES = {
    "complete": Case(CHAIN, handing(a=complete)),
    "complete and claim the next": Case(CHAIN, handing(10, a=complete)),
    "complete the last": Case([step("a")], handing(a=complete)),
    "complete both parents": Case(JOIN, handing(10, a=complete, b=complete)),
    "retry": Case(CHAIN, handing(10, a=retry)),
    "retry that is the last": Case(ONCE, handing(10, a=retry), ends="blocked_by_failures"),
    "error": Case(CHAIN, handing(10, a=fail), ends="blocked_by_failures"),
    "error that undoes the task": Case(
        CHAIN, handing(10, a=fail), ends="error", more={"on_failure": "compensate"}
    ),
    "lost": Case(CHAIN, handing(10, a=lost)),
    "release": Case(CHAIN, handing(10, a=release)),
    "release for later": Case(CHAIN, handing(10, a=lambda lease: release(lease, delay=60))),
    "wait for a time": Case(CHAIN, handing(10, a=waiting(seconds=60))),
    "wait for an event": Case(CHAIN, handing(10, a=waiting(event="paid", seconds=60))),
    "wait for an event that has come": Case(
        CHAIN, handing(10, a=waiting(event="paid", seconds=60)), event_came
    ),
    "wait for people": Case(CHAIN, handing(10, a=waiting(approval={"name": "ok"}, seconds=60))),
    "everything at once": Case(
        WIDE,
        handing(10, a=complete, b=retry, c=fail, d=release, e=waiting(seconds=60), f=complete),
        ends="blocked_by_failures",
    ),
    "complete in a task that is paused": Case(CHAIN, handing(10, a=complete), paused),
    "claim of lost leases": Case(JOIN, handing(10), lapsed),
    "claim of a lost lease that was the last": Case(
        ONCE, handing(10), lapsed, "blocked_by_failures"
    ),
    "claim in a task that is paused": Case(
        CHAIN, handing(10), lambda db, task, held: (paused(db, task, held), lapsed(db, task, held))[0]
    ),
    "claim of what is not ours": Case(CHAIN, handing(10, a=complete), foreign_came),
    "claim of what is dead": Case(CHAIN, handing(10), died),
    "claim of a retry that is due": Case(CHAIN, handing(10), retried_and_due),
    "complete under a limit, for the next in line": Case(
        JOIN, handing(10, a=complete), more=BOUND
    ),
    "error that ends a batch's task": Case(BATCH, handing(10, **{"w/1": fail}), ends="error"),
    "complete in a handler's transaction": Case(CHAIN, committing),
    "heartbeat": Case(JOIN, beating),
    "checkpoint": Case(CHAIN, saving),
    "timers": Case(CHAIN, promoting, retried_and_due),
}  # fmt: skip


def give_the_rest(db: Connection, task_id: Any, worker: Worker) -> None:
    """Let everything that waits come, and everything that runs complete."""
    if task_state(db, task_id) == "paused":
        call(db, "resume_task", task_id=task_id, reason="r", actor="me")
    for _ in range(5):
        fire(db)
        db.execute("update pgmq.q_tasker_t set vt = now() - interval '1 second'")
        run_all(worker)


@pytest.mark.parametrize("name", CASES)
def test_a_crash_at_any_statement_leaves_nothing_half_done(
    engine: Engine, db: Connection, crashing: Connection, name: str
) -> None:
    case = CASES[name]
    register(db, template("case", *case.steps, **case.more))
    task_id = submit(db, "case")
    worker = register_worker(db)
    held = claim_named(worker)
    if "a" in held and "batch" in name:
        exchange(worker, [complete(held.pop("a"), [1, 2])], want=0)
        held |= claim_named(worker)
    case.before(db, task_id, held)
    before = everything(db)
    at = 1

    def work(connection: Connection) -> Any:
        return case.act(Worker(connection, worker.id, worker.queue_ids), held)

    while dies_at(engine, at, work):
        assert everything(db) == before, f"after a crash at statement {at}"
        at += 1
    assert at > 1, "the triggers did not fire"
    assert everything(db) != before
    drop_closed(db)
    assert broken(db) == []
    give_the_rest(db, task_id, worker)
    assert task_state(db, task_id) == case.ends
    assert broken(db) == []
