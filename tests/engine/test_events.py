"""Events that steps emit: once for each key, read by one reader at a time, forgotten with their tasks."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import Connection, call, register, rows, step, submit, template


def emit(
    db: Connection, key: str = "k", name: str = "paid", namespace: str = "shop", **more: Any
) -> dict[str, Any]:
    given = {"namespace": namespace, "name": name, "key": key, "payload": Jsonb({"n": 1})}
    return call(db, "emit_event", **(given | more))


def read(db: Connection, queue: str = "paid", **more: Any) -> list[dict[str, Any]]:
    return rows(db, "read_events", queue=queue, **more)


def finish(db: Connection, *events: dict[str, Any], queue: str = "paid") -> int:
    return call(db, "finish_events", queue=queue, receipts=[one["receipt"] for one in events])


def test_an_event_is_emitted_once_for_its_key(db: Connection) -> None:
    first = emit(db)
    assert first["emitted"] is True
    assert emit(db, payload=Jsonb("other")) == {"event_id": first["event_id"], "emitted": False}
    assert emit(db, key="l")["emitted"] is True
    assert emit(db, namespace="bank")["emitted"] is True
    assert emit(db, name="sent")["emitted"] is True
    events = read(db, max_rows=10)
    assert [(e["namespace"], e["key"], e["payload"]) for e in events] == [
        ("shop", "k", {"n": 1}), ("shop", "l", {"n": 1}), ("bank", "k", {"n": 1}),
    ]  # fmt: skip
    assert events[0]["event_id"] == first["event_id"]
    assert [e["name"] for e in read(db, "sent")] == ["sent"]


def test_nothing_is_emitted_by_what_is_rolled_back(db: Connection) -> None:
    emit(db, key="before")
    with db.transaction(force_rollback=True):
        emit(db)
        emit(db, name="fresh")
    assert [e["key"] for e in read(db, max_rows=10)] == ["before"]
    assert read(db, "fresh") == []
    assert emit(db)["emitted"] is True


def test_two_transactions_emit_one_event(db: Connection, database: str) -> None:
    answers: list[dict[str, Any]] = []
    with psycopg.connect(database, autocommit=True) as other:
        with db.transaction():
            first = emit(db)
            thread = Thread(target=lambda: answers.append(emit(other)))
            thread.start()
            waiting = "select count(*) from pg_locks where not granted"
            with psycopg.connect(database, autocommit=True) as third:
                while third.execute(waiting).fetchone() == (0,):
                    pass
        thread.join()
    assert answers == [{"event_id": first["event_id"], "emitted": False}]
    assert len(read(db, max_rows=10)) == 1


def test_a_queue_may_have_another_name(db: Connection) -> None:
    emit(db, queue="mail")
    emit(db, key="l", name="sent", queue="mail")
    assert [e["name"] for e in read(db, "mail", max_rows=10)] == ["paid", "sent"]
    assert read(db) == []
    assert rows(db, "list_event_queues") == [{"queue": "mail"}]


def test_an_event_is_read_by_one_reader_until_its_lease_is_over(db: Connection) -> None:
    emit(db)
    [first] = read(db, max_rows=10)
    assert read(db) == []
    db.execute("select pgmq.set_vt('event_paid', 1, 0)")
    [again] = read(db)
    assert (again["event_id"], again["reads"]) == (first["event_id"], 2)
    assert finish(db, first) == 0  # whoever had it first has lost it
    assert finish(db, again) == 1
    assert finish(db, again) == 0
    db.execute("select pgmq.set_vt('event_paid', 1, 0)")
    assert read(db) == []


def test_events_are_listed_newest_first(db: Connection) -> None:
    register(db, template("order", step("pay")))
    task = submit(db, "order")
    ids = [emit(db, key=str(n), task_id=task, place="pay/told")["event_id"] for n in range(3)]
    emit(db, name="sent")
    listed = rows(db, "list_events", name="paid")
    assert [one["event_id"] for one in listed] == ids[::-1]
    assert (listed[0]["task_id"], listed[0]["place"], listed[0]["queue"]) == (
        str(task),
        "pay/told",
        "paid",
    )
    assert [e["event_id"] for e in rows(db, "list_events", name="paid", after=ids[1])] == ids[:1]
    assert len(rows(db, "list_events", max_rows=2)) == 2


def test_events_are_forgotten_with_their_tasks(db: Connection) -> None:
    register(db, template("order", step("pay")))
    task = submit(db, "order")
    emit(db, task_id=task)
    emit(db, key="alone")
    assert call(db, "prune_events", older_than=timedelta(days=1)) == 0
    assert call(db, "prune_events", older_than=timedelta(seconds=-60)) == 1
    assert [one["key"] for one in rows(db, "list_events")] == ["k"]
    db.execute("delete from tasker.task")
    assert call(db, "prune_events", older_than=timedelta(seconds=-60)) == 1
    assert len(read(db, max_rows=10)) == 2  # they were not read yet
    assert emit(db)["emitted"] is True


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Paid"}, {"name": "paid; drop"}, {"name": None}, {"name": "p" * 64}, {"key": ""}, {"key": None},
        {"key": "k" * 1001}, {"namespace": ""}, {"queue": "a-b"}, {"queue": "q" * 41}, {"queue": ""},
        {"name": "e" * 41},
    ],
)  # fmt: skip
def test_an_event_that_is_none(db: Connection, given: dict[str, Any]) -> None:
    with pytest.raises(psycopg.Error) as raised:
        emit(db, **given)
    assert raised.value.sqlstate == "TK002"
    assert rows(db, "list_events") == []


@pytest.mark.parametrize(
    "given",
    [
        {"max_rows": 0},
        {"max_rows": 1001},
        {"lease": "0 seconds"},
        {"lease": "2 days"},
        {"lease": None},
    ],
)
def test_a_reading_that_is_none(db: Connection, given: dict[str, Any]) -> None:
    emit(db)
    with pytest.raises(psycopg.Error) as raised:
        read(db, **given)
    assert raised.value.sqlstate == "TK002"


@pytest.mark.parametrize("receipt", ["", "1", "1:1:1", "a:1", "1:1; drop", None])
def test_a_receipt_that_is_none(db: Connection, receipt: str | None) -> None:
    emit(db)
    with pytest.raises(psycopg.Error) as raised:
        call(db, "finish_events", queue="paid", receipts=[receipt])
    assert raised.value.sqlstate == "TK002"


def test_queues_that_are_not_there(db: Connection) -> None:
    for queue in ("none", 'x"; drop table tasker.task; --', "", None):
        assert read(db, queue) == []
        assert call(db, "finish_events", queue=queue, receipts=["1:1"]) == 0
