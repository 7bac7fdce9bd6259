"""Operators' verbs on all tasks that fit a filter, a page at a time, beside workers that go on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Worker,
    broken,
    call,
    claim,
    complete,
    fail,
    hand_in,
    in_background,
    one,
    register,
    register_worker,
    rows,
    step,
    submit,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "because", "actor": "ann"}
VERBS = ("cancel", "compensate", "retry", "pause", "resume", "resolve")
ALL = {"template": "t/x"}


@pytest.fixture
def worker(db: Connection) -> Worker:
    undo = {"compensate": {"handler": "h.undo"}}
    register(db, template("x", step("a", **undo), step("b", "a", **undo), step("c", "b")))
    return register_worker(db, "t")


def change(db: Connection, verb: str, filter: Any = ALL, **more: Any) -> dict[str, Any]:
    return call(db, "change_tasks", verb=verb, filter=filter, **WHO, **more)


def plan(db: Connection, verb: str, filter: Any = ALL, **more: Any) -> dict[str, Any]:
    return call(db, "plan_change", verb=verb, filter=filter, **more)


def one_of_each(db: Connection, worker: Worker) -> dict[str, UUID]:
    """A task in each state that a whole task can be changed in, or not."""
    tasks = {
        name: submit(db, "x") for name in ("undone", "blocked", "complete", "cancelled", "resolved")
    }
    for _ in range(2):
        hand_in(worker, *(complete(lease) for lease in claim(worker)))
    for lease in claim(worker):
        hand_in(worker, fail(lease) if lease.task_id == tasks["blocked"] else complete(lease))
    tasks |= {name: submit(db, "x") for name in ("undone", "cancelled", "resolved")}
    hand_in(worker, *(complete(lease) for lease in claim(worker)))
    call(db, "cancel_task", task_id=tasks["cancelled"], **WHO)
    call(db, "resolve_task", task_id=tasks["resolved"], **WHO)
    call(db, "cancel_task", task_id=tasks["undone"], compensate=True, **WHO)
    later = one(db, "select now() + interval '1 hour'")
    tasks |= {
        "running": submit(db, "x"),
        "paused": submit(db, "x"),
        "later": submit(db, "x", start_at=later),
    }
    call(db, "pause_task", task_id=tasks["paused"], **WHO)
    return tasks


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_skipped_is_what_the_verb_refuses(
    db: Connection, worker: Worker, verb: str
) -> None:
    """The plan, the change and the verb for one task agree, in each state."""
    one_of_each(db, worker)
    planned = plan(db, verb)
    refused: set[str] = set()
    arguments = {"compensate": True} if verb == "compensate" else {}
    single = "cancel_task" if verb == "compensate" else f"{verb}_task"
    for task in rows(db, "list_tasks"):
        try:
            with db.transaction(force_rollback=True):
                call(db, single, task_id=task["task_id"], **WHO, **arguments)
        except psycopg.Error as error:
            assert error.sqlstate == "TK004"
            refused.add(task["task_id"])
    before = {task["task_id"]: task["state"] for task in rows(db, "list_tasks")}
    recorded = one(db, "select count(*) from tasker.action")
    done = change(db, verb)
    assert done == planned
    assert set(done["changed"]) == before.keys() - refused
    assert sum(done["skipped"].values()) == len(refused)
    after = {task["task_id"]: task["state"] for task in rows(db, "list_tasks")}
    assert {task_id for task_id in refused if before[task_id] != after[task_id]} == set()
    actions = db.execute(
        "select task_id::text, verb, reason, actor from tasker.action order by action_id offset %s",
        [recorded],
    ).fetchall()
    assert actions == [(task_id, verb, "because", "ann") for task_id in done["changed"]]
    assert broken(db) == []


def test_a_plan_changes_nothing(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "x")
    assert plan(db, "cancel") == {"changed": [str(task_id)], "skipped": {}, "next": None}
    assert task_state(db, task_id) == "in_progress"
    assert one(db, "select count(*) from tasker.action") == 0


def test_pages_follow_each_other(db: Connection, worker: Worker) -> None:
    ids = [str(submit(db, "x")) for _ in range(5)]
    call(db, "cancel_task", task_id=ids[3], **WHO)
    first = change(db, "pause", max_rows=2)
    assert first == {
        "changed": [ids[4]],
        "skipped": {"it has ended (cancelled)": 1},
        "next": ids[3],
    }
    second = change(db, "pause", max_rows=2, before=first["next"])
    assert (second["changed"], second["next"]) == (ids[1:3], ids[1])
    last = change(db, "pause", max_rows=2, before=second["next"])
    assert (last["changed"], last["next"]) == ([ids[0]], None)
    assert change(db, "pause", {"state": "in_progress"}) == {
        "changed": [],
        "skipped": {},
        "next": None,
    }


def test_who_has_moved_on_meanwhile_is_left_alone(
    engine: Engine, db: Connection, worker: Worker
) -> None:
    """A worker fails a step; an operator is about to retry it, and another wants to cancel what is blocked."""
    moved, blocked = submit(db, "x"), submit(db, "x")
    hand_in(worker, *(fail(lease) for lease in claim(worker)))
    with engine.connect() as holding, engine.connect() as other:
        holding.execute("begin")
        call(holding, "retry_task", task_id=moved, **WHO)
        with in_background(
            lambda: change(other, "cancel", {"state": "blocked_by_failures"})
        ) as answer:
            wait_until_blocked(db, other.info.backend_pid, answer.done)
            holding.execute("commit")
    assert answer.result() == {
        "changed": [str(blocked)],
        "skipped": {"it has moved on, and fits no more": 1},
        "next": None,
    }
    assert task_state(db, moved) == "in_progress"
    assert broken(db) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"verb": "delete"}, "'delete' is no verb for tasks"),
        ({"verb": None}, "NULL is no verb"),
        ({"filter": {}}, "an empty one is every task"),
        ({"filter": {"state": "done"}}, "no task state"),
        ({"reason": " "}, "to cancel needs a reason and an actor"),
        ({"actor": ""}, "to cancel needs a reason and an actor"),
    ],
)
def test_a_change_that_is_malformed_is_refused(
    db: Connection, worker: Worker, given: dict[str, Any], said: str
) -> None:
    task_id = submit(db, "x")
    with pytest.raises(psycopg.Error, match=said) as refused:
        call(db, "change_tasks", **{"verb": "cancel", "filter": ALL, **WHO, **given})
    assert refused.value.sqlstate == "TK002"
    assert task_state(db, task_id) == "in_progress"
