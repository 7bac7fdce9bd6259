"""Steps that wait for a time or an event, what wakes them, and what they have saved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    claim_one,
    complete,
    exchange,
    find_step,
    fire,
    hand_in,
    in_background,
    lapse,
    one,
    outcome,
    register,
    register_worker,
    rows,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "because", "actor": "ann"}


def wait(lease: Lease, name: str = "w", **more: Json) -> dict[str, Json]:
    return outcome(lease, "wait", wait={"name": name, **more})


def send(db: Connection, task_id: UUID, name: str = "paid", payload: Any = None) -> Any:
    return call(db, "send_event", task_id=task_id, name=name, payload=Jsonb(payload))


def saved(db: Connection) -> dict[str, Json]:
    return dict(db.execute("select name, value from tasker.checkpoint").fetchall())


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("one", step("a", retry={"max_attempts": 2}), step("b", "a")))
    return register_worker(db, "t")


@pytest.fixture
def task(db: Connection, worker: Worker) -> UUID:
    return submit(db, "one")


def test_a_sleep_gives_the_slot_back_and_ends_when_its_time_has_come(
    db: Connection, worker: Worker, task: UUID
) -> None:
    assert hand_in(worker, wait(claim_one(worker), "sleep:1", seconds=3600)) == [1]
    assert step_states(db, task) == {"a": "waiting", "b": "pending"}
    assert task_state(db, task) == "in_progress"
    assert claim(worker) == []
    assert broken(db) == []
    assert "it sleeps until" in call(db, "explain_step", task_id=task, step_name="a")["reason"]
    assert fire(db, "wake") == 1
    lease = claim_one(worker)
    assert lease.attempt == 1, "a wait does not count as an attempt"
    assert saved(db) == {"sleep:1": {"timeout": True}}
    hand_in(worker, complete(lease))
    assert broken(db) == []


def test_an_event_ends_a_wait(db: Connection, worker: Worker, task: UUID) -> None:
    hand_in(worker, wait(claim_one(worker), "event:paid", event="paid", seconds=60))
    assert send(db, task, "other") == {"task_id": str(task), "accepted": True, "woken": 0}
    assert send(db, task, payload={"by": "card"})["woken"] == 1
    answer = call(db, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids,
                  outcomes=Jsonb([]), want=1, lease_seconds=15.0)  # fmt: skip
    assert answer["granted"]["saved"] == [
        [str(task), 1, "event:paid", {"event": {"by": "card"}}],
    ]
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_a_wait_is_accepted_beside_a_failure_that_ends_its_task(
    db: Connection, worker: Worker
) -> None:
    """Both are outcomes of one exchange. The step has waited, and its attempt does not count."""
    batch = step("w", "b", kind="batch_worker", batch={"on_failure": "fail_task"})
    register(db, template("ends", step("b", kind="batchable"), batch, step("a")))
    task_id = submit(db, "ends")
    held = claim_named(worker)
    hand_in(worker, complete(held["b"], [1]))
    broken_one = outcome(claim_one(worker), "error", error={"type": "No"})
    assert hand_in(worker, broken_one, wait(held["a"], event="paid")) == [1, 2]
    assert task_state(db, task_id) == "error"
    found = find_step(db, task_id, "a")
    assert (found["state"], found["attempt"], found["attempts"]) == ("cancelled", 0, [])
    assert broken(db) == []


def test_an_event_that_came_before_is_found(db: Connection, worker: Worker, task: UUID) -> None:
    lease = claim_one(worker)
    send(db, task, payload=7)
    hand_in(worker, wait(lease, event="paid", seconds=60))
    assert step_states(db, task)["a"] == "enqueued"
    assert saved(db) == {"w": {"event": 7}}
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_the_first_delivery_wins(db: Connection, worker: Worker, task: UUID) -> None:
    assert send(db, task, payload=1)["accepted"] is True
    assert send(db, task, payload=2) == {"task_id": str(task), "accepted": False, "woken": 0}
    hand_in(worker, wait(claim_one(worker), event="paid"))
    assert saved(db) == {"w": {"event": 1}}


def test_a_wait_without_a_time_waits_for_its_event_only(
    db: Connection, worker: Worker, task: UUID
) -> None:
    hand_in(worker, wait(claim_one(worker), event="paid", seconds=None))
    assert one(db, "select count(*) from tasker.timer") == 0
    assert claim(worker) == []
    send(db, task, payload=1)
    assert saved(db) == {"w": {"event": 1}}


def test_a_wait_that_times_out_does_not_take_a_later_event(
    db: Connection, worker: Worker, task: UUID
) -> None:
    hand_in(worker, wait(claim_one(worker), event="paid", seconds=60))
    fire(db, "wake")
    assert send(db, task)["woken"] == 0
    assert saved(db) == {"w": {"timeout": True}}
    assert broken(db) == []


@pytest.mark.parametrize("first", ["event", "timeout"])
def test_an_event_and_a_timeout_that_race_have_one_winner(
    engine: Engine, db: Connection, worker: Worker, task: UUID, first: str
) -> None:
    hand_in(worker, wait(claim_one(worker), event="paid", seconds=60))
    db.execute("update tasker.timer set fire_at = now() - interval '1 s'")
    with engine.connect() as one_side, engine.connect() as other:
        one_side.execute("begin")
        if first == "event":
            send(one_side, task)
            call(other, "promote_due")
            one_side.execute("commit")
            call(other, "promote_due")
        else:
            call(one_side, "promote_due")
            with in_background(lambda: send(other, task)) as answer:
                wait_until_blocked(db, other.info.backend_pid)
                one_side.execute("commit")
            assert answer.result()["woken"] == 0
    assert saved(db) == {"w": {"event": None} if first == "event" else {"timeout": True}}
    assert len(claim(worker)) == 1
    assert broken(db) == []


def test_an_event_goes_to_every_open_task_with_a_correlation_id(
    db: Connection, worker: Worker
) -> None:
    key = uuid4()
    ids = [t for _, t, _ in submit_many(db, "one", [{"correlation_id": str(key)}] * 2 + [{}])]
    hand_in(worker, *(wait(lease, event="paid") for lease in claim(worker)))
    answers = rows(db, "send_event_to_all", correlation_id=key, name="paid")
    assert [UUID(a["task_id"]) for a in answers] == ids[:2]
    assert [step_states(db, t)["a"] for t in ids] == ["enqueued", "enqueued", "waiting"]
    with pytest.raises(psycopg.Error, match="no open task has the correlation id") as refused:
        rows(db, "send_event_to_all", correlation_id=uuid4(), name="paid")
    assert refused.value.sqlstate == "TK001"


@pytest.mark.parametrize(
    ("name", "state"),
    [("", "TK002"), ("x" * 256, "TK002"), (None, "TK002")],
    ids=["empty", "long", "null"],
)
def test_a_malformed_event_is_refused(
    db: Connection, worker: Worker, task: UUID, name: str, state: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        send(db, task, name)
    assert refused.value.sqlstate == state


def test_events_for_nobody(db: Connection, worker: Worker, task: UUID) -> None:
    with pytest.raises(psycopg.Error) as unknown:
        send(db, uuid4())
    call(db, "cancel_task", task_id=task, **WHO)
    with pytest.raises(psycopg.Error) as ended:
        send(db, task)
    assert (unknown.value.sqlstate, ended.value.sqlstate) == ("TK001", "TK004")


def test_an_event_is_delivered_also_when_it_is_sent_again_after_the_end(
    db: Connection, worker: Worker, task: UUID
) -> None:
    """A client that has not heard of its first delivery asks again."""
    assert send(db, task)["accepted"]
    call(db, "cancel_task", task_id=task, **WHO)
    assert send(db, task) == {"task_id": str(task), "accepted": False, "woken": 0}


def test_a_waiting_step_can_be_cancelled_settled_and_timed_out(
    db: Connection, worker: Worker
) -> None:
    register(db, template("timed", step("a", step_time_limit=3600.0), step("b", "a")))
    cancelled, settled, late = (submit(db, "timed") for _ in range(3))
    hand_in(worker, *(wait(lease, event="paid", seconds=60) for lease in claim(worker)))
    call(db, "cancel_task", task_id=cancelled, **WHO)
    call(db, "complete_step", task_id=settled, step_name="a", result=Jsonb(1), **WHO)
    fire(db, "step_time_limit")
    states = [step_states(db, t) for t in (cancelled, settled, late)]
    assert states == [
        {"a": "cancelled", "b": "cancelled"},
        {"a": "complete", "b": "enqueued"},
        {"a": "error", "b": "pending"},
    ]
    assert one(db, "select count(*) from tasker.wait") == 0
    assert broken(db) == []


def test_a_zombie_cannot_wait(db: Connection, worker: Worker, task: UUID) -> None:
    lost = claim_one(worker)
    lapse(db, lost)
    held = claim_one(worker)
    assert hand_in(worker, wait(lost, event="paid")) == []
    assert hand_in(worker, wait(held, event="paid")) == [1]


def save(worker: Worker, lease: Lease, name: str, value: Json) -> bool:
    return call(
        worker.connection, "save_checkpoint", queue_id=lease.queue_id, msg_id=lease.msg_id,
        read_ct=lease.read_ct, task_id=lease.task_id, step_no=lease.step_no, name=name,
        value=Jsonb(value),
    )  # fmt: skip


def test_what_a_handler_saved_is_there_on_the_next_attempt(
    db: Connection, worker: Worker, task: UUID
) -> None:
    lease = claim_one(worker)
    assert save(worker, lease, "run:charge", {"id": 1}) is True
    assert save(worker, lease, "run:charge", {"id": 2}) is True
    lapse(db, lease)
    again = claim_one(worker)
    assert again.attempt == 2
    assert saved(db) == {"run:charge": {"id": 1}}
    assert save(worker, lease, "run:more", 1) is False, "the lease was lost"
    assert list(saved(db)) == ["run:charge"]


def test_a_lease_is_not_granted_to_another_while_something_is_saved_under_it(
    engine: Engine, db: Connection, worker: Worker, task: UUID
) -> None:
    lease = claim_one(worker)
    lapse(db, lease)
    with engine.connect() as saving:
        saving.execute("begin")
        assert save(Worker(saving, worker.id, worker.queue_ids), lease, "run:x", 1) is True
        assert claim(worker) == []
        saving.execute("commit")
    assert len(claim(worker)) == 1


def test_what_belongs_to_waits_goes_with_the_task(
    db: Connection, worker: Worker, task: UUID
) -> None:
    lease = claim_one(worker)
    save(worker, lease, "run:x", 1)
    send(db, task, "other")
    hand_in(worker, wait(lease, event="paid"))
    call(db, "cancel_task", task_id=task, **WHO)
    assert call(db, "prune", older_than=timedelta(seconds=-5))["pruned"] == 1
    for table in ("checkpoint", "event", "wait", "timer"):
        assert one(db, f"select count(*) from tasker.{table}") == 0


def test_a_hundred_thousand_sleepers_cost_a_claim_nothing(db: Connection, worker: Worker) -> None:
    """They are in no queue, and in the index of timers they stand behind what is due."""
    db.execute(
        """insert into tasker.timer (fire_at, task_id, step_no, kind)
        select now() + interval '30 days', tasker.uuidv7(), 1, 'wake' from generate_series(1, 100000)"""
    )
    submit(db, "one")
    count = "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_xact_user_tables where relname = 'timer'"
    with db.transaction():
        before = one(db, count)
        assert len(exchange(worker).leases) == 1
        assert one(db, count) - before <= 1
