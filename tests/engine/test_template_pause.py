"""A template is paused: its tasks wait, those that come later too; and resumed, without what operators have paused."""

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
    fire,
    hand_in,
    one,
    register,
    register_worker,
    rows,
    run_all,
    step,
    submit,
    submit_many,
    task_state,
    template,
)

WHO = {"reason": "the gateway is down", "actor": "ann"}
X = {"namespace": "t", "name": "x"}


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("x", step("a"), step("b", "a")))
    register(db, {**template("x", step("a"), step("b", "a")), "version": "2"})
    register(db, template("y", step("a")))
    return register_worker(db, "t")


def pause(db: Connection, **more: Any) -> dict[str, Any]:
    return call(db, "pause_template", **{**X, **WHO, **more})


def resume(db: Connection, **more: Any) -> dict[str, Any]:
    return call(db, "resume_template", **{**X, **WHO, **more})


def states(db: Connection, *tasks: UUID) -> list[str]:
    return [task_state(db, task_id) for task_id in tasks]


def test_no_step_of_its_tasks_starts_until_it_is_resumed(db: Connection, worker: Worker) -> None:
    old, other = submit(db, "x", version="1"), submit(db, "y")
    running = submit(db, "x")
    lease = next(lease for lease in claim(worker) if lease.task_id == running)
    db.execute("update tasker.step set attempt = 0 where task_id = %s", [old])
    answer = pause(db)
    assert answer == {"changed": [str(old), str(running)], "skipped": {}, "next": None}
    assert hand_in(worker, complete(lease)) == [1], "what runs goes on"
    new = submit(db, "x", priority=2)
    assert states(db, old, running, new, other) == ["paused"] * 3 + ["in_progress"]
    assert claim(worker) == []
    assert broken(db) == []
    assert call(db, "explain_step", task_id=new, step_name="a")["reason"] == (
        "its template is paused (ann): the gateway is down"
    )
    assert resume(db)["changed"] == [str(old), str(running), str(new)]
    assert broken(db) == []
    assert [t["paused"] for t in rows(db, "list_templates")] == [False] * 3


def test_what_operators_have_paused_stays_paused(db: Connection, worker: Worker) -> None:
    held, free = submit(db, "x"), submit(db, "x")
    call(db, "pause_task", task_id=held, reason="look at it", actor="bob")
    assert pause(db)["changed"] == [str(free)]
    let_go, held_later = submit(db, "x"), submit(db, "x")
    call(db, "resume_task", task_id=let_go, reason="this one may", actor="bob")
    assert [lease.task_id for lease in claim(worker)] == [let_go]
    call(db, "resume_task", task_id=held_later, reason="this one may", actor="bob")
    call(db, "pause_task", task_id=held_later, reason="or not", actor="bob")
    answer = resume(db)
    assert answer["changed"] == [str(free)]
    assert answer["skipped"] == {"an operator has paused it": 2}
    assert states(db, held, free, held_later) == ["paused", "in_progress", "paused"]
    assert broken(db) == []


def test_one_version_is_paused_by_itself(db: Connection, worker: Worker) -> None:
    pause(db, version="1")
    first, second = submit(db, "x", version="1"), submit(db, "x")
    assert states(db, first, second) == ["paused", "in_progress"]
    found = {(t["name"], t["version"]): t["paused"] for t in rows(db, "list_templates")}
    assert found == {("x", "1"): True, ("x", "2"): False, ("y", "1"): False}
    register(db, {**template("x", step("c")), "version": "3"})
    assert task_state(db, submit(db, "x")) == "in_progress"
    assert pause(db)["changed"] != []
    assert one(db, "select bool_and(state = 'paused') from tasker.task")
    register(db, {**template("x", step("d")), "version": "4"})
    assert call(db, "get_template", namespace="t", name="x")["paused"], (
        "all versions are, so this one is"
    )
    assert task_state(db, submit(db, "x")) == "paused"


def test_tasks_are_held_and_let_go_page_by_page(db: Connection, worker: Worker) -> None:
    ids = [task_id for _, task_id, _ in submit_many(db, "x", [{}] * 5)]
    page, pages = pause(db, max_rows=2), 1
    while page["next"]:
        page, pages = pause(db, before=page["next"], max_rows=2), pages + 1
    assert (states(db, *ids), pages) == (["paused"] * 5, 3)
    page = resume(db, max_rows=2)
    assert states(db, *ids).count("paused") == 3
    while page["next"]:
        page = resume(db, before=page["next"], max_rows=2)
    assert run_all(worker) == 10
    assert broken(db) == []


def test_tasks_that_start_later_are_retried_or_run_again_wait_too(
    db: Connection, worker: Worker
) -> None:
    blocked = submit(db, "x")
    hand_in(worker, *(complete(lease) for lease in claim(worker)))
    hand_in(worker, *(fail(lease) for lease in claim(worker)))
    pause(db)
    later = submit(db, "x", start_at=one(db, "select now() + interval '1 hour'"))
    fire(db, "task_start")
    call(db, "retry_task", task_id=blocked, **WHO)
    ended = submit(db, "x")
    call(db, "cancel_task", task_id=ended, **WHO)
    call(db, "rerun_task", task_id=ended, **WHO)
    assert states(db, blocked, later) == ["paused", "paused"]
    assert claim(worker) == []
    assert broken(db) == []
    resume(db)
    assert run_all(worker) == 1 + 2 + 2
    assert broken(db) == []


def test_what_is_run_again_while_paused_keeps_its_results(db: Connection, worker: Worker) -> None:
    done = submit(db, "x")
    run_all(worker)
    pause(db)
    answer = call(db, "rerun_task", task_id=done, from_steps=["b"], **WHO)
    assert (answer["state"], answer["kept"]) == ("paused", ["a"])
    assert broken(db) == [] and claim(worker) == []
    resume(db)
    assert run_all(worker) == 1


def test_a_task_that_missed_the_pause_or_its_end_is_put_right(
    engine: Engine, worker: Worker
) -> None:
    """Submitted in a transaction that began before."""
    db = engine.owner
    with engine.connect() as slow:
        slow.execute("begin isolation level repeatable read")
        slow.execute("select 1 from tasker.template")
        assert pause(db)["changed"] == []
        missed = submit(slow, "x")
        slow.execute("commit")
        assert task_state(db, missed) == "in_progress"
        call(db, "rescue")
        assert task_state(db, missed) == "paused"
        slow.execute("begin isolation level repeatable read")
        slow.execute("select 1 from tasker.template")
        assert resume(db)["changed"] == [str(missed)]
        held = submit(slow, "x")
        slow.execute("commit")
    assert task_state(db, held) == "paused"
    call(db, "rescue")
    assert states(db, missed, held) == ["in_progress", "in_progress"]
    assert broken(db) == []
    pause(db)
    call(db, "resume_task", task_id=held, **WHO)
    call(db, "rescue")
    assert task_state(db, held) == "in_progress", "what an operator has let go is left alone"


def test_what_cannot_be_is_refused(db: Connection, worker: Worker) -> None:
    for given, code, said in (
        ({"name": "z"}, "TK001", "no template t/z"),
        ({"version": "9"}, "TK001", "no template t/x version 9"),
        ({"reason": " "}, "TK002", "to pause needs a reason"),
    ):
        with pytest.raises(psycopg.Error, match=said) as refused:
            pause(db, **given)
        assert refused.value.sqlstate == code
    with pytest.raises(psycopg.Error, match="is not paused"):
        resume(db)
    pause(db, version="1")
    with pytest.raises(psycopg.Error, match="t/x@1 is paused already"):
        pause(db, version="1")
    pause(db)
    with pytest.raises(psycopg.Error, match="t/x is paused already"):
        pause(db)
    assert one(db, "select count(*) from tasker.template_action") == 2
