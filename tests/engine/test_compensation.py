"""Tasks that are undone: what is compensated, in which order, with which results, and how the task ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Json,
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
    lapse,
    one,
    outcome,
    read_lease,
    register,
    register_worker,
    retry,
    rows,
    step,
    step_states,
    submit,
    task_state,
    template,
)

WHO = {"reason": "not wanted", "actor": "ann"}


def undo(name: str, **more: Json) -> dict[str, Json]:
    """What a step says about its compensation."""
    return {"handler": f"undo.{name}", "retry": {"max_attempts": 2}, **more}


def undone(name: str, *parents: str, **more: Json) -> dict[str, Json]:
    """A step with a compensation."""
    return step(name, *parents, compensate=undo(name), **more)


# reserve, then charge and pack side by side, then ship. Packing has nothing to undo.
ORDER = (
    undone("reserve"),
    undone("charge", "reserve"),
    step("pack", "reserve"),
    undone("ship", "charge", "pack"),
    step("thank", "ship"),
)


@pytest.fixture
def worker(db: Connection) -> Worker:
    return register_worker(db, "t")


def finish(worker: Worker, *names: str) -> None:
    """Complete steps by name, as they can be claimed."""
    left = set(names)
    while left:
        granted = claim_named(worker)
        done = [complete(lease, f"{name}'s") for name, lease in granted.items()]
        assert granted
        assert len(hand_in(worker, *done)) == len(done)
        left -= granted.keys()


def undo_all(worker: Worker) -> list[list[str]]:
    """Run what can be run to its end; the names of each turn."""
    turns: list[list[str]] = []
    while granted := claim_named(worker):
        turns.append(sorted(granted))
        hand_in(worker, *(complete(lease) for lease in granted.values()))
        assert broken(worker.connection) == []
    return turns


def cancel(db: Connection, task_id: UUID) -> Json:
    answer = call(db, "cancel_task", task_id=task_id, **WHO, compensate=True)
    assert broken(db) == []
    return answer


def test_what_was_completed_is_undone_in_reverse(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve", "charge", "pack", "ship")
    assert cancel(db, task_id) == {"task_id": str(task_id), "state": "in_progress", "steps": 1}
    assert undo_all(worker) == [["undo:ship"], ["undo:charge"], ["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"
    states = step_states(db, task_id)
    assert states.pop("thank") == "cancelled"
    assert set(states.values()) == {"complete"}
    task = call(db, "get_task", task_id=task_id)
    assert (task["reason"], task["ends_as"]) == ("not wanted", "cancelled")
    assert task["completed_at"] is not None


def test_only_what_was_completed_is_undone(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    cancel(db, task_id)
    assert undo_all(worker) == [["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


@pytest.mark.parametrize("started", [False, True])
def test_with_nothing_to_undo_a_task_is_cancelled_at_once(
    db: Connection, worker: Worker, started: bool
) -> None:
    register(db, template("order", *ORDER))
    given = {} if started else {"start_at": "2099-01-01T00:00:00Z"}
    task_id = submit(db, "order", **given)
    assert cancel(db, task_id)["state"] == "cancelled"
    assert claim(worker) == []


def test_a_template_without_compensations_is_just_cancelled(db: Connection, worker: Worker) -> None:
    register(db, template("plain", step("a"), step("b", "a")))
    task_id = submit(db, "plain")
    finish(worker, "a")
    assert cancel(db, task_id)["state"] == "cancelled"


def test_without_compensate_nothing_is_undone(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    call(db, "cancel_task", task_id=task_id, **WHO)
    assert task_state(db, task_id) == "cancelled"
    assert claim(worker) == []
    assert broken(db) == []


def test_a_task_that_completes_has_no_compensations(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "thank")
    assert call(db, "get_task_result", task_id=task_id)["result"] == "thank's"
    assert list(step_states(db, task_id)) == ["reserve", "charge", "pack", "ship", "thank"]


# A handler that is still running


def test_undoing_waits_for_the_leases_of_what_was_running(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    charge = claim_named(worker)["charge"]
    cancel(db, task_id)
    assert beat(worker, charge)["cancelled"] == [1]
    assert claim(worker) == []
    assert step_states(db, task_id)["undo:reserve"] == "waiting_for_retry"
    explained = call(db, "explain_step", task_id=task_id, step_name="undo:reserve")
    assert "when the leases of steps that were in progress are over" in explained["reason"]
    late = one(
        db,
        """select extract(epoch from fire_at - clock_timestamp())::float8
        from tasker.timer where task_id = %s""",
        task_id,
    )
    assert 13 < late <= 15
    assert hand_in(worker, complete(charge, "too late")) == []
    fire(db, "retry")
    assert undo_all(worker) == [["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


def test_a_lease_that_has_run_out_is_not_waited_for(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    lapse(db, *claim(worker))
    cancel(db, task_id)
    assert undo_all(worker) == [["undo:reserve"]]


def test_what_was_started_can_be_undone_too(db: Connection, worker: Worker) -> None:
    """One that is running, one that waits, one that failed; not one that no worker has seen."""
    names = ("runs", "waits", "fails", "queued")
    steps = [step(n, compensate=undo(n, when="started")) for n in names]
    steps[3] |= {"queue": "q2"}
    register(db, template("order", *steps, undone("plain"), step("z", *names)))
    task_id = submit(db, "order")
    given = claim_named(worker)
    wait = {"name": "w", "event": "e"}
    hand_in(worker, outcome(given["waits"], "wait", wait=wait), fail(given["fails"]))
    cancel(db, task_id)
    fire(db, "retry")
    answer = exchange(worker)
    assert sorted(lease.step_no for lease in answer.leases) == [7, 8, 9]
    states = step_states(db, task_id)
    assert {n: states[n] for n in names} == {
        "runs": "cancelled", "waits": "cancelled", "fails": "error", "queued": "cancelled",
    }  # fmt: skip
    hand_in(worker, *map(complete, answer.leases))
    assert task_state(db, task_id) == "cancelled"
    assert broken(db) == []


# What handlers see


def granted_of(worker: Worker) -> dict[str, Json]:
    """What a worker is granted, as it is said."""
    answer = call(
        worker.connection, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids,
        outcomes=Jsonb([]), want=10, lease_seconds=15.0,
    )  # fmt: skip
    return answer["granted"]


def test_a_compensation_gets_what_it_undoes_and_what_it_takes(
    db: Connection, worker: Worker
) -> None:
    steps = (
        step("a"),
        step("b", "a"),
        step("c", "b", compensate=undo("c", takes=["a", "d"])),
        step("d", "c"),
    )
    register(db, template("order", *steps))
    task_id = submit(db, "order", {"n": 1})
    finish(worker, "a", "b", "c")
    cancel(db, task_id)
    granted = granted_of(worker)
    [lease] = granted["steps"]
    assert granted["undone"] == [[str(task_id), 5, 3, "c", True, {"c": "c's"}]]
    assert granted["results"] == [[str(task_id), 1, "a's"]]  # d is not done
    assert granted["tasks"][0]["input"] == {"n": 1}
    [definition] = call(db, "get_definitions", definition_ids=[lease["definition_id"]])
    assert definition["kind"] == "compensation"
    assert definition["parents"] == [[1, "a"], [3, "c"], [4, "d"]]
    assert definition["result_schema"] is None


def test_it_takes_what_its_step_depends_on_by_default(db: Connection, worker: Worker) -> None:
    register(db, template("order", step("a"), undone("b", "a"), step("c", "b")))
    task_id = submit(db, "order")
    finish(worker, "a", "b")
    cancel(db, task_id)
    assert granted_of(worker)["results"] == [[str(task_id), 1, "a's"]]


def test_what_did_not_complete_gives_no_result(db: Connection, worker: Worker) -> None:
    register(db, template("order", step("a", compensate=undo("a", when="started"))))
    task_id = submit(db, "order")
    hand_in(worker, fail(claim_one(worker)))
    cancel(db, task_id)
    assert granted_of(worker)["undone"] == [[str(task_id), 2, 1, "a", False, {}]]


def test_each_worker_of_a_batch_is_undone(db: Connection, worker: Worker) -> None:
    split, work = step("split", kind="batchable"), undone("work", "split", kind="batch_worker")
    join = undone("join", "work", kind="deferred_convergence")
    join["compensate"]["takes"] = ["work"]
    register(db, template("order", split, work, join, step("last", "join")))
    task_id = submit(db, "order")
    hand_in(worker, complete(claim_one(worker), ["x", "y", "z"]))
    first, second, third = claim(worker)
    hand_in(worker, complete(first, "X"), complete(third, "Z"), fail(second))
    call(db, "resolve_step", task_id=task_id, step_name="work/2", result=Jsonb("Y"), **WHO)
    finish(worker, "join")
    cancel(db, task_id)
    granted = granted_of(worker)
    assert granted["gathered"] == [[str(task_id), 2, ["X", "Y", "Z"]]]
    hand_in(worker, *(complete(read_lease(g, {})) for g in granted["steps"]))
    granted = granted_of(worker)
    assert [
        (name, results) for _, _, _, name, _, results in sorted(granted["undone"], key=str)
    ] == [
        ("work/1", {"work": "X", "split": "x"}),
        ("work/2", {"work": "Y", "split": "y"}),
        ("work/3", {"work": "Z", "split": "z"}),
    ]
    [definition] = call(
        db, "get_definitions", definition_ids=[granted["steps"][0]["definition_id"]]
    )
    assert definition["parents"] == [[1, "split"], [2, "work"]]
    names = {s["name"]: s for s in rows(db, "list_steps", task_id=task_id)}
    assert names["undo:work/2"]["undoes"] == "work/2"
    assert names["undo:work/2"]["depends_on"] == ["work", "undo:join"]
    assert names["work/2"]["undone"] == "in_progress"
    hand_in(worker, *(complete(read_lease(g, {})) for g in granted["steps"]))
    assert task_state(db, task_id) == "cancelled"
    assert broken(db) == []


# Failures while undoing


def begin_to_undo(db: Connection, worker: Worker, **more: Json) -> UUID:
    """An order of which reserve and charge are to be undone."""
    register(db, template("order", *ORDER, **more))
    task_id = submit(db, "order")
    finish(worker, "reserve", "charge")
    cancel(db, task_id)
    return task_id


def test_a_compensation_is_retried(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    hand_in(worker, retry(claim_one(worker)))
    assert task_state(db, task_id) == "in_progress"
    fire(db, "retry")
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]
    assert find_step(db, task_id, "undo:charge")["attempt"] == 2
    assert task_state(db, task_id) == "cancelled"


def test_one_that_fails_for_good_waits_for_an_operator(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    hand_in(worker, fail(claim_one(worker)))
    assert task_state(db, task_id) == "blocked_by_failures"
    assert one(db, "select step from tasker.dead_letter where task_id = %s", task_id) == (
        "undo:charge"
    )
    explained = call(db, "explain_step", task_id=task_id, step_name="undo:reserve")
    assert "undo:charge (error)" in explained["reason"]
    assert broken(db) == []
    call(db, "retry_task", task_id=task_id, **WHO)
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


@pytest.mark.parametrize("verb", ["resolve_step", "complete_step"])
def test_one_that_failed_can_be_settled(db: Connection, worker: Worker, verb: str) -> None:
    task_id = begin_to_undo(db, worker)
    hand_in(worker, fail(claim_one(worker)))
    call(db, verb, task_id=task_id, step_name="undo:charge", result=None, **WHO)
    assert undo_all(worker) == [["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


def test_one_whose_turn_has_not_come_can_be_settled(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    call(db, "resolve_step", task_id=task_id, step_name="undo:reserve", result=None, **WHO)
    assert broken(db) == []
    assert undo_all(worker) == [["undo:charge"]]
    assert task_state(db, task_id) == "cancelled"


def test_a_lost_lease_grants_it_again(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    first = claim_one(worker)
    lapse(db, first)
    second = claim_one(worker)
    assert (second.step_no, second.attempt) == (first.step_no, 2)
    assert hand_in(worker, complete(first)) == []
    hand_in(worker, complete(second))
    assert undo_all(worker) == [["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


def test_its_time_is_limited_as_it_says(db: Connection, worker: Worker) -> None:
    steps = (undone("a"), step("b", "a"))
    steps[0]["compensate"]["step_time_limit"] = 60
    register(db, template("order", *steps))
    task_id = submit(db, "order")
    finish(worker, "a")
    cancel(db, task_id)
    fire(db, "step_time_limit")
    assert step_states(db, task_id)["undo:a"] == "error"
    assert task_state(db, task_id) == "blocked_by_failures"


def test_lost_messages_are_rescued(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    db.execute("delete from pgmq.q_tasker_t")
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert call(db, "rescue")["rescued"] == 1
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


# What operators may do meanwhile


def refused(db: Connection, verb: str, **given: Any) -> str:
    with pytest.raises(psycopg.Error) as caught:
        call(db, verb, **given, **WHO)
    assert caught.value.sqlstate == "TK004"
    return str(caught.value)


@pytest.mark.parametrize("compensate", [True, False])
def test_it_is_not_cancelled_again(db: Connection, worker: Worker, compensate: bool) -> None:
    task_id = begin_to_undo(db, worker)
    said = refused(db, "cancel_task", task_id=task_id, compensate=compensate)
    assert "being undone already, and ends as cancelled" in said
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]


def test_to_resolve_it_stops_the_undoing(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    running = claim_one(worker)
    call(db, "resolve_task", task_id=task_id, **WHO)
    assert task_state(db, task_id) == "resolved_manually"
    states = step_states(db, task_id)
    assert (states["undo:charge"], states["undo:reserve"]) == ("cancelled", "cancelled")
    assert hand_in(worker, complete(running)) == []
    assert broken(db) == []


@pytest.mark.parametrize("verb", ["retry_step", "resolve_step", "complete_step"])
def test_other_steps_are_left_alone(db: Connection, worker: Worker, verb: str) -> None:
    register(db, template("order", *ORDER))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    hand_in(worker, *(fail(lease) for lease in claim(worker)))
    cancel(db, task_id)
    given = {} if verb == "retry_step" else {"result": None}
    said = refused(db, verb, task_id=task_id, step_name="charge", **given)
    assert "is being undone" in said
    assert "no failed step" in refused(db, "retry_task", task_id=task_id)
    assert undo_all(worker) == [["undo:reserve"]]
    assert task_state(db, task_id) == "cancelled"


def test_it_can_wait_for_an_event(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    hand_in(worker, outcome(claim_one(worker), "wait", wait={"name": "w", "event": "e"}))
    assert step_states(db, task_id)["undo:charge"] == "waiting"
    call(db, "send_event", task_id=task_id, name="e")
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]


# By itself


def test_a_failure_undoes_a_task_whose_template_says_so(db: Connection, worker: Worker) -> None:
    register(db, template("order", *ORDER, on_failure="compensate"))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    given = claim_named(worker)
    hand_in(worker, fail(given["charge"]))
    assert task_state(db, task_id) == "in_progress"  # pack may still complete
    assert "undo:reserve" not in step_states(db, task_id)
    hand_in(worker, complete(given["pack"]))
    assert broken(db) == []
    assert undo_all(worker) == [["undo:reserve"]]
    answer = call(db, "get_task_result", task_id=task_id)
    assert (answer["state"], answer["reason"]) == ("error", "step charge failed")
    assert [e["step"] for e in answer["errors"]] == ["charge"]


def test_it_is_undone_once(db: Connection, worker: Worker) -> None:
    """A compensation that fails blocks the task, and does not begin it all again."""
    register(db, template("order", *ORDER, on_failure="compensate"))
    task_id = submit(db, "order")
    finish(worker, "reserve", "pack", "charge")
    hand_in(worker, fail(claim_one(worker)))
    hand_in(worker, fail(claim_named(worker)["undo:charge"]))
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []
    call(db, "retry_step", task_id=task_id, step_name="undo:charge", **WHO)
    assert undo_all(worker) == [["undo:charge"], ["undo:reserve"]]
    assert task_state(db, task_id) == "error"


@pytest.mark.parametrize(("policy", "ends"), [("compensate", "in_progress"), ("wait", "error")])
def test_a_time_limit_undoes_a_task_whose_template_says_so(
    db: Connection, worker: Worker, policy: str, ends: str
) -> None:
    register(db, template("order", *ORDER, on_failure=policy, time_limit=60))
    task_id = submit(db, "order")
    finish(worker, "reserve")
    fire(db, "task_time_limit")
    assert task_state(db, task_id) == ends
    assert broken(db) == []
    assert undo_all(worker) == ([["undo:reserve"]] if policy == "compensate" else [])
    assert task_state(db, task_id) == "error"
    assert call(db, "get_task", task_id=task_id)["reason"] == "the task ran past its time limit"


@pytest.mark.parametrize("alone", [True, False])
def test_a_batch_that_fails_its_task_undoes_it(db: Connection, worker: Worker, alone: bool) -> None:
    batch = {"on_failure": "fail_task"}
    work = undone("work", "split", kind="batch_worker", batch=batch)
    join = step("join", "work", kind="deferred_convergence")
    register(
        db,
        template("order", undone("split", kind="batchable"), work, join, on_failure="compensate"),
    )
    task_id = submit(db, "order")
    hand_in(worker, complete(claim_one(worker), [1, 2]))
    first, second = claim(worker)
    hand_in(worker, complete(first))
    other = complete(second) if alone else fail(second)
    if alone:
        hand_in(worker, retry(second))
        fire(db, "retry")
        other = fail(claim_one(worker))
    hand_in(worker, other)
    assert broken(db) == []
    assert undo_all(worker) == [["undo:work/1"], ["undo:split"]]
    assert task_state(db, task_id) == "error"


def test_a_watcher_is_told_when_it_is_done(db: Connection, worker: Worker) -> None:
    task_id = begin_to_undo(db, worker)
    call(db, "watch_task", task_id=task_id)
    db.execute("listen tasker_task")
    undo_all(worker)
    assert [n.payload for n in db.notifies(timeout=5, stop_after=1)] == [str(task_id)]


# Definitions


@pytest.mark.parametrize(
    ("compensate", "said"),
    [
        ("refund", "compensate must be an object"),
        ({}, "compensate: handler is missing"),
        ({"handler": "h", "when": "never"}, "compensate.when must be complete or started"),
        ({"handler": "h", "takes": "a"}, "compensate.takes must be an array of step names"),
        ({"handler": "h", "takes": ["zz"]}, "compensate.takes names zz, which is not a step"),
        ({"handler": "h", "retry": {"max_attempts": 0}}, "retry.max_attempts must be 1 to 1000"),
        ({"handler": "h", "queue": "No"}, "compensate: queue must be"),
        ({"handler": "h", "attempt_time_limit": -1}, "compensate: times must be seconds"),
    ],
)
def test_a_broken_compensation_is_refused(db: Connection, compensate: Json, said: str) -> None:
    with pytest.raises(psycopg.Error, match=said) as caught:
        register(db, template("order", step("a", compensate=compensate)))
    assert caught.value.sqlstate == "TK002"


def test_no_step_has_a_compensations_name(db: Connection) -> None:
    with pytest.raises(psycopg.Error, match="two steps are named undo:a"):
        register(db, template("order", undone("a"), step("undo:a")))


def test_an_unknown_policy_is_refused(db: Connection) -> None:
    with pytest.raises(psycopg.Error, match="on_failure must be wait or compensate"):
        register(db, template("order", step("a"), on_failure="panic"))


def test_it_runs_where_it_says_or_else_where_its_step_runs(db: Connection) -> None:
    steps = (
        step("a", queue="money", compensate=undo("a")),
        step("b", compensate=undo("b", queue="back")),
        step("c", compensate=undo("c")),
    )
    register(db, template("order", *steps))
    query = """select d.name, q.name from tasker.step_definition d join tasker.queue q using (queue_id)
        where d.kind = 'compensation' order by d.step_no"""
    assert db.execute(query).fetchall() == [
        ("undo:a", "money"), ("undo:b", "back"), ("undo:c", "t"),
    ]  # fmt: skip


def test_a_long_chain_is_undone_from_its_end(db: Connection, worker: Worker) -> None:
    names = [f"s{n}" for n in range(40)]
    steps = [undone(n, *names[max(i - 1, 0) : i]) for i, n in enumerate(names)]
    register(db, template("chain", *reversed(steps), step("z", names[-1])))
    task_id = submit(db, "chain")
    finish(worker, *names)
    cancel(db, task_id)
    assert undo_all(worker) == [[f"undo:{n}"] for n in reversed(names)]
