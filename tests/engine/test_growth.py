"""Decisions, convergences and batches: which steps come to be, when, and what they see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Json,
    Lease,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    complete,
    exchange,
    fail,
    hand_in,
    lapse,
    one,
    register,
    register_worker,
    rows,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}

# A loan: two decisions, one behind the other, and a convergence of their branches with a step outside of them.
LOAN = template(
    "loan",
    step("score"),
    step("route", "score", kind="decision"),
    step("reject", "route"),
    step("approve", "route"),
    step("review", "route"),
    step("depth", "review", kind="decision"),
    step("short", "depth"),
    step("long", "depth"),
    step("file", "long"),
    step("close", "reject", "approve", "short", "file", "score", kind="deferred_convergence"),
)


def run(worker: Worker, answers: dict[str, Json]) -> list[str]:
    """Run a task to its end, with each step's result as given; the names of the steps in the order they ran."""
    ran: list[str] = []
    while granted := claim_named(worker):
        ran += sorted(granted)
        done = [
            complete(lease, answers.get(name.partition("/")[0])) for name, lease in granted.items()
        ]
        assert len(hand_in(worker, *done)) == len(done)
        assert broken(worker.connection) == []
    return ran


@pytest.fixture
def worker(db: Connection) -> Worker:
    return register_worker(db, "t")


@pytest.mark.parametrize(
    ("chosen", "depth", "ran"),
    [
        (["approve"], [], ["score", "route", "approve", "close"]),
        (["approve", "reject"], [], ["score", "route", "approve", "reject", "close"]),
        ([], [], ["score", "route", "close"]),
        (["review"], ["short"], ["score", "route", "review", "depth", "short", "close"]),
        (["review"], ["long"], ["score", "route", "review", "depth", "long", "file", "close"]),
        (["review"], [], ["score", "route", "review", "depth", "close"]),
    ],
)
def test_decisions_choose_what_comes_to_be(
    db: Connection, worker: Worker, chosen: list[str], depth: list[str], ran: list[str]
) -> None:
    register(db, LOAN)
    task_id = submit(db, "loan")
    assert list(step_states(db, task_id)) == ["score", "route"]
    assert run(worker, {"route": chosen, "depth": depth}) == ran
    assert task_state(db, task_id) == "complete"
    assert sorted(step_states(db, task_id)) == sorted(ran)


def test_a_step_that_was_excluded_has_no_row(db: Connection, worker: Worker) -> None:
    register(db, LOAN)
    task_id = submit(db, "loan")
    run(worker, {"route": ["approve"]})
    assert "review" not in step_states(db, task_id)
    with pytest.raises(psycopg.Error, match="has no step 'review'"):
        call(db, "explain_step", task_id=task_id, step_name="review")


def test_a_convergence_sees_what_was_realised(db: Connection, worker: Worker) -> None:
    register(db, LOAN)
    task_id = submit(db, "loan")
    answers: dict[str, Json] = {"score": 7, "route": ["approve"], "approve": "yes"}
    for _ in range(3):
        hand_in(worker, *(complete(x, answers[n]) for n, x in claim_named(worker).items()))
    answer = exchange(worker)
    assert answer.results == {(task_id, 1): 7, (task_id, 4): "yes"}


def test_a_convergence_waits_for_the_second_decision(db: Connection, worker: Worker) -> None:
    """Two decisions feed it; the first alone does not start it, nor does either exclude it alone."""
    register(
        db,
        template(
            "two",
            step("d1", kind="decision"), step("d2", kind="decision"), step("a", "d1"), step("b", "d2"),
            step("join", "a", "b", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    first, second, third = (submit(db, "two") for _ in range(3))
    granted = {(x.task_id, x.step_no): x for x in claim(worker)}
    hand_in(worker, complete(granted[first, 1], ["a"]), complete(granted[second, 1], []))
    hand_in(worker, *(complete(x) for x in claim(worker)))
    assert step_states(db, first) == {"d1": "complete", "d2": "in_progress", "a": "complete"}
    hand_in(worker, complete(granted[first, 2], []), complete(granted[second, 2], ["b"]))
    hand_in(worker, complete(granted[third, 1], []), complete(granted[third, 2], []))
    assert step_states(db, first)["join"] == "enqueued"
    assert step_states(db, second)["join"] == "pending"
    assert task_state(db, third) == "complete"
    assert sorted(step_states(db, third)) == ["d1", "d2"]
    run_all(worker)
    assert task_state(db, first) == task_state(db, second) == "complete"
    assert broken(db) == []


def test_an_ordinary_step_with_an_excluded_parent_is_excluded(
    db: Connection, worker: Worker
) -> None:
    register(
        db,
        template(
            "both",
            step("d1", kind="decision"), step("d2", kind="decision"), step("a", "d1"), step("b", "d2"),
            step("needs_both", "a", "b"), step("after", "needs_both"),
        ),
    )  # fmt: skip
    task_id = submit(db, "both")
    assert run(worker, {"d1": ["a"], "d2": []}) == ["d1", "d2", "a"]
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            ["nowhere"],
            "nowhere is no branch of decision route; its branches are reject, approve, review",
        ),
        (["close"], "close is no branch"),
        ([7], "7 is no branch"),
        ("approve", "is an array, not string"),
        ({"approve": True}, "is an array, not object"),
        (None, "is an array, not null"),
    ],
)
def test_a_decision_that_makes_no_sense_fails_for_good(
    db: Connection, worker: Worker, result: Json, said: str
) -> None:
    register(db, LOAN)
    task_id = submit(db, "loan")
    hand_in(worker, complete(claim(worker)[0]))
    hand_in(worker, complete(claim(worker)[0], result))
    assert task_state(db, task_id) == "blocked_by_failures"
    assert step_states(db, task_id) == {"score": "complete", "route": "error"}
    error = one(db, "select error from tasker.step where state = 'error'")
    assert error["type"] == "GrowthRefused"
    assert said in error["message"]
    assert broken(db) == []
    call(db, "retry_step", task_id=task_id, step_name="route", **WHO)
    assert run(worker, {"route": ["approve"]}) == ["route", "approve", "close"]
    assert task_state(db, task_id) == "complete"


def test_one_that_makes_no_sense_harms_no_other_of_its_batch(
    db: Connection, worker: Worker
) -> None:
    register(db, LOAN)
    first, second = submit(db, "loan"), submit(db, "loan")
    hand_in(worker, *(complete(x) for x in claim(worker)))
    answers = {first: ["nowhere"], second: ["reject"]}
    done = [complete(x, answers[x.task_id]) for x in claim(worker)]
    assert hand_in(worker, *done) == [1, 2]
    assert step_states(db, first)["route"] == "error"
    assert step_states(db, second)["reject"] == "enqueued"
    assert broken(db) == []


def test_an_operator_can_decide(db: Connection, worker: Worker) -> None:
    register(db, LOAN)
    task_id = submit(db, "loan")
    hand_in(worker, complete(claim(worker)[0]))
    given: dict[str, Any] = {"task_id": task_id, "step_name": "route", **WHO}
    with pytest.raises(psycopg.Error, match="nowhere is no branch") as refused:
        call(db, "resolve_step", result=Jsonb(["nowhere"]), **given)
    assert refused.value.sqlstate == "TK002"
    call(db, "resolve_step", result=Jsonb(["approve"]), **given)
    assert run(worker, {}) == ["approve", "close"]
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


# Batches


def batch(**worker_options: Any) -> dict[str, Json]:
    return template(
        "batch",
        step("split", kind="batchable"),
        step("part", "split", kind="batch_worker", **worker_options),
        step("join", "part", kind="deferred_convergence"),
    )


def limited(**options: Json) -> dict[str, Json]:
    return batch(batch=options, retry={"max_attempts": 1})


def cursors(leases: Iterable[Lease]) -> list[Json]:
    return [lease.input for lease in leases]


def test_a_batch_has_a_worker_for_each_cursor(db: Connection, worker: Worker) -> None:
    register(db, batch())
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [{"from": 0}, {"from": 10}, {"from": 20}]))
    answer = exchange(worker)
    leases = sorted(answer.leases, key=lambda x: x.instance or 0)
    assert cursors(leases) == [{"from": 0}, {"from": 10}, {"from": 20}]
    assert answer.results == {}, "a worker needs its own cursor only"
    assert list(step_states(db, task_id)) == ["split", "join", "part/1", "part/2", "part/3"]
    hand_in(worker, complete(leases[2], "c"), complete(leases[0], "a"))
    assert claim(worker) == []
    hand_in(worker, complete(leases[1], "b"))
    gathered = exchange(worker)
    assert gathered.gathered == {(task_id, 2): ["a", "b", "c"]}
    hand_in(worker, *(complete(x, "abc") for x in gathered.leases))
    assert call(db, "get_task_result", task_id=task_id)["result"] == "abc"
    assert broken(db) == []


def test_a_batch_of_nothing(db: Connection, worker: Worker) -> None:
    register(db, batch())
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], []))
    answer = exchange(worker)
    assert answer.gathered == {(task_id, 2): []}
    hand_in(worker, *(complete(x) for x in answer.leases))
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_batch_of_ten_thousand(db: Connection, worker: Worker) -> None:
    register(db, batch())
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], list(range(10_000))))
    done = 0
    while leases := claim(worker, want=1000):
        parts = [x for x in leases if x.instance is not None]
        done += len(hand_in(worker, *(complete(x, x.input) for x in leases)))
        assert len(parts) in (0, 1000)
    assert done == 10_001
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_worker_that_failed_holds_the_convergence_until_it_is_mended(
    db: Connection, worker: Worker
) -> None:
    register(db, batch())
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1, 2, 3]))
    parts = claim_named(worker)
    hand_in(worker, complete(parts["part/1"]), fail(parts["part/2"]), complete(parts["part/3"]))
    assert task_state(db, task_id) == "blocked_by_failures"
    answer = call(db, "explain_step", task_id=task_id, step_name="join")
    assert answer["waits_for"] == [{"step": "part/2", "state": "error"}]
    dead = db.execute("select step from tasker.dead_letter").fetchall()
    assert dead == [("part/2",)]
    call(
        db,
        "resolve_step",
        task_id=task_id,
        step_name="part/2",
        result=Jsonb("by hand"),
        **WHO,
    )
    assert run(worker, {}) == ["join"]
    assert task_state(db, task_id) == "complete"


def test_a_batch_in_a_branch(db: Connection, worker: Worker) -> None:
    """Excluded, its convergence sees nothing of it; chosen, all."""
    register(
        db,
        template(
            "branch",
            step("way", kind="decision"),
            step("split", "way", kind="batchable"), step("part", "split", kind="batch_worker"),
            step("single", "way"),
            step("join", "part", "single", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    first, second = submit(db, "branch"), submit(db, "branch")
    decisions = claim(worker)
    hand_in(
        worker, *(complete(x, ["split" if x.task_id == first else "single"]) for x in decisions)
    )
    hand_in(worker, *(complete(x, [1, 2]) for x in claim(worker)))
    answer = exchange(worker)
    assert answer.gathered == {}
    assert answer.results == {(second, 4): [1, 2]}
    hand_in(worker, *(complete(x, x.instance) for x in answer.leases))
    answer = exchange(worker)
    assert answer.gathered == {(first, 3): [1, 2]}
    assert answer.results == {}
    hand_in(worker, *(complete(x) for x in answer.leases))
    assert broken(db) == []
    assert {task_state(db, t) for t in (first, second)} == {"complete"}


def test_cancelling_a_batch(db: Connection, worker: Worker) -> None:
    register(db, batch())
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1, 2, 3]))
    call(db, "cancel_task", task_id=task_id, **WHO)
    assert set(step_states(db, task_id).values()) == {"complete", "cancelled"}
    assert rows(db, "verify", task_id=task_id) == []


def test_parallelism_bounds_how_many_run_at_once(db: Connection, worker: Worker) -> None:
    register(db, limited(parallelism=2))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [10, 20, 30, 40, 50]))
    held = claim_named(worker)
    assert sorted(held) == ["part/1", "part/2"]
    assert step_states(db, task_id)["part/3"] == "pending"
    answer = call(db, "explain_step", task_id=task_id, step_name="part/3")
    assert "it waits for its turn" in answer["reason"]
    hand_in(worker, complete(held["part/2"], 2))
    more = claim_named(worker)
    assert sorted(more) == ["part/3"]
    assert broken(db) == []
    hand_in(worker, complete(held["part/1"], 1), complete(more["part/3"], 3))
    last = claim_named(worker)
    assert sorted(last) == ["part/4", "part/5"]
    hand_in(worker, *(complete(x, x.instance) for x in last.values()))
    answer = exchange(worker)
    assert list(answer.gathered.values()) == [[1, 2, 3, 4, 5]]
    assert broken(db) == []


def test_one_that_fails_gives_up_its_turn(db: Connection, worker: Worker) -> None:
    register(db, limited(parallelism=1))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1, 2]))
    hand_in(worker, fail(claim(worker)[0]))
    assert step_states(db, task_id)["part/2"] == "enqueued"
    run_all(worker)
    assert task_state(db, task_id) == "blocked_by_failures"
    assert broken(db) == []
    call(db, "retry_task", task_id=task_id, **WHO)
    run_all(worker)
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize("lost", [False, True], ids=["failed", "lost"])
def test_a_batch_can_go_on_without_those_that_fail(
    db: Connection, worker: Worker, lost: bool
) -> None:
    register(db, limited(on_failure="continue", parallelism=3))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], ["a", "b", "c"]))
    held = claim_named(worker)
    hand_in(worker, complete(held["part/1"], "A"), complete(held["part/3"], "C"))
    if lost:
        lapse(db, held["part/2"])
    else:
        hand_in(worker, fail(held["part/2"]))
    [join] = claim(worker) or claim(worker)
    assert step_states(db, task_id)["part/2"] == "tolerated"
    assert task_state(db, task_id) == "in_progress"
    gathered = call(db, "gather_batch", p_task_id=task_id, p_definition_id=_part(db))
    assert gathered["results"] == ["A", "C"]
    [failure] = gathered["failures"]
    assert (failure["instance"], failure["input"]) == (2, "b")
    assert failure["error"]["type"] == ("LeaseLost" if lost else "Broken")
    hand_in(worker, complete(join, "AC"))
    assert task_state(db, task_id) == "complete"
    assert rows(db, "verify", task_id=task_id) == []
    assert db.execute("select step from tasker.dead_letter").fetchall() == []


def _part(db: Connection) -> int:
    return one(db, "select definition_id from tasker.step_definition where name = 'part'")


def test_a_batch_of_which_all_fail(db: Connection, worker: Worker) -> None:
    register(db, limited(on_failure="continue"))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1, 2]))
    hand_in(worker, *(fail(x) for x in claim(worker)))
    run_all(worker)
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_batch_can_fail_its_task_at_once(db: Connection, worker: Worker) -> None:
    register(db, limited(on_failure="fail_task", parallelism=2))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1, 2, 3]))
    held = claim_named(worker)
    assert hand_in(worker, fail(held["part/2"])) == [1]
    task = call(db, "get_task", task_id=task_id)
    assert (task["state"], task["reason"]) == ("error", "step part/2 failed")
    assert hand_in(worker, complete(held["part/1"])) == []
    assert step_states(db, task_id) == {
        "split": "complete",
        "join": "cancelled",
        "part/1": "cancelled",
        "part/2": "error",
        "part/3": "cancelled",
    }
    assert rows(db, "verify", task_id=task_id) == []


# What the model-based test has found


def test_a_batch_of_nothing_is_not_made_again_when_the_task_grows_on(
    db: Connection, worker: Worker
) -> None:
    more = [step("later", "join", kind="decision"), step("end", "later")]
    register(db, template("more", *batch()["steps"], *more))
    task_id = submit(db, "more")
    assert run(worker, {"split": [], "later": ["end"]}) == ["split", "join", "later", "end"]
    assert task_state(db, task_id) == "complete"


@pytest.mark.parametrize(("policy", "state"), [("continue", "tolerated"), ("fail_task", "error")])
def test_a_rescue_leaves_alone_what_it_found_lost_for_good(
    db: Connection, worker: Worker, policy: str, state: str
) -> None:
    register(db, limited(on_failure=policy))
    task_id = submit(db, "batch")
    hand_in(worker, complete(claim(worker)[0], [1]))
    assert len(claim(worker)) == 1
    db.execute("delete from pgmq.q_tasker_t")
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    call(db, "rescue")
    assert step_states(db, task_id)["part/1"] == state
    assert rows(db, "verify", task_id=task_id) == []


def test_a_batchs_policy_means_nothing_for_other_steps(db: Connection, worker: Worker) -> None:
    options = {"on_failure": "continue", "parallelism": 1}
    register(db, template("plain", step("a", batch=options), step("b", "a")))
    task_id = submit(db, "plain")
    hand_in(worker, fail(claim(worker)[0]))
    assert step_states(db, task_id) == {"a": "error", "b": "pending"}
    found = db.execute("select distinct on_failure, parallelism from tasker.step_definition")
    assert found.fetchall() == [("wait", None)]


def test_a_lost_worker_ends_its_task_though_steps_of_another_queue_are_lost_too(
    db: Connection, worker: Worker
) -> None:
    """The rescuer looks at queue after queue: the second time, the task has ended."""
    batch = {"on_failure": "fail_task"}
    work = step("work", "split", kind="batch_worker", batch=batch, retry={"max_attempts": 1})
    join = step("join", "work", kind="deferred_convergence")
    one_queue = (step("split", kind="batchable"), work, join)
    register(db, template("two", *one_queue, step("beside", queue="q2", retry={"max_attempts": 1})))
    task_id = submit(db, "two")
    hand_in(worker, complete(claim(worker)[0], [1]))
    both = register_worker(db, "t", "q2")
    assert len(claim(both)) == 2
    for queue in ("t", "q2"):
        one(
            db,
            f"with gone as (delete from pgmq.q_tasker_{queue} returning 1) select count(*) from gone",
        )
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    call(db, "rescue")
    assert task_state(db, task_id) == "error"
    assert broken(db) == []


def test_batches_that_complete_together_have_their_own_workers(
    db: Connection, worker: Worker
) -> None:
    """And convergences that stand behind both count all of them."""
    register(
        db,
        template(
            "two",
            step("x", kind="batchable"),
            step("y", kind="batchable"),
            step("a", "x", kind="batch_worker"),
            step("b", "y", kind="batch_worker", batch={"parallelism": 2}),
            step("both", "a", "b", kind="deferred_convergence"),
        ),
    )
    task_id = submit(db, "two")
    granted = claim_named(worker)
    hand_in(worker, complete(granted["x"], [1, 2]), complete(granted["y"], [3, 4, 5]))
    assert broken(db) == []
    origins = {
        name: call(db, "get_step", task_id=task_id, step_name=name)["origin_no"]
        for name in ("a/1", "a/2", "b/1", "b/3")
    }
    assert origins == {"a/1": 1, "a/2": 1, "b/1": 2, "b/3": 2}
    assert run_all(worker) == 6
    assert broken(db) == []
