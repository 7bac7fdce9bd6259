"""Approvals: what a step asks people; one winner among answers, events and time; who may answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
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
    claim_one,
    complete,
    exchange,
    fire,
    hand_in,
    make_due,
    one,
    outcome,
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


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("gate", step("a"), step("b", "a")))
    return register_worker(db, "t")


def ask(db: Connection, worker: Worker, seconds: float | None = None, **more: Json) -> UUID:
    """Submit a task whose first step asks; the task."""
    task_id = submit(db, "gate")
    question = {"name": "refund", "title": "Refund?", "data": {"to": "Ann"}, **more}
    wait = {"name": "ask:refund", "seconds": seconds, "approval": question}
    assert hand_in(worker, outcome(claim_one(worker), "wait", wait=wait)) == [1]
    return task_id


def answer(db: Connection, task_id: UUID, approved: bool = True, **more: Any) -> Json:
    return call(
        db, "answer_approval", task_id=task_id, name="refund", approved=approved, **{**WHO, **more}
    )


def saved(worker: Worker, task_id: UUID) -> Json:
    """What the step's next run finds of its question; completes it."""
    found = one(
        worker.connection, "select value from tasker.checkpoint where task_id = %s", task_id
    )
    assert hand_in(worker, complete(claim_one(worker))) == [1]
    return found


def test_an_answer_lets_the_step_go_on(db: Connection, worker: Worker) -> None:
    task_id = ask(db, worker, who=["finance"], form={"type": "object"})
    [listed] = rows(db, "list_approvals")
    assert listed["state"] == "open"
    assert (listed["title"], listed["data"], listed["who"]) == (
        "Refund?",
        {"to": "Ann"},
        ["finance"],
    )
    assert rows(db, "list_approvals", who=["sales"]) == []
    assert rows(db, "list_approvals", who=["finance", "sales"]) == [listed]
    explained = call(db, "explain_step", task_id=task_id, step_name="a")["reason"]
    assert explained == "it waits for an answer to refund"
    answered = answer(db, task_id, roles=["finance"], answer=Jsonb({"amount": 3}))
    assert answered["steps"] == 1
    expected = {"approved": True, "answer": {"amount": 3}, "by": "ann", "reason": "because"}
    kept = saved(worker, task_id)
    assert kept.pop("at").endswith("Z")
    assert kept == expected
    found = call(db, "get_approval", task_id=task_id, name="refund")
    assert (found["state"], found["answered_by"], found["reason"]) == ("approved", "ann", "because")
    assert rows(db, "list_approvals") == []
    assert rows(db, "list_approvals", task_id=task_id) == [found]
    assert one(db, "select verb from tasker.action") == "approve"
    run_all(worker)
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ({}, "TK002", "ann may not answer refund: that is for finance, eve"),
        ({"roles": ["sales"]}, "TK002", "may not answer"),
        ({"name": "other", "roles": ["finance"]}, "TK001", "asks for no approval 'other'"),
        ({"reason": ""}, "TK002", "needs a reason and an actor"),
        ({"approved": None, "roles": ["finance"]}, "TK002", "answered with true or false"),
        ({"step_name": "b", "roles": ["finance"]}, "TK001", "asks for no approval"),
    ],
)
def test_what_is_no_answer_changes_nothing(
    db: Connection, worker: Worker, more: Any, state: str, said: str
) -> None:
    task_id = ask(db, worker, who=["finance", "eve"])
    with pytest.raises(psycopg.Error, match=said) as raised:
        call(
            db,
            "answer_approval",
            **{"task_id": task_id, "name": "refund", "approved": True, **WHO, **more},
        )
    assert raised.value.sqlstate == state
    assert step_states(db, task_id)["a"] == "waiting"
    answer(db, task_id, False, actor="eve")
    assert saved(worker, task_id)["approved"] is False


def test_the_first_answer_counts_and_none_that_is_late(db: Connection, worker: Worker) -> None:
    first = ask(db, worker)
    answer(db, first)
    with pytest.raises(psycopg.Error, match="is approved by ann"):
        answer(db, first, False)
    run_all(worker)
    assert task_state(db, first) == "complete"
    with pytest.raises(psycopg.Error, match=r"answered already: it is approved by ann, at \d{4}-"):
        answer(db, first, False, actor="eve")
    second = ask(db, worker, seconds=60)
    explained = call(db, "explain_step", task_id=second, step_name="a")["reason"]
    assert explained.startswith("it waits for an answer to refund, until 2")
    fire(db, "wake")
    with pytest.raises(psycopg.Error, match="is expired"):
        answer(db, second)
    run_all(worker)
    third = ask(db, worker, form={"type": "object"})
    with pytest.raises(psycopg.Error, match="has a form, which must be filled in"):
        answer(db, third)
    call(db, "cancel_task", task_id=third, **WHO)
    with pytest.raises(psycopg.Error, match="it has ended"):
        answer(db, third)
    states = [
        a["state"]
        for task in (first, second, third)
        for a in rows(db, "list_approvals", task_id=task)
    ]
    assert states == ["approved", "expired", "closed"]
    assert rows(db, "list_approvals") == []
    assert broken(db) == []


def test_an_event_is_no_answer(db: Connection, worker: Worker) -> None:
    task_id = ask(db, worker)
    for name in ("refund", "ask:refund"):
        call(db, "send_event", task_id=task_id, name=name)
    assert step_states(db, task_id)["a"] == "waiting"


def test_answers_and_time_race_and_one_wins(engine: Engine, db: Connection, worker: Worker) -> None:
    """From six connections at once, again and again."""

    def attempt(number: int, task_id: UUID) -> str:
        with engine.connect() as connection:
            try:
                if number == 0:
                    exchange(Worker(connection, worker.id, []), want=0)
                    return ""
                answer(connection, task_id, number % 2 == 0, actor=f"p{number}")
                return f"p{number}"
            except psycopg.Error as error:
                assert error.sqlstate == "TK004", error
                return ""

    for _ in range(15):
        task_id = ask(db, worker, seconds=60)
        make_due(db, "wake")
        with ThreadPoolExecutor(6) as pool:
            won = [name for name in pool.map(attempt, range(6), [task_id] * 6) if name]
        assert len(won) <= 1
        call(db, "promote_due", max_rows=100)
        found = saved(worker, task_id)
        assert found == {"timeout": True} if not won else found["by"] == won[0]
        run_all(worker)
    assert broken(db) == []
    assert one(db, "select count(*) from tasker.task where state <> 'complete'") == 0


def test_pruning_takes_approvals_too(db: Connection, worker: Worker) -> None:
    answer(db, ask(db, worker))
    run_all(worker)
    db.execute("select tasker.prune(interval '-5 seconds')")
    assert one(db, "select count(*) from tasker.approval") == 0


def test_two_steps_may_ask_under_one_name(db: Connection, worker: Worker) -> None:
    register(db, template("both", step("x"), step("y")))
    task_id = submit(db, "both")
    wait = {"name": "w", "approval": {"name": "refund"}}
    hand_in(worker, *(outcome(lease, "wait", wait=wait) for lease in exchange(worker).leases))
    with pytest.raises(psycopg.Error, match="several steps ask for refund"):
        answer(db, task_id)
    answer(db, task_id, step_name="y")
    assert step_states(db, task_id) == {"x": "waiting", "y": "enqueued"}
    assert (
        call(db, "get_approval", task_id=task_id, name="refund", step_name="x")["title"] == "refund"
    )


def test_an_answer_to_a_paused_task_is_kept_until_it_is_resumed(
    db: Connection, worker: Worker
) -> None:
    task_id = ask(db, worker)
    call(db, "pause_task", task_id=task_id, **WHO)
    answer(db, task_id)
    assert task_state(db, task_id) == "paused"
    assert exchange(worker).leases == []
    assert broken(db) == []
    call(db, "resume_task", task_id=task_id, **WHO)
    assert saved(worker, task_id)["approved"] is True
