"""Child tasks: what starts them, what waits for them, and what their ends come to."""

from __future__ import annotations

from uuid import UUID, uuid4

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
    claim_one,
    complete,
    exchange,
    fail,
    fire,
    hand_in,
    lapse,
    one,
    outcome,
    register,
    register_worker,
    rows,
    step,
    step_states,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}


def start(worker: Worker, lease: Lease, name: str = "kid", **more: Json) -> UUID | None:
    """Start a child under a lease."""
    given = {"on_parent_end": more.pop("on_parent_end", "cancel")}
    child = {"namespace": "t", "template": "kid", **more}
    return call(
        worker.connection, "start_task", queue_id=lease.queue_id, msg_id=lease.msg_id,
        read_ct=lease.read_ct, task_id=lease.task_id, step_no=lease.step_no, name=name, child=child, **given,
    )  # fmt: skip


def begin(worker: Worker, lease: Lease, name: str = "kid", **more: Json) -> UUID:
    """Start a child that must come to be."""
    child = start(worker, lease, name, **more)
    assert child is not None
    return child


def wait_for(lease: Lease, task_id: UUID | str, **more: Json) -> dict[str, Json]:
    """The outcome of a handler that waits for a task."""
    return outcome(lease, "wait", wait={"name": "task:kid", "task": str(task_id), **more})


def saved(db: Connection, task_id: UUID) -> Json:
    """What the wait of a task's first step came to."""
    return one(
        db, "select value from tasker.checkpoint where task_id = %s and name = 'task:kid'", task_id
    )


def lease_of(worker: Worker, task_id: UUID) -> Lease:
    """Claim, and return the lease on a step of the task; the others are given back."""
    leases = claim(worker)
    [found] = [lease for lease in leases if lease.task_id == task_id]
    hand_in(worker, *[outcome(lease, "release") for lease in leases if lease is not found])
    return found


def settle(db: Connection) -> None:
    """Fire timers until none is left."""
    for _ in range(100):
        if fire(db) == 0:
            return
    raise AssertionError("timers go on for ever")


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("top", step("a", retry={"max_attempts": 2}), step("b", "a")))
    register(db, template("kid", step("k")))
    return register_worker(db, "t")


@pytest.fixture
def task(db: Connection, worker: Worker) -> UUID:
    return submit(db, "top")


@pytest.fixture
def lease(worker: Worker, task: UUID) -> Lease:
    return claim_one(worker)


def test_a_child_is_a_task_that_knows_its_parent(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease, input={"x": 1}, tags=["small"])
    found = call(db, "get_task", task_id=kid)
    assert found["input"] == {"x": 1}
    assert found["tags"] == ["small"]
    assert found["parent"] == {
        "task_id": str(task), "step": "a", "name": "kid", "on_parent_end": "cancel", "depth": 1,
    }  # fmt: skip
    assert call(db, "get_task", task_id=task)["parent"] is None
    [child] = rows(db, "list_children", task_id=task)
    assert (child["task_id"], child["step"], child["name"]) == (str(kid), "a", "kid")
    assert (child["template"], child["state"]) == ("kid", "in_progress")
    assert [t["task_id"] for t in rows(db, "list_tasks", filter={"parent": str(task)})] == [
        str(kid)
    ]
    assert {t["task_id"]: t["parent_id"] for t in rows(db, "list_tasks")} == {
        str(task): None,
        str(kid): str(task),
    }
    assert broken(db) == []


def test_a_child_has_the_priority_and_the_correlation_of_its_parent(
    db: Connection, worker: Worker
) -> None:
    correlation = uuid4()
    submit(db, "top", priority=1, correlation_id=correlation)
    lease = claim_one(worker)
    kid = call(db, "get_task", task_id=begin(worker, lease))
    assert (kid["priority"], kid["correlation_id"]) == (1, str(correlation))
    other = call(db, "get_task", task_id=begin(worker, lease, "other", priority=-1))
    assert (other["priority"], other["correlation_id"]) == (-1, str(correlation))


def test_what_a_child_is_given_keeps_its_nulls(
    db: Connection, worker: Worker, lease: Lease
) -> None:
    context = {"a": None, "b": [{"c": None}]}
    child = begin(worker, lease, context=context, tags=None, input={"d": None})
    found = db.execute("select context, input, tags from tasker.task where task_id = %s", [child])
    assert found.fetchone() == (context, {"d": None}, [])


def test_a_name_stands_for_one_child_of_a_step(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    assert start(worker, lease, input={"other": True}) == kid
    assert begin(worker, lease, "another") != kid
    lapse(db, lease)
    again = lease_of(worker, task)
    assert again.read_ct == lease.read_ct + 1
    assert begin(worker, again) == kid
    assert one(db, "select count(*) from tasker.child") == 2
    assert one(db, "select value from tasker.checkpoint where name = 'start:kid'") == str(kid)


def test_who_lost_the_lease_starts_nothing(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    lapse(db, lease)
    again = lease_of(worker, task)
    assert start(worker, lease) is None
    call(db, "cancel_task", task_id=task, **WHO)
    assert start(worker, again) is None
    assert one(db, "select count(*) from tasker.task") == 1


@pytest.mark.parametrize(
    ("given", "state", "says"),
    [
        ({"name": ""}, "TK002", "1 to 255 characters"),
        ({"template": None}, "TK002", "a namespace and a template"),
        ({"template": "nothing"}, "TK001", "nothing"),
        ({"on_parent_end": "dance"}, "TK002", "on_parent_end is 'dance'"),
        ({"tags": "many"}, "TK002", "tags must be an array"),
        ({"colour": "red"}, "TK002", "unknown key 'colour'"),
    ],
)
def test_what_cannot_be_started_is_refused_and_leaves_nothing(
    db: Connection, worker: Worker, lease: Lease, given: Json, state: str, says: str
) -> None:
    with pytest.raises(psycopg.Error, match=says) as refused:
        start(worker, lease, **given)
    assert refused.value.sqlstate == state
    assert one(db, "select count(*) from tasker.task") == 1
    assert one(db, "select count(*) from tasker.checkpoint") == 0


def test_a_line_of_children_ends_at_32(db: Connection, worker: Worker, lease: Lease) -> None:
    for _ in range(32):
        begin(worker, lease)
        lease = claim_one(worker)
    with pytest.raises(psycopg.Error, match="stands 32 children deep") as refused:
        start(worker, lease)
    assert refused.value.sqlstate == "TK002"
    assert one(db, "select max(depth) from tasker.child") == 32
    assert broken(db) == []


def test_a_parent_waits_without_a_slot_and_goes_on_in_the_exchange_that_ends_the_child(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    assert hand_in(worker, wait_for(lease, kid)) == [1]
    why = call(db, "explain_step", task_id=task, step_name="a")["reason"]
    assert why == f"it waits for task {kid} (in_progress)"
    assert broken(db) == []
    answer = exchange(worker, [complete(claim_one(worker), {"r": 7})])
    [again] = answer.leases
    assert (again.task_id, again.attempt) == (task, 1)
    assert saved(db, task) == {
        "task": str(kid), "state": "complete", "reason": None, "result": {"r": 7}, "errors": [],
    }  # fmt: skip
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_a_task_whose_live_steps_all_wait_is_shown_as_waiting(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    def shown() -> Json:
        return call(db, "get_task", task_id=task)["state"]

    kid = begin(worker, lease)
    assert shown() == "in_progress"
    hand_in(worker, wait_for(lease, kid))
    assert shown() == "waiting"
    assert task_state(db, task) == "in_progress", "it is derived, not stored"
    assert [t["task_id"] for t in rows(db, "list_tasks", filter={"state": "waiting"})] == [
        str(task)
    ]
    assert [t["task_id"] for t in rows(db, "list_tasks", filter={"state": "in_progress"})] == [
        str(kid)
    ]
    assert call(db, "count_open_tasks") == {"waiting": 1, "in_progress": 1}
    [again] = exchange(worker, [complete(claim_one(worker))]).leases
    assert (again.task_id, shown()) == (task, "in_progress")
    hand_in(worker, outcome(again, "retry"))
    assert shown() == "in_progress", "a retry is no wait for something from outside"


def test_a_task_that_has_ended_is_found_at_once(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    hand_in(worker, complete(claim_one(worker), 1))
    hand_in(worker, wait_for(lease, kid, seconds=60))
    assert step_states(db, task)["a"] == "enqueued"
    assert saved(db, task)["result"] == 1
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_any_task_can_be_awaited_and_one_that_is_not_there_is_no_reason_to_wait(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    other = submit(db, "kid")
    hand_in(worker, wait_for(lease, other))
    assert step_states(db, task)["a"] == "waiting"
    call(db, "cancel_task", task_id=other, **WHO)
    assert broken(db) == []
    settle(db)
    assert saved(db, task)["state"] == "cancelled"
    assert saved(db, task)["reason"] == "because"
    hand_in(worker, outcome(claim_one(worker), "wait", wait={"name": "x", "task": str(uuid4())}))
    assert one(db, "select value ->> 'state' from tasker.checkpoint where name = 'x'") is None
    assert step_states(db, task)["a"] == "enqueued"


def test_several_steps_wait_for_one_task(db: Connection, worker: Worker, lease: Lease) -> None:
    second = submit(db, "top")
    other = lease_of(worker, second)
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid), wait_for(other, kid))
    assert len(exchange(worker, [complete(claim_one(worker))]).leases) == 2


def test_a_time_limit_ends_the_wait_and_not_the_child(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid, seconds=3600))
    assert fire(db, "wake") == 1
    assert saved(db, task) == {"timeout": True}
    assert task_state(db, kid) == "in_progress"
    hand_in(worker, complete(lease_of(worker, kid)))
    assert broken(db) == []


def test_an_end_comes_before_the_time_limit_where_both_are_due(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid, seconds=3600))
    call(db, "cancel_task", task_id=kid, **WHO)
    settle(db)
    assert saved(db, task)["state"] == "cancelled"


def test_a_blocked_child_has_not_ended_unless_that_is_asked_for(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    second = submit(db, "top")
    other = lease_of(worker, second)
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid), wait_for(other, kid, until_blocked=True))
    hand_in(worker, fail(claim_one(worker)))
    settle(db)
    assert task_state(db, kid) == "blocked_by_failures"
    assert step_states(db, task)["a"] == "waiting"
    assert saved(db, second)["state"] == "blocked_by_failures"
    assert saved(db, second)["errors"] == [{"step": "k", "type": "Broken", "message": "no use"}]
    assert broken(db) == []
    third = submit(db, "top")
    leases = {each.task_id: each for each in claim(worker)}
    hand_in(worker, wait_for(leases[third], kid, until_blocked=True))
    assert step_states(db, third)["a"] == "enqueued", "it was blocked before the wait"
    call(db, "resolve_step", task_id=kid, step_name="k", result=Jsonb(5), **WHO)
    settle(db)
    assert saved(db, task)["result"] == 5
    assert broken(db) == []


def test_a_child_that_is_blocked_when_it_is_resumed_ends_the_wait_too(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid, until_blocked=True))
    running = claim_one(worker)
    call(db, "pause_task", task_id=kid, **WHO)
    hand_in(worker, fail(running))
    settle(db)
    assert step_states(db, task)["a"] == "waiting"
    call(db, "resume_task", task_id=kid, **WHO)
    assert task_state(db, kid) == "blocked_by_failures"
    settle(db)
    assert step_states(db, task)["a"] == "enqueued"


def test_a_paused_parent_hears_of_the_end_when_it_is_resumed(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    hand_in(worker, wait_for(lease, kid))
    call(db, "pause_task", task_id=task, **WHO)
    assert exchange(worker, [complete(claim_one(worker))]).leases == []
    assert step_states(db, task)["a"] == "pending"
    call(db, "resume_task", task_id=task, **WHO)
    assert claim_one(worker).task_id == task
    assert broken(db) == []


@pytest.mark.parametrize("verb", ["cancel_task", "resolve_task"])
def test_children_end_with_a_parent_that_is_ended_by_hand(
    db: Connection, worker: Worker, task: UUID, lease: Lease, verb: str
) -> None:
    kid, left = begin(worker, lease), begin(worker, lease, "left", on_parent_end="leave")
    hand_in(worker, wait_for(lease, kid))
    call(db, verb, task_id=task, **WHO)
    assert task_state(db, kid) == "cancelled"
    assert call(db, "get_task", task_id=kid)["reason"] == "its parent task has ended"
    assert task_state(db, left) == "in_progress"
    assert broken(db) == []
    settle(db)
    assert broken(db) == []


def test_children_end_with_a_parent_that_is_out_of_time(db: Connection, worker: Worker) -> None:
    register(db, template("short", step("a"), time_limit=60))
    submit(db, "short")
    kid = begin(worker, claim_one(worker))
    settle(db)
    assert task_state(db, kid) == "cancelled"
    assert broken(db) == []


def test_children_of_a_parent_that_completes_go_on(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    kid = begin(worker, lease)
    running = claim_one(worker)
    [last] = exchange(worker, [complete(lease)]).leases
    hand_in(worker, complete(last))
    settle(db)
    assert task_state(db, task) == "complete"
    assert task_state(db, kid) == "in_progress"
    hand_in(worker, complete(running))
    assert broken(db) == []


def test_a_tree_is_cancelled_to_its_leaves(db: Connection, worker: Worker, lease: Lease) -> None:
    root = lease.task_id
    for level in range(5):
        kids = [begin(worker, lease, f"kid-{n}") for n in range(3)]
        lease = {each.task_id: each for each in claim(worker)}[kids[level % 3]]
    call(db, "cancel_task", task_id=root, **WHO)
    assert one(db, "select count(*) from tasker.task where state = 'cancelled'") == 16
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_what_is_over_the_limit_is_ended_by_timers(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    for n in range(1105):
        begin(worker, lease, f"kid-{n}")
    call(db, "cancel_task", task_id=task, **WHO)
    still_open = "select count(*) from tasker.child where open"
    assert one(db, still_open) == 105
    assert broken(db) == []
    assert fire(db) == 1
    assert one(db, still_open) == 5
    settle(db)
    assert one(db, still_open) == 0
    assert broken(db) == []


def test_an_undone_parent_undoes_its_children_and_theirs(db: Connection, worker: Worker) -> None:
    undoing = {"compensate": {"handler": "u", "retry": {"max_attempts": 1}}}
    register(db, template("undone", step("a", **undoing), step("b", "a")))
    root = submit(db, "undone")
    [first] = claim(worker)
    [second] = exchange(worker, [complete(first)]).leases
    child = begin(worker, second, template="undone")
    [done] = claim(worker)
    [below] = exchange(worker, [complete(done)]).leases
    grandchild = begin(worker, below)
    gone = begin(worker, below, "left", on_parent_end="leave")
    call(db, "cancel_task", task_id=root, compensate=True, **WHO)
    assert broken(db) == []
    settle(db)
    assert task_state(db, grandchild) == "cancelled"
    assert task_state(db, gone) == "in_progress"
    assert call(db, "get_task", task_id=child)["ends_as"] == "cancelled"
    assert broken(db) == []
    leases = [each for each in claim(worker) if each.task_id in (root, child)]
    assert len(leases) == 2, "a compensation of each"
    kid_of_undoing = begin(worker, leases[0], "from the undoing")
    hand_in(worker, *map(complete, leases))
    settle(db)
    assert (task_state(db, root), task_state(db, child)) == ("cancelled", "cancelled")
    assert task_state(db, kid_of_undoing) == "in_progress"
    assert broken(db) == []


def test_a_finished_child_is_kept_as_long_as_its_parent_is_open(
    db: Connection, worker: Worker, task: UUID, lease: Lease
) -> None:
    begin(worker, lease)
    hand_in(worker, complete(claim_one(worker)))
    old = """update tasker.task set completed_at = completed_at - interval '9 days',
        task_id = task_id where completed_at is not null"""
    db.execute(old)
    prune = {"older_than": "-1 hours", "max_rows": 100}
    assert call(db, "prune", **prune)["pruned"] == 0
    call(db, "cancel_task", task_id=task, **WHO)
    assert call(db, "prune", **prune)["pruned"] == 2
    assert one(db, "select count(*) from tasker.child") == 0


def test_a_task_that_is_awaited_is_kept(db: Connection, worker: Worker, lease: Lease) -> None:
    other = submit(db, "kid")
    hand_in(worker, wait_for(lease, other))
    call(db, "cancel_task", task_id=other, **WHO)
    prune = {"older_than": "-1 hours", "max_rows": 100}
    assert call(db, "prune", **prune)["pruned"] == 0
    settle(db)
    assert call(db, "prune", **prune)["pruned"] == 1


@pytest.mark.parametrize(
    ("breaking", "says"),
    [
        ("update tasker.child set open = false", "as a child it is ended"),
        ("update tasker.child set depth = 2", "as a child it stands 2 deep, and its parent 0"),
        ("update tasker.task set linked = false where live > 0", "waits for task"),
        ("update tasker.child set open = true; update tasker.task set state = 'cancelled', live = 0,"
         " completed_at = now() where linked and task_id not in (select child_id from tasker.child)",
         "but its child"),
    ],
)  # fmt: skip
def test_verify_finds_broken_families(
    db: Connection, worker: Worker, lease: Lease, breaking: str, says: str
) -> None:
    hand_in(worker, wait_for(lease, begin(worker, lease)))
    assert broken(db) == []
    for statement in breaking.split(";"):
        db.execute(statement.encode())
    assert any(says in fault for fault in broken(db))
