"""What operators do by hand, in every state a task or step can be in, and what they are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    claim_one,
    complete,
    fail,
    find_step,
    fire,
    hand_in,
    in_background,
    lapse,
    one,
    register,
    register_worker,
    release,
    retry,
    rows,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "because", "actor": "ann"}


def begin(db: Connection, *steps: dict[str, Any], **more: Any) -> tuple[UUID, Worker]:
    """Submit a task of a new template of these steps; its id, and a worker."""
    register(db, template("x", *steps, **more))
    return submit(db, "x"), register_worker(db)


def cancel(db: Connection, task_id: UUID) -> Any:
    return call(db, "cancel_task", task_id=task_id, **WHO)


def retry_step(db: Connection, task_id: UUID, name: str) -> Any:
    return call(db, "retry_step", task_id=task_id, step_name=name, **WHO)


def settle(db: Connection, verb: str, task_id: UUID, name: str, result: Any = None) -> Any:
    """Complete or resolve a step by hand."""
    given = {"task_id": task_id, "step_name": name, "result": result, **WHO}
    return call(db, verb, **given)


def refusal(db: Connection, function: str, **arguments: Any) -> tuple[str | None, str]:
    """Return the error code and message of a call that is refused, with a hint."""
    with pytest.raises(psycopg.Error) as raised:
        call(db, function, **arguments)
    assert raised.value.diag.message_hint
    return raised.value.sqlstate, raised.value.diag.message_primary or ""


def actions(db: Connection) -> list[Any]:
    query = "select verb, step_no, reason, actor from tasker.action order by action_id"
    return db.execute(query).fetchall()


# A step in each state


def step_pending(db: Connection) -> UUID:
    return begin(db, step("r"), step("s", "r"), step("child", "s"))[0]


def step_enqueued(db: Connection) -> UUID:
    return begin(db, step("s"), step("child", "s"))[0]


def step_in_progress(db: Connection) -> UUID:
    task_id, worker = begin(db, step("s"), step("child", "s"))
    claim_one(worker)
    return task_id


def step_waiting_for_retry(db: Connection) -> UUID:
    task_id, worker = begin(db, step("s"), step("child", "s"))
    hand_in(worker, retry(claim_one(worker)))
    return task_id


def step_error(db: Connection) -> UUID:
    task_id, worker = begin(db, step("s"), step("child", "s"))
    hand_in(worker, fail(claim_one(worker)))
    return task_id


def step_complete(db: Connection) -> UUID:
    task_id, worker = begin(db, step("s"), step("child", "s"))
    hand_in(worker, complete(claim_one(worker)))
    return task_id


def step_resolved(db: Connection) -> UUID:
    task_id, _ = begin(db, step("s"), step("child", "s"))
    settle(db, "resolve_step", task_id, "s")
    return task_id


def step_cancelled(db: Connection) -> UUID:
    task_id, _ = begin(db, step("s"), step("child", "s"))
    cancel(db, task_id)
    return task_id


def step_not_started(db: Connection) -> UUID:
    register(db, template("x", step("s"), step("child", "s")))
    return submit(db, "x", start_at=datetime.now(UTC) + timedelta(hours=1))


OPEN_STEP = [step_pending, step_enqueued, step_in_progress, step_waiting_for_retry, step_error]
ENDED_STEP = [step_complete, step_resolved, step_cancelled]
VERBS = {"complete_step": "complete", "resolve_step": "resolved_manually"}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("situation", OPEN_STEP, ids=lambda s: s.__name__)
def test_a_step_that_has_not_ended_well_can_be_settled(
    db: Connection, situation: Any, verb: str
) -> None:
    task_id = situation(db)
    answer = settle(db, verb, task_id, "s", {"by": "hand"})
    assert answer == {"task_id": str(task_id), "state": "in_progress", "steps": 1}
    states = step_states(db, task_id)
    assert states["s"] == VERBS[verb]
    assert states["child"] == "enqueued", "its children go on"
    assert find_step(db, task_id, "s")["result"] == {"by": "hand"}
    [(verb_done, step_no, reason, actor)] = actions(db)
    assert (verb_done, reason, actor) == (verb.removesuffix("_step"), "because", "ann")
    assert step_no == find_step(db, task_id, "s")["step_no"]
    assert broken(db) == []
    worker = register_worker(db)
    leases = claim_named(worker)
    assert "s" not in leases
    hand_in(worker, *map(complete, leases.values()))
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []
    assert one(db, "select count(*) from tasker.timer") == 0


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("situation", ENDED_STEP, ids=lambda s: s.__name__)
def test_one_that_has_ended_cannot(db: Connection, situation: Any, verb: str) -> None:
    task_id = situation(db)
    before = step_states(db, task_id)
    recorded = actions(db)
    given: dict[str, Any] = {"result": {}, **WHO}
    assert refusal(db, verb, task_id=task_id, step_name="s", **given)[0] == "TK004"
    assert step_states(db, task_id) == before
    assert actions(db) == recorded
    assert broken(db) == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_step_of_a_task_that_has_not_started_cannot(db: Connection, verb: str) -> None:
    """Its other first steps would never start, or its children at once."""
    task_id = step_not_started(db)
    given: dict[str, Any] = {"result": {}, **WHO}
    code, message = refusal(db, verb, task_id=task_id, step_name="s", **given)
    assert code == "TK004"
    assert "starts" in message
    assert fire(db, "task_start") == 1
    assert run_all(register_worker(db)) == 2
    assert task_state(db, task_id) == "complete"


def test_the_last_step_settled_completes_the_task(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"))
    held = claim_named(worker)
    hand_in(worker, complete(held["a"], 1), fail(held["b"]))
    assert settle(db, "resolve_step", task_id, "b", {"n": 2})["state"] == "complete"
    assert call(db, "get_task_result", task_id=task_id)["result"] == {"a": 1, "b": {"n": 2}}
    assert find_step(db, task_id, "b")["attempts"][0]["error"]["type"] == "Broken"
    assert broken(db) == []


def test_steps_settled_against_the_order_of_the_graph(db: Connection) -> None:
    """A child first: its parents' completion then leaves it alone, and the task ends once."""
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "b"))
    assert settle(db, "complete_step", task_id, "c")["state"] == "in_progress"
    assert settle(db, "resolve_step", task_id, "b")["state"] == "in_progress"
    assert broken(db) == []
    assert list(claim_named(worker)) == ["a"]
    assert settle(db, "complete_step", task_id, "a")["state"] == "complete"
    assert step_states(db, task_id) == {"a": "complete", "b": "resolved_manually", "c": "complete"}
    assert broken(db) == []


def test_a_blocked_task_goes_on_beyond_a_failed_step_settled(db: Connection) -> None:
    """The failed step itself stays, and so the task is blocked again in the end."""
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "b"))
    hand_in(worker, fail(claim_one(worker)))
    assert settle(db, "complete_step", task_id, "b")["state"] == "in_progress"
    assert run_all(worker) == 1
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []
    assert settle(db, "resolve_step", task_id, "a")["state"] == "complete"
    assert broken(db) == []


def test_the_attempt_that_a_settlement_cut_short_is_recorded(db: Connection) -> None:
    task_id = step_in_progress(db)
    settle(db, "complete_step", task_id, "s", {"n": 1})
    found = find_step(db, task_id, "s")
    assert [(a["attempt"], a["outcome"]) for a in found["attempts"]] == [(1, "cancelled")]
    assert found["error"] is None


# Retry


def test_a_failed_step_is_tried_again_with_fresh_attempts(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 2}), step("b", "a"))
    for _ in range(2):
        hand_in(worker, retry(claim_one(worker)))
        fire(db)
    assert task_state(db, task_id) == "blocked_by_failures"
    answer = retry_step(db, task_id, "a")
    assert answer == {"task_id": str(task_id), "state": "in_progress", "steps": 1}
    assert broken(db) == []
    assert [claim_and_retry(db, worker) for _ in range(2)] == [3, 4]
    assert task_state(db, task_id) == "blocked_by_failures"
    retry_step(db, task_id, "a")
    assert claim_one(worker).attempt == 5
    found = find_step(db, task_id, "a")
    assert [a["attempt"] for a in found["attempts"]] == [1, 2, 3, 4]
    assert [a["verb"] for a in found["actions"]] == ["retry", "retry"]
    assert found["completed_at"] is None
    assert broken(db) == []


def claim_and_retry(db: Connection, worker: Worker) -> int:
    lease = claim_one(worker)
    hand_in(worker, retry(lease))
    fire(db)
    return lease.attempt


def test_a_step_that_waits_for_its_retry_is_tried_at_once(db: Connection) -> None:
    task_id = step_waiting_for_retry(db)
    assert retry_step(db, task_id, "s")["steps"] == 1
    assert one(db, "select count(*) from tasker.timer") == 0
    assert claim_one(register_worker(db)).attempt == 2
    assert broken(db) == []


@pytest.mark.parametrize(
    "situation",
    [step_pending, step_enqueued, step_in_progress, *ENDED_STEP, step_not_started],
    ids=lambda s: s.__name__,
)
def test_a_step_in_another_state_is_not_retried(db: Connection, situation: Any) -> None:
    task_id = situation(db)
    before = step_states(db, task_id)
    assert refusal(db, "retry_step", task_id=task_id, step_name="s", **WHO)[0] == "TK004"
    assert step_states(db, task_id) == before
    assert broken(db) == []


def test_every_failed_step_of_a_task_is_tried_again(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"), step("c"), step("d", "a", "b"))
    held = claim_named(worker)
    hand_in(worker, fail(held["a"]), fail(held["b"]))
    answer = call(db, "retry_task", task_id=task_id, **WHO)
    assert answer == {"task_id": str(task_id), "state": "in_progress", "steps": 2}
    assert actions(db) == [("retry", None, "because", "ann")]
    assert broken(db) == []
    hand_in(worker, complete(held["c"]))
    assert run_all(worker) == 3
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_task_without_a_failed_step_is_not_retried(db: Connection) -> None:
    task_id = step_enqueued(db)
    code, message = refusal(db, "retry_task", task_id=task_id, **WHO)
    assert code == "TK004"
    assert "no failed step" in message


# Whole tasks


@pytest.mark.parametrize("verb", ["cancel", "resolve"])
@pytest.mark.parametrize("situation", [*OPEN_STEP, step_not_started], ids=lambda s: s.__name__)
def test_an_open_task_can_be_ended(db: Connection, situation: Any, verb: str) -> None:
    task_id = situation(db)
    before = step_states(db, task_id)
    answer = call(db, f"{verb}_task", task_id=task_id, **WHO)
    state = {"cancel": "cancelled", "resolve": "resolved_manually"}[verb]
    changed = [name for name, was in before.items() if was != "error"]
    assert answer == {"task_id": str(task_id), "state": state, "steps": len(changed)}
    assert step_states(db, task_id) == {**before, **dict.fromkeys(changed, "cancelled")}
    task = call(db, "get_task", task_id=task_id)
    assert task["reason"] == "because"
    assert task["completed_at"]
    assert actions(db) == [(verb, None, "because", "ann")]
    assert broken(db) == []
    assert fire(db) == 0
    assert claim(register_worker(db)) == []
    assert one(db, "select count(*) from pgmq.q_tasker_t") == 0
    assert rows(db, "list_tasks", filter={"state": state})[0]["task_id"] == str(task_id)


def ended(db: Connection, how: str) -> UUID:
    task_id, worker = begin(db, step("s"), time_limit=100)
    match how:
        case "complete":
            run_all(worker)
        case "error":
            fire(db)
        case "cancelled":
            cancel(db, task_id)
        case _:
            call(db, "resolve_task", task_id=task_id, **WHO)
    assert task_state(db, task_id) == how
    return task_id


TASK_VERBS: dict[str, dict[str, Any]] = {
    "cancel_task": {}, "resolve_task": {}, "retry_task": {}, "retry_step": {"step_name": "s"},
    "resolve_step": {"step_name": "s", "result": {}}, "complete_step": {"step_name": "s", "result": {}},
}  # fmt: skip


@pytest.mark.parametrize("how", ["complete", "error", "cancelled", "resolved_manually"])
def test_a_task_that_has_ended_does_not_change_any_more(db: Connection, how: str) -> None:
    task_id = ended(db, how)
    before = call(db, "get_task", task_id=task_id), step_states(db, task_id), actions(db)
    for verb, more in TASK_VERBS.items():
        code, message = refusal(db, verb, task_id=task_id, **more, **WHO)
        assert code == "TK004"
        assert f"has ended ({how})" in message
    assert (call(db, "get_task", task_id=task_id), step_states(db, task_id), actions(db)) == before


@pytest.mark.parametrize("verb", TASK_VERBS)
def test_an_unknown_task_or_step_is_not_found(db: Connection, verb: str) -> None:
    more = TASK_VERBS[verb]
    assert refusal(db, verb, task_id=uuid4(), **more, **WHO)[0] == "TK001"
    task_id, _ = begin(db, step("a"), step("b"))
    if "step_name" in more:
        with pytest.raises(psycopg.Error, match="has no step 'nope'") as raised:
            call(db, verb, task_id=task_id, **{**more, "step_name": "nope"}, **WHO)
        assert raised.value.sqlstate == "TK001"
        assert raised.value.diag.message_hint == "Its steps are: a, b."


@pytest.mark.parametrize("verb", TASK_VERBS)
def test_without_reason_or_actor_nothing_is_done(db: Connection, verb: str) -> None:
    task_id = step_error(db)
    for missing in {"reason": " "}, {"actor": ""}, {"reason": None}, {"actor": None}:
        code, _ = refusal(db, verb, task_id=task_id, **TASK_VERBS[verb], **{**WHO, **missing})
        assert code == "TK002"
    assert actions(db) == []
    assert step_states(db, task_id) == {"s": "error", "child": "pending"}


def test_operators_take_turns(engine: Engine, db: Connection) -> None:
    """The second waits for the first and then finds the task ended."""
    task_id = step_in_progress(db)
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        cancel(one_side, task_id)
        with in_background(
            lambda: refusal(other_side, "complete_step", task_id=task_id, step_name="s",
                            result={"n": 1}, **WHO)
        ) as answer:  # fmt: skip
            wait_until_blocked(db, other_side.info.backend_pid)
            one_side.commit()
            assert answer.result()[0] == "TK004"
    assert task_state(db, task_id) == "cancelled"
    assert broken(db) == []


def test_a_cancellation_waits_for_an_exchange_and_then_finds_what_it_did(
    engine: Engine, db: Connection
) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "b"))
    lease = claim_one(worker)
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        hand_in(Worker(one_side, worker.id, worker.queue_ids), complete(lease))
        with in_background(lambda: cancel(other_side, task_id)) as answer:
            wait_until_blocked(db, other_side.info.backend_pid)
            one_side.commit()
            assert answer.result()["steps"] == 2
    assert step_states(db, task_id) == {"a": "complete", "b": "cancelled", "c": "cancelled"}
    assert claim(worker) == []
    assert broken(db) == []


# What operators are told


def explain(db: Connection, task_id: UUID, name: str) -> dict[str, Any]:
    return call(db, "explain_step", task_id=task_id, step_name=name)


def test_why_a_step_waits_for_its_parents(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"), step("c", "a", "b"), step("d", "c"))
    held = claim_named(worker)
    hand_in(worker, complete(held["b"]))
    why = explain(db, task_id, "c")
    assert (why["step"], why["state"], why["task_state"]) == ("c", "pending", "in_progress")
    assert why["waits_for"] == [{"step": "a", "state": "in_progress"}]
    assert why["reason"] == "it waits for a (in_progress)"
    hand_in(worker, fail(held["a"]))
    why = explain(db, task_id, "c")
    assert why["reason"] == (
        "it waits for a (error); a step that failed must be retried or resolved first"
    )
    assert explain(db, task_id, "d")["reason"] == "it waits for c (pending)"


def test_why_a_step_of_a_delayed_task_waits(db: Connection) -> None:
    assert "the task starts at" in explain(db, step_not_started(db), "s")["reason"]


def test_why_a_step_that_could_run_does_not(db: Connection) -> None:
    register(db, template("x", step("s"), step("child", "s")))
    task_id = submit(db, "x")
    why = explain(db, task_id, "s")
    assert (why["queue"], why["queue_depth"], why["workers"]) == ("t", 1, 0)
    assert why["reason"] == "no worker serves its queue t: start one"
    register_worker(db)
    why = explain(db, task_id, "s")
    assert why["workers"] == 1
    assert why["reason"] == "it is in queue t, where 1 can run and 1 worker(s) serve"
    assert why["lease_until"] is None


def test_where_a_step_runs_and_until_when(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    lease = claim_one(worker)
    why = explain(db, task_id, "a")
    assert why["leased_by"] == "test"
    assert why["lease_until"]
    assert why["reason"].startswith("test runs attempt 1, with a lease until ")
    lapse(db, lease)
    assert explain(db, task_id, "a")["reason"].startswith("the lease of test ran out at ")
    call(db, "leave", worker_id=worker.id)
    assert explain(db, task_id, "a")["leased_by"] == str(worker.id)
    db.execute("truncate pgmq.q_tasker_t")
    assert explain(db, task_id, "a")["reason"].startswith("its message is gone: the rescuer")


def test_when_a_step_is_tried_again(db: Connection) -> None:
    task_id = step_waiting_for_retry(db)
    why = explain(db, task_id, "s")
    assert why["retry_at"]
    assert why["reason"].startswith("attempt 1 of 3 ended with try again; the next is due at ")


def test_when_a_step_that_was_given_back_runs(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    hand_in(worker, release(claim_one(worker)))
    reason = explain(db, task_id, "a")["reason"]
    assert reason.startswith("its worker gave it back; it is due at ")


def test_why_a_step_has_ended(db: Connection) -> None:
    assert explain(db, step_error(db), "s")["reason"] == "it failed after 1 attempt(s): no use"


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        (step_complete, "it is complete"),
        (step_resolved, "it was resolved by hand"),
        (step_cancelled, "it was cancelled: because"),
    ],
)
def test_why_a_step_does_not_run_any_more(db: Connection, situation: Any, reason: str) -> None:
    assert explain(db, situation(db), "s")["reason"] == reason


def test_what_failed_for_good_is_in_the_dead_letter_view(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"), step("c"), time_limit=100)
    held = claim_named(worker)
    hand_in(worker, fail(held["a"]), retry(held["b"]))
    other = submit(db, "x")
    found = db.execute(
        """select task_id, step_no, namespace, template, version, step, attempt, error ->> 'type',
            failed_at is not null from tasker.dead_letter"""
    ).fetchall()
    assert found == [(task_id, 1, "t", "x", "1", "a", 1, "Broken", True)]
    hand_in(worker, fail(claim_named(worker)["a"]))
    assert one(db, "select array_agg(task_id order by task_id) from tasker.dead_letter") == [
        task_id,
        other,
    ]
    retry_step(db, other, "a")
    cancel(db, task_id)
    assert one(db, "select count(*) from tasker.dead_letter") == 0


def test_a_task_is_described_with_its_steps_counted(db: Connection) -> None:
    task_id, worker = begin(db, *(step(n) for n in "abcde"), step("f", "a"))
    held = claim_named(worker, want=4)
    hand_in(worker, complete(held["a"]), fail(held["b"]), retry(held["c"]))
    task = call(db, "get_task", task_id=task_id)
    assert {k: n for k, n in task["steps"].items() if n} == {
        "total": 6, "complete": 1, "error": 1, "waiting_for_retry": 1, "in_progress": 1,
        "enqueued": 2,
    }  # fmt: skip
    assert (task["namespace"], task["template"], task["version"]) == ("t", "x", "1")
    assert task["started_at"]
    assert task["completed_at"] is None
    assert refusal(db, "get_task", task_id=uuid4())[0] == "TK001"
    assert refusal(db, "get_task_result", task_id=uuid4())[0] == "TK001"
    assert refusal(db, "get_step", task_id=uuid4(), step_name="a")[0] == "TK001"
    assert refusal(db, "explain_step", task_id=uuid4(), step_name="a")[0] == "TK001"
    assert rows(db, "list_steps", task_id=uuid4()) == []


def test_steps_are_listed_in_order_with_their_parents(db: Connection) -> None:
    task_id, _ = begin(db, step("z"), step("m", "z", config={"k": 1}), step("a", "m", "z"))
    steps = rows(db, "list_steps", task_id=task_id)
    assert [(s["step_no"], s["name"], s["depends_on"]) for s in steps] == [
        (1, "z", []),
        (2, "m", ["z"]),
        (3, "a", ["z", "m"]),
    ]
    assert [(s["handler"], s["kind"], s["queue"], s["max_attempts"]) for s in steps[:1]] == [
        ("h.z", "standard", "t", 3)
    ]
    assert [s["waiting_on"] for s in steps] == [0, 1, 2]
    found = find_step(db, task_id, "m")
    assert (found["config"], found["input"], found["attempts"]) == ({"k": 1}, {}, [])


def test_queues_are_counted_with_who_serves_them(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", queue="gpu")))
    for _ in range(3):
        submit(db, "x")
    worker = register_worker(db)
    register_worker(db, "t", "gpu")
    claim(worker, want=2)
    claim(register_worker(db, "empty"))
    db.execute("update pgmq.q_tasker_t set enqueued_at = now() - interval '90 seconds'")
    found = {q["queue"]: q for q in rows(db, "queue_stats")}
    age = found["t"].pop("oldest_age_seconds")
    assert 89 < age < 95
    found["gpu"].pop("oldest_age_seconds")
    assert found["t"] == {
        "queue": "t", "ready": 1, "leased": 2, "workers": 2, "idle_workers": 0, "slots": 200, "paused": False,
        "in_line": 0,
        "used": True,
    }  # fmt: skip
    assert (found["gpu"]["ready"], found["gpu"]["leased"], found["gpu"]["workers"]) == (3, 0, 1)
    assert (found["empty"]["ready"], found["empty"]["idle_workers"]) == (0, 1)
    assert found["empty"]["oldest_age_seconds"] == 0


def test_workers_are_listed(db: Connection) -> None:
    worker = register_worker(db, "t", "gpu")
    [found] = rows(db, "list_workers")
    assert (found["worker_id"], found["name"], found["queues"]) == (
        str(worker.id),
        "test",
        ["gpu", "t"],
    )
    assert (found["slots"], found["running"], found["idle"]) == (100, 0, False)
    claim(worker)
    assert rows(db, "list_workers")[0]["idle"] is True
    call(db, "leave", worker_id=worker.id)
    assert rows(db, "list_workers") == []


def test_a_worker_needs_a_queue(db: Connection) -> None:
    given: dict[str, Any] = {"worker_id": uuid4(), "name": "w", "slots": 1, "handlers": []}
    assert refusal(db, "register_worker", **given, queues=[], version="1")[0] == "TK002"
    assert refusal(db, "register_worker", **given, queues=["Bad Name"], version="1")[0] == "TK002"


# Watching


def notified(connection: Connection, channel: str, timeout: float = 0.0) -> list[str]:
    found = connection.notifies(timeout=timeout, stop_after=1)
    return [n.payload for n in found if n.channel == channel]


@pytest.mark.parametrize("end", ["complete", "error", "blocked", "cancelled", "resolved"])
def test_who_watches_a_task_is_told_when_it_ends(engine: Engine, db: Connection, end: str) -> None:
    task_id, worker = begin(db, step("a"), time_limit=100)
    other = submit(db, "x")
    with engine.connect() as watcher:
        watcher.execute("listen tasker_task")
        assert call(watcher, "watch_task", task_id=task_id) == "in_progress"
        by_task = {lease.task_id: lease for lease in claim(worker)}
        match end:
            case "complete":
                hand_in(worker, complete(by_task[other]), complete(by_task[task_id]))
            case "blocked":
                hand_in(worker, fail(by_task[other]), fail(by_task[task_id]))
            case "error":
                fire(db)
            case "cancelled":
                cancel(db, task_id)
            case _:
                call(db, "resolve_task", task_id=task_id, **WHO)
        assert notified(watcher, "tasker_task", timeout=5) == [str(task_id)]
        assert notified(watcher, "tasker_task") == [], "nobody watches the other one"
    assert refusal(db, "watch_task", task_id=uuid4())[0] == "TK001"


def test_idle_workers_are_woken_and_busy_ones_left_alone(engine: Engine, db: Connection) -> None:
    register(db, template("x", step("a")))
    worker = register_worker(db)
    channel = f"tasker_queue_{worker.queue_ids[0]}"
    with engine.connect() as listener:
        listener.execute(f"listen {channel}")
        submit(db, "x")
        assert notified(listener, channel) == [], "nobody was idle"
        assert len(claim(worker)) == 1
        assert claim(worker) == []
        submit(db, "x")
        assert notified(listener, channel, timeout=5) == [""]
        assert len(claim(worker)) == 1
        submit(db, "x")
        assert notified(listener, channel) == []
