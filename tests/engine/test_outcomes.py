"""What handlers come to, and what that means for their steps, children and tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
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
    lapse,
    lost,
    make_due,
    one,
    outcome,
    register,
    register_worker,
    release,
    retry,
    run_all,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
)


def begin(db: Connection, *steps: dict[str, Any], **more: Any) -> tuple[Any, Worker]:
    """Submit a task of a new template of these steps; its id, and a worker."""
    register(db, template("x", *steps, **more))
    return submit(db, "x", {"n": 1}), register_worker(db)


# Graphs


def test_a_chain_runs_in_order(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "b"))
    for done, running, waiting in ("", "a", "bc"), ("a", "b", "c"), ("ab", "c", ""):
        lease = claim_one(worker)
        assert step_states(db, task_id) == (
            dict.fromkeys(done, "complete")
            | {running: "in_progress"}
            | dict.fromkeys(waiting, "pending")
        )
        assert task_state(db, task_id) == "in_progress"
        assert broken(db) == []
        assert hand_in(worker, complete(lease, running)) == [1]
    assert task_state(db, task_id) == "complete"
    assert call(db, "get_task_result", task_id=task_id)["result"] == "c"
    assert broken(db) == []


def test_one_exchange_completes_and_claims_what_that_made_ready(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", "a"))
    answer = exchange(worker, [complete(claim_one(worker), {"n": 1})])
    assert answer.accepted == [1]
    assert [lease.step_no for lease in answer.leases] == [2]


def test_a_diamond_joins_once_both_sides_are_done(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))
    hand_in(worker, complete(claim_one(worker)))
    sides = claim_named(worker)
    assert set(sides) == {"b", "c"}
    hand_in(worker, complete(sides["c"]))
    assert claim(worker) == []
    assert broken(db) == []
    hand_in(worker, complete(sides["b"]))
    assert list(claim_named(worker)) == ["d"]
    assert task_state(db, task_id) == "in_progress"
    assert broken(db) == []


def test_both_sides_of_a_diamond_in_one_batch_count_down_by_two(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))
    hand_in(worker, complete(claim_one(worker)))
    assert hand_in(worker, *map(complete, claim(worker))) == [1, 2]
    assert list(claim_named(worker)) == ["d"]
    assert broken(db) == []


def test_a_wide_fan_out_and_in(db: Connection) -> None:
    width = 500
    middle = [step(f"m{n}", "root") for n in range(width)]
    task_id, worker = begin(db, step("root"), *middle, step("join", *(s["name"] for s in middle)))
    hand_in(worker, complete(claim_one(worker), "root"))
    leases = claim(worker)
    assert len(leases) == width
    for at in range(0, width, 90):
        batch = leases[at : at + 90]
        assert len(hand_in(worker, *(complete(m, m.step_no) for m in batch))) == len(batch)
        assert broken(db) == []
    answer = exchange(worker)
    [join] = answer.leases
    assert [answer.results[task_id, no] for no in range(2, width + 2)] == list(range(2, width + 2))
    assert hand_in(worker, complete(join)) == [1]
    assert task_state(db, task_id) == "complete"


def test_several_roots_and_sinks(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"), step("c", "a"), step("d", "a", "b"))
    assert set(claim_named_and_complete(worker)) == {"a", "b"}
    assert set(claim_named_and_complete(worker)) == {"c", "d"}
    assert task_state(db, task_id) == "complete"
    result = call(db, "get_task_result", task_id=task_id)
    assert result == {
        "state": "complete",
        "reason": None,
        "result": {"c": "c", "d": "d"},
        "errors": [],
    }


def claim_named_and_complete(worker: Worker) -> list[str]:
    leases = claim_named(worker)
    hand_in(worker, *(complete(lease, name) for name, lease in leases.items()))
    return list(leases)


def test_one_task_through_several_queues(db: Connection) -> None:
    task_id, here = begin(
        db,
        step("a"),
        step("b", "a", queue="gpu"),
        step("c", "a"),
        step("d", "b", "c", queue="mail"),
    )
    gpu, both = register_worker(db, "gpu"), register_worker(db, "mail", "gpu")
    assert claim(gpu) == []
    hand_in(here, complete(claim_one(here)))
    assert list(claim_named(here)) == ["c"]
    b = claim_one(gpu)
    assert claim(both) == []
    c = one(db, "select msg_id from tasker.step where task_id = %s and step_no = 3", task_id)
    assert b.msg_id == 1, "each queue counts its own messages"
    assert c == 2
    lapse(db, b)
    b = claim_one(both)
    # One batch with messages of two queues.
    [q_here] = here.queue_ids
    steps = {"queue_id": q_here, "msg_id": c, "read_ct": 1, "task_id": str(task_id), "step_no": 3}
    assert hand_in(both, complete(b), {**steps, "outcome": "complete"}) == [1, 2]
    assert run_all(both) == 1
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_queue_is_claimed_first_in_first_out(db: Connection) -> None:
    register(db, template("x", step("a")))
    ids = [task_id for _, task_id, _ in submit_many(db, "x", [{}] * 30)]
    worker = register_worker(db)
    taken = [lease.task_id for _ in range(3) for lease in claim(worker, want=10)]
    assert len(set(taken[:10])) == 10
    first = [s for (s,) in db.execute("select task_id from tasker.step order by msg_id").fetchall()]
    assert taken == first
    assert set(taken) == set(ids)


def test_a_claim_takes_no_more_than_wanted(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", queue="q2")))
    submit_many(db, "x", [{}] * 5)
    worker = register_worker(db, "t", "q2")
    assert len(claim(worker, want=7)) == 7
    assert len(claim(worker, want=0)) == 0
    assert len(claim(worker, want=-1)) == 0
    assert len(claim(worker, want=7)) == 3


def test_children_see_their_parents_results_and_only_those(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "a"), step("d", "b", "a"))
    hand_in(worker, complete(claim_one(worker), {"big": [1, None]}))
    answer = exchange(worker)
    assert answer.results == {(task_id, 1): {"big": [1, None]}}, "once, however many share it"
    assert list(answer.tasks) == [task_id]
    assert answer.tasks[task_id]["input"] == {"n": 1}
    [b] = [lease for lease in answer.leases if lease.step_no == 2]
    hand_in(worker, complete(b))
    assert exchange(worker).results == {(task_id, 1): {"big": [1, None]}, (task_id, 2): None}


def test_a_grant_says_what_a_worker_must_know(db: Connection) -> None:
    task_id, worker = begin(db, step("a", attempt_time_limit=30, retry={"max_attempts": 4}))
    lease = claim_one(worker)
    assert (lease.task_id, lease.step_no, lease.attempt, lease.attempt_limit) == (task_id, 1, 1, 4)
    assert lease.read_ct == 1
    now = one(db, "select extract(epoch from clock_timestamp())::float8")
    assert lease.deadline is not None
    assert 25 < lease.deadline - now < 30
    held = find_step(db, task_id, "a")
    assert held["worker_id"] == str(worker.id)
    assert held["worker"] == "test"


# Failures


def test_a_retry_waits_for_its_timer(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    assert hand_in(worker, retry(claim_one(worker))) == [1]
    assert step_states(db, task_id) == {"a": "waiting_for_retry"}
    assert task_state(db, task_id) == "in_progress"
    assert claim(worker) == []
    assert broken(db) == []
    assert fire(db, "retry") == 1
    assert step_states(db, task_id) == {"a": "enqueued"}
    lease = claim_one(worker)
    assert lease.attempt == 2
    hand_in(worker, complete(lease, 1))
    found = find_step(db, task_id, "a")
    [attempt] = found["attempts"]
    assert (attempt["attempt"], attempt["outcome"], attempt["worker"]) == (1, "retry", "test")
    assert attempt["error"] == {"type": "Flaky", "message": "try again"}
    assert found["error"] is None, "the step came to a result in the end"
    assert broken(db) == []


def test_an_exchange_fires_due_timers_by_itself(db: Connection) -> None:
    _, worker = begin(db, step("a"))
    hand_in(worker, retry(claim_one(worker)))
    assert make_due(db, "retry") == 1
    assert claim_one(worker).attempt == 2


def test_out_of_attempts_is_an_error(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 3}), step("b", "a"))
    for attempt in 1, 2, 3:
        lease = claim_one(worker)
        assert lease.attempt == attempt
        assert hand_in(worker, retry(lease)) == [1]
        fire(db, "retry")
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    assert task_state(db, task_id) == "blocked_by_failures"
    outcomes = [a["outcome"] for a in find_step(db, task_id, "a")["attempts"]]
    assert outcomes == ["retry", "retry", "error"]
    assert broken(db) == []


def test_a_lost_attempt_counts_and_is_recorded_as_lost_the_last_one_too(db: Connection) -> None:
    """No type of error makes it permanent: the handler has said nothing."""
    policy = {"max_attempts": 2, "permanent_errors": ["ChildDied"]}
    task_id, worker = begin(db, step("a", retry=policy))
    assert hand_in(worker, lost(claim_one(worker))) == [1]
    assert step_states(db, task_id) == {"a": "waiting_for_retry"}
    fire(db, "retry")
    lease = claim_one(worker)
    assert lease.attempt == 2
    assert hand_in(worker, lost(lease)) == [1]
    found = find_step(db, task_id, "a")
    assert [(a["attempt"], a["outcome"]) for a in found["attempts"]] == [(1, "lost"), (2, "lost")]
    assert (found["state"], found["error"]["type"]) == ("error", "ChildDied")
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []


def test_a_permanent_error_is_not_retried(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"))
    leases = claim_named(worker)
    hand_in(worker, fail(leases["a"]), complete(leases["b"]))
    assert step_states(db, task_id) == {"a": "error", "b": "complete"}
    assert find_step(db, task_id, "a")["attempt"] == 1
    assert one(db, "select count(*) from tasker.timer") == 0


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ({"type": "CardDeclined"}, "error"),
        ({"type": "Other"}, "waiting_for_retry"),
        ({"type": "Expired", "kinds": ["Expired", "CardDeclined", "Exception"]}, "error"),
        ({"type": "Other", "kinds": ["Other", "Exception"]}, "waiting_for_retry"),
        ({"message": "of no type"}, "waiting_for_retry"),
        (None, "waiting_for_retry"),
        ("text", "waiting_for_retry"),
    ],
)
def test_error_types_that_the_definition_calls_permanent(
    db: Connection, error: Any, state: str
) -> None:
    names = ["Unlucky", "CardDeclined"]
    task_id, worker = begin(db, step("a", retry={"permanent_errors": names}))
    assert hand_in(worker, outcome(claim_one(worker), "retry", error=error)) == [1]
    assert step_states(db, task_id) == {"a": state}
    assert broken(db) == []


def test_a_release_is_not_counted(db: Connection) -> None:
    task_id, worker = begin(db, step("a", retry={"max_attempts": 1}))
    for _ in range(3):
        lease = claim_one(worker)
        assert lease.attempt == 1
        assert hand_in(worker, release(lease)) == [1]
        assert step_states(db, task_id) == {"a": "waiting_for_retry"}
        assert claim(worker) == []
        assert broken(db) == []
        assert fire(db, "retry") == 1
    assert find_step(db, task_id, "a")["attempts"] == []
    hand_in(worker, complete(claim_one(worker)))
    assert task_state(db, task_id) == "complete"


def wait_of(db: Connection) -> float:
    """Return for how long, from now, the only timer has to wait."""
    query = "select extract(epoch from fire_at - clock_timestamp())::float8 from tasker.timer"
    return one(db, query)


BACKOFFS = {
    "none": [0, 0, 0, 0, 0],
    "fixed": [10, 10, 10, 10, 10],
    "linear": [10, 20, 30, 40, 50],
    "exponential": [10, 20, 40, 80, 100],
    "fibonacci": [10, 10, 20, 30, 50],
}


@pytest.mark.parametrize("backoff", BACKOFFS)
def test_backoff(db: Connection, backoff: str) -> None:
    given = {"backoff": backoff, "base": 10, "cap": 100, "jitter": 0, "max_attempts": 6}
    _, worker = begin(db, step("a", retry=given))
    waits: list[float] = []
    for _ in range(5):
        hand_in(worker, retry(claim_one(worker)))
        waits.append(wait_of(db))
        fire(db, "retry")
    assert waits == pytest.approx(BACKOFFS[backoff], abs=0.5)


@pytest.mark.parametrize("backoff", BACKOFFS)
def test_backoff_never_exceeds_the_cap_and_never_overflows(
    shared_db: Connection, backoff: str
) -> None:
    """An error here would make every exchange that hands in this retry fail, for ever."""
    given = {"backoff": backoff, "base": 315_360_000, "cap": 315_360_000, "jitter": 0}
    register(shared_db, template(backoff, step("a", retry=given)))
    waits = one(
        shared_db,
        """select array_agg(extract(epoch from tasker.backoff_delay(d, attempt))::float8)
        from tasker.step_definition d, unnest(array[1, 5, 40, 41, 70, 1000]) as attempt""",
    )
    assert all(0 <= wait <= 315_360_000 for wait in waits)


def test_jitter_spreads_retries_within_its_bounds(db: Connection) -> None:
    given = {"backoff": "exponential", "base": 10, "cap": 40, "jitter": 0.5}
    register(db, template("x", step("a", retry=given)))
    waits = db.execute(
        """select attempt, min(wait)::float8, max(wait)::float8 from (
            select attempt, extract(epoch from tasker.backoff_delay(d, attempt)) as wait
            from tasker.step_definition d, unnest(array[1, 2, 9]) as attempt,
                generate_series(1, 500)
        ) as w group by attempt order by attempt"""
    ).fetchall()
    for (_, least, most), middle in zip(waits, (10, 20, 40), strict=True):
        assert middle * 0.5 <= least < middle * 0.6
        assert middle * 1.4 < most <= middle * 1.5


@pytest.mark.parametrize(
    ("delay", "wait"), [(7.5, 7.5), (0, 0), (-5, 0), (1e12, 30 * 86400), (None, 60)]
)
def test_a_handler_may_ask_for_a_delay(db: Connection, delay: float | None, wait: float) -> None:
    _, worker = begin(db, step("a", retry={"backoff": "fixed", "base": 60, "jitter": 0}))
    hand_in(worker, retry(claim_one(worker), delay=delay))
    assert wait_of(db) == pytest.approx(wait, abs=0.5)


@pytest.mark.parametrize(("delay", "wait"), [(20, 20), (None, 1)])
def test_a_release_waits_a_second_or_as_asked(
    db: Connection, delay: float | None, wait: float
) -> None:
    _, worker = begin(db, step("a"))
    hand_in(worker, release(claim_one(worker), delay=delay))
    assert wait_of(db) == pytest.approx(wait, abs=0.5)


def test_what_does_not_depend_on_a_failure_goes_on(db: Connection) -> None:
    task_id, worker = begin(
        db,
        step("bad"),
        step("good"),
        step("child", "bad"),
        step("last", "good"),
        step("join", "child", "last"),
    )
    leases = claim_named(worker)
    hand_in(worker, fail(leases["bad"]))
    assert task_state(db, task_id) == "in_progress"
    assert broken(db) == []
    hand_in(worker, complete(leases["good"]))
    assert task_state(db, task_id) == "in_progress"
    hand_in(worker, complete(claim_named(worker)["last"]))
    assert task_state(db, task_id) == "blocked_by_failures"
    assert step_states(db, task_id) == {
        "bad": "error", "good": "complete", "child": "pending", "last": "complete",
        "join": "pending",
    }  # fmt: skip
    result = call(db, "get_task_result", task_id=task_id)
    assert result["errors"] == [{"step": "bad", "error": {"type": "Broken", "message": "no use"}}]
    assert broken(db) == []


# Batches


def test_a_batch_with_every_kind_of_outcome(db: Connection) -> None:
    names = "abcdef"
    task_id, worker = begin(db, *(step(n) for n in names))
    held = claim_named(worker)
    lapse(db, held["f"])
    again = claim_one(worker)
    assert hand_in(
        worker,
        retry(held["a"]),
        complete(held["f"]),
        release(held["b"]),
        complete(held["c"]),
        fail(held["d"]),
    ) == [1, 3, 4, 5]
    assert step_states(db, task_id) == {
        "a": "waiting_for_retry", "b": "waiting_for_retry", "c": "complete", "d": "error",
        "e": "in_progress", "f": "in_progress",
    }  # fmt: skip
    assert hand_in(worker, complete(held["f"]), complete(again)) == [2]
    assert broken(db) == []


def test_a_stale_outcome_does_not_hinder_the_rest(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", "a")))
    submit_many(db, "x", [{}] * 5)
    worker = register_worker(db)
    leases = claim(worker)
    lapse(db, leases[1], leases[3])
    again = claim(worker)
    assert len(again) == 2
    assert hand_in(worker, *map(complete, leases)) == [1, 3, 5]
    assert broken(db) == []
    assert hand_in(worker, *map(complete, leases)) == []
    assert hand_in(worker, *map(complete, again)) == [1, 2]
    assert broken(db) == []


def test_the_same_outcome_twice_in_a_batch_takes_once(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a"), step("c", "a", "b"))
    lease = claim_one(worker)
    assert len(hand_in(worker, complete(lease, 1), complete(lease, 2), retry(lease))) == 1
    assert broken(db) == []
    assert one(db, "select waiting_on from tasker.step where step_no = 3") in (1, 2)
    assert task_state(db, task_id) == "in_progress"


@pytest.mark.parametrize(
    "change",
    [{"read_ct": 99}, {"msg_id": 99}, {"queue_id": 99}, {"task_id": str(uuid4())}, {"step_no": 99}],
)
def test_an_outcome_that_names_no_lease_is_stale(db: Connection, change: dict[str, Any]) -> None:
    task_id, worker = begin(db, step("a"))
    given = complete(claim_one(worker))
    assert hand_in(worker, {**given, **change}) == []
    assert hand_in(worker, given) == [1]
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize("kind", ["done", "", None, "Complete"])
def test_an_outcome_of_no_known_kind_changes_nothing(db: Connection, kind: Any) -> None:
    """Taking the message and leaving the step would strand it."""
    task_id, worker = begin(db, step("a"))
    lease = claim_one(worker)
    with pytest.raises(psycopg.Error, match="outcome 1: its outcome is") as refused:
        hand_in(worker, outcome(lease, kind))
    assert refused.value.sqlstate == "TK002"
    assert broken(db) == []
    assert hand_in(worker, complete(lease)) == [1]
    assert task_state(db, task_id) == "complete"


def test_a_message_whose_step_is_gone_is_dropped(db: Connection) -> None:
    register(db, template("x", step("a")))
    gone, stays = (submit(db, "x") for _ in range(2))
    for table in "step", "task":
        db.execute(f"delete from tasker.{table} where task_id = %s", [gone])
    worker = register_worker(db)
    assert [lease.task_id for lease in claim(worker)] == [stays]
    assert broken(db) == []


def test_a_message_that_another_took_the_place_of_is_dropped(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    db.execute(
        "insert into pgmq.q_tasker_t (vt, message) select now(), message from pgmq.q_tasker_t"
    )
    assert len(broken(db)) == 1
    assert len(claim(worker)) == 1
    assert broken(db) == []
    assert task_state(db, task_id) == "in_progress"


# Time limits


def test_a_step_past_its_time_limit_ends_in_error(db: Connection) -> None:
    task_id, worker = begin(db, step("a", step_time_limit=100), step("b", "a"))
    assert one(db, "select extract(epoch from fire_at - now())::int from tasker.timer") == 100
    lease = claim_one(worker)
    assert fire(db, "step_time_limit") == 1
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []
    found = find_step(db, task_id, "a")
    assert found["error"]["type"] == "StepTimedOut"
    assert [(a["attempt"], a["outcome"]) for a in found["attempts"]] == [(1, "error")]
    assert hand_in(worker, complete(lease)) == []


def test_a_steps_clock_starts_when_it_is_first_enqueued(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", "a", step_time_limit=100))
    assert one(db, "select count(*) from tasker.timer") == 0
    hand_in(worker, complete(claim_one(worker)))
    assert wait_of(db) == pytest.approx(100, abs=1)
    db.execute("update tasker.timer set fire_at = fire_at - interval '60 seconds'")
    hand_in(worker, retry(claim_one(worker)))
    fire(db, "retry")
    assert wait_of(db) == pytest.approx(40, abs=1), "it runs on over retries"
    assert step_timeout_while(db, worker, "enqueued")


def step_timeout_while(db: Connection, worker: Worker, state: str) -> bool:
    assert one(db, "select state::text from tasker.step where step_no = 2") == state
    fire(db, "step_time_limit")
    ended = one(db, "select state::text from tasker.step where step_no = 2") == "error"
    return ended and claim(worker) == [] and broken(db) == []


def test_a_step_that_waits_for_its_retry_times_out_too(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", "a", step_time_limit=100))
    hand_in(worker, complete(claim_one(worker)))
    hand_in(worker, retry(claim_one(worker)))
    assert step_timeout_while(db, worker, "waiting_for_retry")
    assert one(db, "select count(*) from tasker.timer") == 0


def test_a_step_that_ended_in_time_does_not_time_out(db: Connection) -> None:
    task_id, worker = begin(db, step("a", step_time_limit=100), step("b", "a"))
    hand_in(worker, complete(claim_one(worker), 5))
    fire(db, "step_time_limit")
    assert step_states(db, task_id) == {"a": "complete", "b": "enqueued"}
    assert broken(db) == []


def test_an_operators_retry_starts_a_steps_clock_anew(db: Connection) -> None:
    task_id, worker = begin(db, step("a", step_time_limit=100))
    hand_in(worker, fail(claim_one(worker)))
    db.execute("update tasker.timer set fire_at = fire_at - interval '90 seconds'")
    call(db, "retry_step", task_id=task_id, step_name="a", reason="r", actor="me")
    assert wait_of(db) == pytest.approx(100, abs=1)


def test_a_task_past_its_time_limit_ends_in_error(db: Connection) -> None:
    task_id, worker = begin(
        db, step("a"), step("b", "a"), step("c"), step("d"), step("e"), time_limit=100
    )
    held = claim_named(worker)
    hand_in(worker, fail(held["c"]), retry(held["d"]), complete(held["e"], 1))
    assert fire(db, "task_time_limit") == 1
    assert task_state(db, task_id) == "error"
    assert step_states(db, task_id) == {
        "a": "cancelled", "b": "cancelled", "c": "error", "d": "cancelled", "e": "complete",
    }  # fmt: skip
    task = call(db, "get_task", task_id=task_id)
    assert task["reason"] == "the task ran past its time limit"
    assert task["completed_at"]
    assert hand_in(worker, complete(held["a"])) == []
    assert one(db, "select count(*) from tasker.timer") == 0
    assert claim(worker) == []
    assert broken(db) == []


def test_a_blocked_task_times_out_too(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), time_limit=100)
    hand_in(worker, fail(claim_one(worker)))
    fire(db, "task_time_limit")
    assert task_state(db, task_id) == "error"
    assert broken(db) == []


def test_a_task_that_ended_in_time_leaves_no_timer(db: Connection) -> None:
    _, worker = begin(db, step("a", step_time_limit=50), step("b", "a"), time_limit=100)
    assert one(db, "select count(*) from tasker.timer") == 2
    run_all(worker)
    assert one(db, "select count(*) from tasker.timer") == 0


def test_every_timer_of_a_task_due_at_once(db: Connection) -> None:
    """The retry is enqueued, then its step times out, then the task does."""
    task_id, worker = begin(db, step("a", step_time_limit=50), step("b", "a"), time_limit=100)
    hand_in(worker, retry(claim_one(worker)))
    assert fire(db) == 3
    assert task_state(db, task_id) == "error"
    assert step_states(db, task_id) == {"a": "error", "b": "cancelled"}
    assert claim(worker) == []
    assert broken(db) == []


def test_an_attempt_past_its_deadline_is_lost_as_timed_out(db: Connection) -> None:
    task_id, worker = begin(db, step("a", attempt_time_limit=10, retry={"max_attempts": 2}))
    for kind in "LeaseLost", "AttemptTimedOut":
        lease = claim_one(worker)
        if kind == "AttemptTimedOut":
            db.execute("update tasker.step set deadline_at = now() - interval '1 second'")
        lapse(db, lease)
    assert claim(worker) == []
    assert step_states(db, task_id) == {"a": "error"}
    found = find_step(db, task_id, "a")
    assert [(a["outcome"], a["error"]["type"]) for a in found["attempts"]] == [
        ("lost", "LeaseLost"),
        ("lost", "AttemptTimedOut"),
    ]
    assert found["error"]["type"] == "AttemptTimedOut"
    assert broken(db) == []


@pytest.mark.parametrize(
    ("outcomes", "lease"),
    [({"a": 1}, 15.0), ("complete", 15.0), ([], -5.0), ([], 0.0), ([], 1e18), ([], float("nan"))],
)
def test_an_exchange_that_makes_no_sense_is_refused(
    db: Connection, outcomes: Any, lease: float
) -> None:
    register(db, template("one", step("a")))
    task_id = submit(db, "one")
    worker = register_worker(db, "t")
    query = "select tasker.exchange(%s, %s, %s, 1, %s)"
    with pytest.raises(psycopg.Error) as refused:
        db.execute(query, [worker.id, worker.queue_ids, Jsonb(outcomes), lease])
    assert refused.value.sqlstate == "TK002"
    assert step_states(db, task_id) == {"a": "enqueued"}


@pytest.mark.parametrize(
    ("verb", "wrong"),
    [
        ("exchange", {"outcomes": None}),
        ("exchange", {"want": None}),
        ("exchange", {"lease_seconds": None}),
        ("exchange", {"queue_ids": None}),
        ("heartbeat", {"leases": Jsonb({})}),
        ("heartbeat", {"leases": None}),
        ("heartbeat", {"lease_seconds": float("nan")}),
        ("register_worker", {"slots": 0}),
        ("register_worker", {"worker_id": None}),
        ("register_worker", {"handlers": None}),
        ("promote_due", {"max_rows": 0}),
        ("rescue", {"max_rows": -1}),
        ("prune", {"older_than": None}),
        ("prune", {"max_rows": None}),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    db: Connection, verb: str, wrong: dict[str, Any]
) -> None:
    worker = register_worker(db, "t")
    fitting: dict[str, dict[str, Any]] = {
        "exchange": {
            "worker_id": worker.id, "queue_ids": worker.queue_ids, "outcomes": Jsonb([]),
            "want": 1, "lease_seconds": 15.0,
        },
        "heartbeat": {"worker_id": worker.id, "running": 0, "leases": Jsonb([]), "lease_seconds": 15.0},
        "register_worker": {
            "worker_id": worker.id, "name": "w", "queues": ["t"], "slots": 1, "handlers": [],
            "version": "1",
        },
        "promote_due": {"max_rows": 1},
        "rescue": {"max_rows": 1},
        "prune": {"older_than": timedelta(days=1), "max_rows": 1},
    }  # fmt: skip
    call(db, verb, **fitting[verb])
    with pytest.raises(psycopg.Error) as refused:
        call(db, verb, **fitting[verb] | wrong)
    assert refused.value.sqlstate == "TK002"
    assert refused.value.diag.message_hint
