"""Tasks and queues that are paused: what is held, what goes on meanwhile, and how it goes on afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Worker,
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
    one,
    outcome,
    register,
    register_worker,
    retry,
    rows,
    run_all,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "moving house", "actor": "ann"}
TWICE = {"max_attempts": 2, "jitter": 0}


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("line", step("a", retry=TWICE), step("b", "a", retry=TWICE)))
    register(db, template("wide", step("a"), step("b"), step("c", "a", "b")))
    return register_worker(db, "t")


def pause(db: Connection, task_id: UUID) -> Json:
    return call(db, "pause_task", task_id=task_id, **WHO)


def resume(db: Connection, task_id: UUID) -> Json:
    return call(db, "resume_task", task_id=task_id, **WHO)


def reason(db: Connection, task_id: UUID, name: str) -> str:
    return call(db, "explain_step", task_id=task_id, step_name=name)["reason"]


def is_held(db: Connection, worker: Worker, task_id: UUID) -> bool:
    """Whether it is paused, sound, and nothing of it can be claimed."""
    assert broken(db) == []
    return task_state(db, task_id) == "paused" and claim(worker) == []


def refused(db: Connection, function: str, **arguments: Json) -> tuple[str | None, str]:
    with pytest.raises(psycopg.Error) as raised:
        call(db, function, **{**WHO, **arguments})
    return raised.value.sqlstate, str(raised.value)


# Tasks


def test_a_paused_task_is_in_no_queue_and_runs_when_it_is_resumed(
    db: Connection, worker: Worker
) -> None:
    task_id, other = submit(db, "line"), submit(db, "line")
    assert pause(db, task_id) == {"task_id": str(task_id), "state": "paused", "steps": 1}
    assert [lease.task_id for lease in claim(worker)] == [other]
    assert one(db, "select count(*) from pgmq.q_tasker_t") == 1
    assert is_held(db, worker, task_id)
    assert reason(db, task_id, "a") == "its task is paused (ann): moving house"
    assert resume(db, task_id) == {"task_id": str(task_id), "state": "in_progress", "steps": 1}
    assert run_all(worker) == 2
    assert task_state(db, task_id) == "complete"
    actions = db.execute("select verb, reason, actor from tasker.action order by 1").fetchall()
    assert actions == [("pause", "moving house", "ann"), ("resume", "moving house", "ann")]


def test_what_runs_goes_on_and_its_children_are_held(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "wide")
    leases = claim_named(worker)
    assert pause(db, task_id)["steps"] == 0
    assert hand_in(worker, complete(leases["a"]), complete(leases["b"], 7)) == [1, 2]
    assert step_states(db, task_id) == {"a": "complete", "b": "complete", "c": "pending"}
    assert is_held(db, worker, task_id)
    assert resume(db, task_id)["steps"] == 1
    answer = exchange(worker)
    assert sorted(str(r) for r in answer.results.values()) == ["7", "None"]
    hand_in(worker, *map(complete, answer.leases))
    assert task_state(db, task_id) == "complete"


def test_a_task_whose_last_step_completes_during_the_pause_is_complete(
    db: Connection, worker: Worker
) -> None:
    task_id = submit(db, "line")
    hand_in(worker, complete(claim_one(worker)))
    lease = claim_one(worker)
    pause(db, task_id)
    assert hand_in(worker, complete(lease)) == [1]
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []
    assert refused(db, "resume_task", task_id=task_id)[0] == "TK004"


def test_a_retry_that_falls_due_is_held(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "line")
    hand_in(worker, retry(claim_one(worker)))
    assert pause(db, task_id)["steps"] == 0
    assert step_states(db, task_id)["a"] == "waiting_for_retry"
    assert fire(db, "retry") == 1
    assert is_held(db, worker, task_id)
    resume(db, task_id)
    assert claim_one(worker).attempt == 2


def test_a_retry_that_is_not_due_keeps_its_time(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "line")
    hand_in(worker, retry(claim_one(worker)))
    pause(db, task_id)
    assert resume(db, task_id)["steps"] == 0
    assert step_states(db, task_id)["a"] == "waiting_for_retry"
    fire(db, "retry")
    assert claim_one(worker).attempt == 2


@pytest.mark.parametrize("how", ["wake", "event", "event before"])
def test_a_wait_that_ends_is_held(db: Connection, worker: Worker, how: str) -> None:
    task_id = submit(db, "line")
    sent = {"task_id": task_id, "name": "paid", "payload": Jsonb(7)}
    if how == "event before":
        call(db, "send_event", **sent)
    lease = claim_one(worker)
    pause(db, task_id)
    wait = {"name": "w", "event": "paid", "seconds": 60}
    hand_in(worker, outcome(lease, "wait", wait=wait))
    if how == "wake":
        fire(db, "wake")
    elif how == "event":
        assert call(db, "send_event", **sent)["woken"] == 1
    assert step_states(db, task_id)["a"] == "pending"
    assert is_held(db, worker, task_id)
    saved = {"timeout": True} if how == "wake" else {"event": 7}
    assert one(db, "select value from tasker.checkpoint") == saved
    resume(db, task_id)
    assert claim_one(worker).attempt == 1


def test_a_lost_attempt_counts_and_the_next_one_is_held(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "line")
    lease = claim_one(worker)
    pause(db, task_id)
    lapse(db, lease)
    assert claim(worker) == []
    assert is_held(db, worker, task_id)
    assert find_step(db, task_id, "a")["attempts"][0]["outcome"] == "lost"
    assert hand_in(worker, complete(lease)) == []
    resume(db, task_id)
    again = claim_one(worker)
    pause(db, task_id)
    lapse(db, again)
    assert claim(worker) == []
    assert step_states(db, task_id)["a"] == "error", "that was the last"
    assert is_held(db, worker, task_id)
    assert resume(db, task_id)["state"] == "blocked_by_failures"


def test_an_attempt_whose_message_is_lost_is_rescued_into_the_pause(
    db: Connection, worker: Worker
) -> None:
    task_id = submit(db, "line")
    claim_one(worker)
    pause(db, task_id)
    db.execute("delete from pgmq.q_tasker_t")
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert call(db, "rescue")["rescued"] == 1
    assert is_held(db, worker, task_id)
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert call(db, "rescue")["rescued"] == 0, "it stays where it is"
    resume(db, task_id)
    assert claim_one(worker).attempt == 2


def test_a_decision_and_a_batch_grow_into_the_pause(db: Connection, worker: Worker) -> None:
    register(db, template("choice", step("a", kind="decision"), step("b", "a"), step("c", "a")))
    split = step("a", kind="batchable")
    work = step("b", "a", kind="batch_worker", batch={"parallelism": 2})
    register(db, template("batch", split, work, step("c", "b", kind="deferred_convergence")))
    for name, result, ready in (("choice", ["c"], 1), ("batch", [1, 2, 3], 2)):
        task_id = submit(db, name)
        lease = claim_one(worker)
        pause(db, task_id)
        hand_in(worker, complete(lease, result))
        assert is_held(db, worker, task_id)
        assert resume(db, task_id)["steps"] == ready
        running = claim(worker)
        pause(db, task_id)
        hand_in(worker, *map(complete, running))
        assert name == "choice" or is_held(db, worker, task_id), "the third's turn has come"
        if name == "batch":
            resume(db, task_id)
        run_all(worker)
        assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_task_that_is_undone_can_be_paused(db: Connection, worker: Worker) -> None:
    undo = {"handler": "undo"}
    register(db, template("back", step("a", compensate=undo), step("b", "a", compensate=undo)))
    task_id = submit(db, "back")
    run_all(worker)
    task_id = submit(db, "back")
    hand_in(worker, complete(claim_one(worker)))
    pause(db, task_id)
    assert call(db, "cancel_task", task_id=task_id, compensate=True, **WHO)["state"] == "paused"
    assert is_held(db, worker, task_id)
    resume(db, task_id)
    lease = claim_one(worker)
    pause(db, task_id)
    hand_in(worker, complete(lease))
    assert task_state(db, task_id) == "cancelled"
    assert broken(db) == []


def test_a_failure_in_the_pause_is_undone_when_it_is_resumed(
    db: Connection, worker: Worker
) -> None:
    a, b = step("a", compensate={"handler": "undo"}), step("b", "a", retry={"max_attempts": 1})
    register(db, template("back", a, b, on_failure="compensate"))
    task_id = submit(db, "back")
    hand_in(worker, complete(claim_one(worker)))
    lease = claim_one(worker)
    pause(db, task_id)
    hand_in(worker, fail(lease))
    assert is_held(db, worker, task_id)
    resume(db, task_id)
    hand_in(worker, complete(claim_one(worker)))
    assert task_state(db, task_id) == "error"


def test_a_failed_task_stays_paused_and_what_is_retried_is_held(
    db: Connection, worker: Worker
) -> None:
    task_id = submit(db, "line")
    hand_in(worker, fail(claim_one(worker)))
    pause(db, task_id)
    assert is_held(db, worker, task_id)
    assert call(db, "retry_step", task_id=task_id, step_name="a", **WHO)["state"] == "paused"
    assert is_held(db, worker, task_id)
    assert resume(db, task_id)["steps"] == 1
    assert run_all(worker) == 2


@pytest.mark.parametrize("function", ["complete_step", "resolve_step"])
def test_held_steps_can_be_settled(db: Connection, worker: Worker, function: str) -> None:
    task_id = submit(db, "line")
    pause(db, task_id)
    for name, state in (("a", "paused"), ("b", "complete")):
        given = {"task_id": task_id, "step_name": name, "result": Jsonb(1)}
        assert call(db, function, **given, **WHO)["state"] == state
        assert broken(db) == []
        assert claim(worker) == []


@pytest.mark.parametrize(
    ("function", "state"), [("cancel_task", "cancelled"), ("resolve_task", "resolved_manually")]
)
def test_a_paused_task_can_be_ended(
    db: Connection, worker: Worker, function: str, state: str
) -> None:
    task_id = submit(db, "wide")
    pause(db, task_id)
    assert call(db, function, task_id=task_id, **WHO) == {
        "task_id": str(task_id),
        "state": state,
        "steps": 3,
    }
    assert broken(db) == []


def test_time_limits_go_on_in_a_pause(db: Connection, worker: Worker) -> None:
    limited = step("a", step_time_limit=60, retry={"max_attempts": 1})
    register(db, template("timed", limited, time_limit=3600))
    task_id = submit(db, "timed")
    pause(db, task_id)
    fire(db, "step_time_limit")
    assert step_states(db, task_id) == {"a": "error"}
    assert is_held(db, worker, task_id)
    fire(db, "task_time_limit")
    assert task_state(db, task_id) == "error"


def test_a_task_that_starts_later_can_be_paused(db: Connection, worker: Worker) -> None:
    later = {"start_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
    first, second = (submit_many(db, "line", [later])[0][1] for _ in range(2))
    for task_id in (first, second):
        assert pause(db, task_id)["steps"] == 0
        assert "and is paused" in reason(db, task_id, "a")
        given = {"task_id": task_id, "step_name": "a", "result": Jsonb(1)}
        assert refused(db, "complete_step", **given)[0] == "TK004"
    assert broken(db) == []
    assert resume(db, first)["state"] == "pending"
    fire(db, "task_start")
    assert [lease.task_id for lease in claim(worker)] == [first]
    assert is_held(db, worker, second)
    assert resume(db, second)["state"] == "in_progress"
    assert claim_one(worker).task_id == second


def test_what_cannot_be_paused_or_resumed_is_refused(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "line")
    none = {"task_id": UUID(int=1)}
    assert refused(db, "pause_task", **none)[0] == "TK001"
    assert refused(db, "resume_task", **none)[0] == "TK001"
    assert refused(db, "pause_task", task_id=task_id, reason=" ")[0] == "TK002"
    code, text = refused(db, "resume_task", task_id=task_id)
    assert code == "TK004" and "is not paused" in text
    pause(db, task_id)
    assert refused(db, "resume_task", task_id=task_id, actor="")[0] == "TK002"
    code, text = refused(db, "pause_task", task_id=task_id)
    assert code == "TK004" and "paused already" in text
    assert one(db, "select count(*) from tasker.action") == 1


def test_a_pause_waits_for_outcomes_and_holds_what_they_made_ready(
    engine: Engine, db: Connection, worker: Worker
) -> None:
    """And outcomes wait for a pause."""
    with engine.connect() as holding, engine.connect() as other:
        task_id = submit(db, "line")
        lease = claim_one(worker)
        mine = Worker(holding, worker.id, worker.queue_ids)
        holding.execute("begin")
        hand_in(mine, complete(lease))
        with in_background(lambda: pause(other, task_id)) as answer:
            wait_until_blocked(db, other.info.backend_pid, answer.done)
            holding.execute("commit")
        assert answer.result()["steps"] == 1
        assert is_held(db, worker, task_id)
        resume(db, task_id)
        lease = claim_one(worker)
        holding.execute("begin")
        pause(holding, task_id)
        theirs = Worker(other, worker.id, worker.queue_ids)
        with in_background(lambda: hand_in(theirs, retry(lease, delay=0))) as answer:
            wait_until_blocked(db, other.info.backend_pid, answer.done)
            holding.execute("commit")
        assert answer.result() == [1]
        fire(db, "retry")
        assert is_held(db, worker, task_id)


# Queues


def test_of_a_paused_queue_nothing_is_granted(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "line")
    lease = claim_one(worker)
    queue = {"name": "t", **WHO}
    assert call(db, "pause_queue", **queue) == {"queue": "t", "paused": True}
    answer = exchange(worker, [complete(lease)])
    assert (answer.accepted, answer.leases) == ([1], []), "what runs goes on"
    assert reason(db, task_id, "b") == "its queue t is paused (ann): moving house"
    [stats] = rows(db, "queue_stats")
    assert (stats["paused"], stats["ready"]) == (True, 1)
    assert broken(db) == []
    assert call(db, "resume_queue", **queue) == {"queue": "t", "paused": False}
    assert rows(db, "queue_stats")[0]["paused"] is False
    assert claim_one(worker).task_id == task_id
    actions = db.execute("select queue, verb, reason, actor from tasker.queue_action").fetchall()
    assert actions == [("t", verb, "moving house", "ann") for verb in ("pause", "resume")]


def test_other_queues_go_on(db: Connection, worker: Worker) -> None:
    register(db, template("two", step("a"), step("b", queue="q2")))
    submit(db, "two")
    both = register_worker(db, "t", "q2")
    call(db, "pause_queue", name="t", **WHO)
    assert len(claim(both)) == 1
    call(db, "resume_queue", name="t", **WHO)
    assert len(claim(both)) == 1


def test_resuming_a_queue_wakes_idle_workers(db: Connection, worker: Worker) -> None:
    call(db, "pause_queue", name="t", **WHO)
    submit(db, "line")
    assert claim(worker) == []
    db.execute(f"listen tasker_queue_{worker.queue_ids[0]}")
    call(db, "resume_queue", name="t", **WHO)
    assert len(list(db.notifies(timeout=5, stop_after=1))) == 1


def test_a_queue_that_cannot_be_paused_or_resumed_is_refused(
    db: Connection, worker: Worker
) -> None:
    code, text = refused(db, "pause_queue", name="none")
    assert code == "TK001" and "There are: t" in text
    assert refused(db, "pause_queue", name="t", reason="")[0] == "TK002"
    code, text = refused(db, "resume_queue", name="t")
    assert code == "TK004" and "is not paused" in text
    call(db, "pause_queue", name="t", **WHO)
    assert refused(db, "pause_queue", name="t")[0] == "TK004"
