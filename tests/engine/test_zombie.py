"""Fencing: a worker whose lease was lost can change nothing, whatever it tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    Lease,
    Worker,
    beat,
    broken,
    call,
    claim,
    claim_named,
    claim_one,
    complete,
    exchange,
    fail,
    find_step,
    fire,
    hand_in,
    in_background,
    lapse,
    lost,
    make_due,
    message,
    one,
    register,
    register_worker,
    release,
    retry,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
    wait_until_blocked,
)


def begin(db: Connection, *steps: dict[str, Any], **more: Any) -> tuple[Any, Worker]:
    """Submit a task of a new template of these steps; its id, and a worker."""
    register(db, template("x", *steps, **more))
    return submit(db, "x"), register_worker(db)


def everything(db: Connection) -> Any:
    """Read all that an outcome could change."""
    tables = ("tasker.task", "tasker.step", "tasker.attempt", "tasker.timer", "pgmq.q_tasker_t")
    return [
        one(db, f"select jsonb_agg(to_jsonb(r) order by to_jsonb(r)) from {t} r") for t in tables
    ]


def assert_powerless(db: Connection, worker: Worker, lease: Lease) -> None:
    """Let a worker try everything with a lease, alone and among others."""
    before = everything(db)
    tries = [complete(lease, "stale"), retry(lease), fail(lease), lost(lease), release(lease)]
    for given in tries:
        assert hand_in(worker, given) == []
    assert hand_in(worker, *tries) == []
    answer = beat(worker, lease, progress={"done": 1})
    assert [*answer["lost"], *answer["cancelled"]] == [1]
    assert everything(db) == before
    assert broken(db) == []


def lost_to_another(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    lapse(db, lease)
    assert claim_one(worker).attempt == lease.attempt + 1


def lost_and_done(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    lapse(db, lease)
    hand_in(worker, complete(claim_one(worker)))


def lost_and_failed(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    lapse(db, lease)
    hand_in(worker, fail(claim_one(worker)))


def lost_and_waiting(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    lapse(db, lease)
    hand_in(worker, retry(claim_one(worker)))


def lost_and_retried(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    """Another worker failed it, and the retry runs under another message."""
    lost_and_waiting(db, task_id, worker, lease)
    fire(db, "retry")
    assert claim_one(worker).attempt == 3


def cancelled(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    call(db, "cancel_task", task_id=task_id, reason="r", actor="me")


def resolved_task(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    call(db, "resolve_task", task_id=task_id, reason="r", actor="me")


def settled(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    result: Any = {"by": "hand"}
    call(db, "complete_step", task_id=task_id, step_name="a", result=result, reason="r", actor="me")


def resolved(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    call(db, "resolve_step", task_id=task_id, step_name="a", result=None, reason="r", actor="me")


def timed_out(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    fire(db, "step_time_limit")


def task_timed_out(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    fire(db, "task_time_limit")


def rescued(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    """Its message was purged by hand, and the rescuer enqueued the step again."""
    db.execute("select pgmq.purge_queue('tasker_t')")
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert call(db, "rescue")["rescued"] == 1


def rescued_and_claimed(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    rescued(db, task_id, worker, lease)
    assert claim_one(worker).attempt == 2


def timed_out_and_retried(db: Connection, task_id: Any, worker: Worker, lease: Lease) -> None:
    timed_out(db, task_id, worker, lease)
    call(db, "retry_step", task_id=task_id, step_name="a", reason="r", actor="me")
    assert claim_one(worker).attempt == 2


LOSSES = [
    lost_to_another, lost_and_done, lost_and_failed, lost_and_waiting, lost_and_retried, cancelled,
    resolved_task, settled, resolved, timed_out, timed_out_and_retried, task_timed_out, rescued,
    rescued_and_claimed,
]  # fmt: skip


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_worker_whose_lease_is_lost_is_powerless(
    db: Connection, lose: Callable[[Connection, Any, Worker, Lease], None]
) -> None:
    task_id, zombie = begin(db, step("a", step_time_limit=100), step("b", "a"), time_limit=200)
    lease = claim_one(zombie)
    lose(db, task_id, register_worker(db), lease)
    assert_powerless(db, zombie, lease)


def test_a_lease_that_ran_out_but_that_nobody_took_is_still_good(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    lease = claim_one(worker)
    lapse(db, lease)
    assert beat(worker, lease)["lost"] == []
    assert claim(worker) == []
    lapse(db, lease)
    assert hand_in(worker, complete(lease, 1)) == [1]
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_zombie_racing_the_new_holder(engine: Engine, db: Connection) -> None:
    """It hands in while the claim that takes its lease is not committed yet."""
    task_id, zombie = begin(db, step("a"), step("b", "a"))
    lease = claim_one(zombie)
    lapse(db, lease)
    with engine.connect() as other:
        new = register_worker(other)
        other.autocommit = False
        taken = claim_one(new)
        with in_background(lambda: hand_in(zombie, complete(lease, "stale"))) as accepted:
            with engine.connect() as watcher:
                wait_until_blocked(watcher, db.info.backend_pid)
            other.commit()
            assert accepted.result() == []
        assert step_states(db, task_id) == {"a": "in_progress", "b": "pending"}
        assert hand_in(new, complete(taken)) == [1]
        other.commit()
    assert broken(db) == []


def test_a_new_holder_racing_the_zombies_late_outcome(engine: Engine, db: Connection) -> None:
    """The outcome comes after the lease ran out, but first: the claim steps over the message."""
    task_id, zombie = begin(db, step("a"), step("b", "a"))
    lease = claim_one(zombie)
    lapse(db, lease)
    new = register_worker(db)
    with engine.connect() as other:
        other.autocommit = False
        late = Worker(other, zombie.id, zombie.queue_ids)
        assert hand_in(late, complete(lease, "late")) == [1]
        assert claim(new) == []
        other.commit()
    assert step_states(db, task_id) == {"a": "complete", "b": "enqueued"}
    assert broken(db) == []
    assert run_all(new) == 1


# Lost attempts


def test_a_lost_attempt_counts_and_is_recorded(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 2}), step("b", "a"))
    dead = register_worker(db)
    lease = claim_one(dead)
    lapse(db, lease)
    again = claim_one(worker)
    assert (again.attempt, again.read_ct, again.msg_id) == (2, 2, lease.msg_id)
    found = find_step(db, task_id, "a")
    [attempt] = found["attempts"]
    assert (attempt["attempt"], attempt["outcome"]) == (1, "lost")
    assert attempt["worker_id"] == str(dead.id)
    assert attempt["error"]["type"] == "LeaseLost"
    assert attempt["started_at"]
    assert found["worker_id"] == str(worker.id)
    assert broken(db) == []
    assert run_all(worker) == 0
    hand_in(worker, complete(again))
    assert run_all(worker) == 1
    assert task_state(db, task_id) == "complete"


def test_the_last_attempt_lost_is_an_error(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 2}), step("b", "a"))
    for attempt in 1, 2:
        lease = claim_one(worker)
        assert lease.attempt == attempt
        lapse(db, lease)
    assert claim(worker) == []
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    assert task_state(db, task_id) == "blocked_by_failures"
    found = find_step(db, task_id, "a")
    assert found["attempt"] == 2
    assert [(a["attempt"], a["outcome"]) for a in found["attempts"]] == [(1, "lost"), (2, "lost")]
    assert found["error"]["type"] == "LeaseLost"
    assert one(db, "select count(*) from pgmq.q_tasker_t") == 0
    assert broken(db) == []
    assert_powerless(db, worker, lease)


def test_many_leases_lost_at_once(db: Connection) -> None:
    """Some have attempts left, some not, some belong to a task that was cancelled."""
    register(
        db, template("x", step("a", retry={"max_attempts": 1}), step("b"), step("c", "a", "b"))
    )
    tasks = [submit(db, "x") for _ in range(6)]
    dead, worker = register_worker(db), register_worker(db)
    leases = claim(dead)
    call(db, "cancel_task", task_id=tasks[0], reason="r", actor="me")
    lapse(db, *leases)
    again = claim(worker)
    assert len(again) == 5
    assert {lease.attempt for lease in again} == {2}
    assert [task_state(db, t) for t in tasks] == ["cancelled"] + ["in_progress"] * 5
    assert {step_states(db, t)["a"] for t in tasks[1:]} == {"error"}
    assert hand_in(dead, *map(complete, leases)) == []
    assert len(hand_in(worker, *map(complete, again))) == 5
    assert {task_state(db, t) for t in tasks[1:]} == {"blocked_by_failures"}
    assert broken(db) == []


def test_a_spent_step_of_a_task_that_is_held_is_failed_later(
    engine: Engine, db: Connection
) -> None:
    """The claim does not wait for whoever holds the task, and does not grant the step either."""
    task_id, worker = begin(db, step("a", retry={"max_attempts": 1}))
    lease = claim_one(worker)
    lapse(db, lease)
    with engine.connect() as other:
        other.autocommit = False
        other.execute("select from tasker.task for no key update")
        assert claim(worker) == []
        other.rollback()
    assert step_states(db, task_id) == {"a": "in_progress"}
    assert broken(db) == []
    found = message(db, lease)
    assert found is not None
    assert found[1] > 0, "it is looked at again when that lease ends"
    assert_powerless(db, worker, lease)
    db.execute("update pgmq.q_tasker_t set vt = now() - interval '1 second'")
    assert claim(worker) == []
    assert step_states(db, task_id) == {"a": "error"}
    assert broken(db) == []


def test_a_rescued_step_keeps_count_of_its_attempts(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 2}), step("b", "a"))
    rescued(db, task_id, worker, claim_one(worker))
    assert broken(db) == []
    assert claim_one(worker).attempt == 2
    assert [a["outcome"] for a in find_step(db, task_id, "a")["attempts"]] == ["lost"]
    assert broken(db) == []


def test_a_step_that_lost_its_message_in_its_last_attempt_is_an_error(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 1}), step("b", "a"))
    rescued(db, task_id, worker, claim_one(worker))
    claim(worker)
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    assert task_state(db, task_id) == "blocked_by_failures"
    assert [a["outcome"] for a in find_step(db, task_id, "a")["attempts"]] == ["lost"]
    assert broken(db) == []


# Heartbeats


def seconds_left(db: Connection, lease: Lease) -> float:
    found = message(db, lease)
    assert found is not None
    return found[1]


def test_a_heartbeat_extends_a_lease(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", queue="q2"))
    worker = register_worker(db, "t", "q2")
    leases = claim(worker, lease=5)
    assert all(4 < seconds_left(db, lease) <= 5 for lease in leases)
    answer = beat(worker, *leases, lease=60)
    assert answer == {"known": True, "lost": [], "cancelled": []}
    assert all(59 < seconds_left(db, lease) <= 60 for lease in leases)
    assert hand_in(worker, *map(complete, leases)) == [1, 2]


def test_never_past_the_attempts_deadline(db: Connection) -> None:
    """A second more, for the worker to end it; a handler that cannot be stopped loses the lease."""
    _, worker = begin(db, step("a", attempt_time_limit=10))
    lease = claim_one(worker)
    assert beat(worker, lease, lease=60)["lost"] == []
    assert 10 < seconds_left(db, lease) <= 11
    db.execute("update tasker.step set deadline_at = now() - interval '1 minute'")
    beat(worker, lease, lease=60)
    assert seconds_left(db, lease) < 0
    assert claim_one(register_worker(db)).attempt == 2
    assert_powerless(db, worker, lease)


def test_a_heartbeat_stores_progress_and_a_new_attempt_starts_without(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    lease = claim_one(worker)
    beat(worker, lease, progress={"done": 3, "total": 9})
    assert find_step(db, task_id, "a")["progress"] == {"done": 3, "total": 9}
    beat(worker, lease)
    assert find_step(db, task_id, "a")["progress"] == {"done": 3, "total": 9}
    lapse(db, lease)
    claim_one(worker)
    assert find_step(db, task_id, "a")["progress"] is None


def test_a_heartbeat_tells_lost_from_cancelled(db: Connection) -> None:
    register(db, template("x", step("a")))
    tasks = [submit(db, "x") for _ in range(3)]
    worker = register_worker(db)
    leases = claim(worker)
    call(db, "cancel_task", task_id=tasks[1], reason="r", actor="me")
    lapse(db, leases[2])
    claim_one(register_worker(db))
    answer = beat(worker, *leases)
    assert answer == {"known": True, "lost": [3], "cancelled": [2]}


def test_a_heartbeat_with_no_leases_reports_the_worker(db: Connection) -> None:
    worker = register_worker(db, "t")
    db.execute("update tasker.worker set seen_at = now() - interval '1 hour'")
    assert beat(worker) == {"known": True, "lost": [], "cancelled": []}
    assert one(db, "select seen_at > now() - interval '1 minute' from tasker.worker")
    call(db, "leave", worker_id=worker.id)
    assert beat(worker)["known"] is False


def test_a_cancel_is_told_although_the_message_was_held_meanwhile(
    engine: Engine, db: Connection
) -> None:
    """Whoever cancels does not wait for a message that a heartbeat holds; it stays behind, dead."""
    task_id, worker = begin(db, step("a"))
    lease = claim_one(worker)
    with engine.connect() as other:
        other.autocommit = False
        other.execute("select from pgmq.q_tasker_t for update")
        call(db, "cancel_task", task_id=task_id, reason="r", actor="me")
        other.rollback()
    assert message(db, lease), "the message was left, since it was held"
    assert beat(worker, lease)["cancelled"] == [1]
    assert hand_in(worker, complete(lease)) == []
    lapse(db, lease)
    assert claim(worker) == []
    assert broken(db) == []


def test_a_heartbeat_does_not_wait_for_anyone(engine: Engine, db: Connection) -> None:
    """Not for the worker's own exchange, nor for an operator: there may be a cycle of waiting."""
    _, worker = begin(db, step("a"), step("b"), step("c"))
    held = claim_named(worker)
    with engine.connect() as other:
        other.autocommit = False
        own = Worker(other, worker.id, worker.queue_ids)
        assert exchange(own, [complete(held["a"])], want=10).accepted == [1]
        other.execute("select from tasker.step where step_no = 2 for update")
        db.execute("set lock_timeout = '200ms'")
        answer = beat(worker, *held.values(), progress={"done": 1}, lease=60)
        assert answer["cancelled"] == []
        other.rollback()
    assert one(db, "select progress from tasker.step where step_no = 3") == {"done": 1}
    assert seconds_left(db, held["c"]) > 50


def test_timers_and_zombies(db: Connection) -> None:
    """A retry that an old attempt's timer would fire twice is fired once."""
    task_id, worker = begin(db, step("a"))
    hand_in(worker, retry(claim_one(worker)))
    make_due(db)
    assert call(db, "promote_due", max_rows=10)["fired"] == 1
    assert call(db, "promote_due", max_rows=10)["fired"] == 0
    assert len(claim(worker)) == 1
    assert step_states(db, task_id) == {"a": "in_progress"}


@pytest.mark.parametrize(("own", "then"), [("0", "1min"), ("5min", "1min"), ("2s", "2s")])
@pytest.mark.parametrize("verb", ["save_checkpoint", "commit_outcome"])
def test_one_that_is_frozen_before_it_commits_does_not_hold_the_step_for_ever(
    db: Connection, own: str, then: str, verb: str
) -> None:
    """A client that is silent for so long is ended by the server, which gives its locks back."""
    _, worker = begin(db, step("a"))
    lease = claim_one(worker)
    connection = worker.connection
    connection.execute(f"set idle_in_transaction_session_timeout = '{own}'".encode())
    with connection.transaction():
        if verb == "commit_outcome":
            assert call(connection, verb, outcome=complete(lease))
        else:
            held = {
                k: getattr(lease, k)
                for k in ("queue_id", "msg_id", "read_ct", "task_id", "step_no")
            }
            assert call(connection, verb, **held, name="n", value=Jsonb(1))
        assert one(connection, "show idle_in_transaction_session_timeout") == then
    assert one(connection, "show idle_in_transaction_session_timeout") == own
