"""What no claim may be stopped by: messages that something else sent, and more than one answer can hold."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Json,
    Worker,
    broken,
    call,
    claim,
    claim_one,
    complete,
    find_step,
    hand_in,
    one,
    register,
    register_worker,
    run_all,
    step,
    submit,
    task_state,
    template,
)

# A megabyte that does not compress.
MEGABYTE = "(select to_jsonb(string_agg(md5(n::text), '')) from generate_series(1, 32768) n)"
SOMEBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("one", step("a")))
    return register_worker(db, "t")


@pytest.mark.parametrize(
    "foreign",
    [
        {},
        [],
        "text",
        None,
        {"task_id": "order 7", "step_no": 1},
        {"task_id": 7, "step_no": 1},
        {"task_id": SOMEBODY, "step_no": "first"},
        {"task_id": SOMEBODY, "step_no": 99_999_999_999},
        {"task_id": SOMEBODY},
    ],
)
def test_a_foreign_message_is_archived_and_stops_nobody(
    db: Connection, worker: Worker, foreign: Json
) -> None:
    first = submit(db, "one")
    db.execute("select pgmq.send('tasker_t', %s)", [Jsonb(foreign)])
    second = submit(db, "one")
    told: list[str] = []
    db.add_notice_handler(lambda diagnostic: told.append(diagnostic.message_primary or ""))
    assert [lease.task_id for lease in claim(worker)] == [first, second]
    assert one(db, "select message from pgmq.a_tasker_t") == foreign
    assert len(told) == 1
    assert "archived 1 messages of queue t that Tasker has not sent" in told[0]
    assert one(db, "select count(*) from pgmq.q_tasker_t") == 2


def grants(worker: Worker) -> list[dict[str, Any]]:
    """What one exchange grants, as it is sent."""
    answer = call(
        worker.connection, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids,
        outcomes=Jsonb([]), want=100, lease_seconds=3600,
    )  # fmt: skip
    return (answer["granted"] or {"steps": []})["steps"]


def test_what_is_too_much_for_one_answer_is_granted_in_parts(
    db: Connection, worker: Worker
) -> None:
    tasks = [submit(db, "one") for _ in range(10)]
    db.execute(
        f"with m as materialized (select {MEGABYTE} as m) update tasker.task set input = "
        "(select jsonb_agg(m) from m, generate_series(1, 14))"
    )
    granted: list[str] = []
    while steps := grants(worker):
        assert len(steps) <= 4  # 4 of 14 MB are less than 64 MB
        assert [one["attempt"] for one in steps] == [1] * len(steps)
        granted += [one["task_id"] for one in steps]
        assert broken(db) == []
    assert granted == [str(task) for task in tasks], "each one once, in their order"


def test_many_may_share_what_is_large(db: Connection, worker: Worker) -> None:
    """A result that a hundred steps take is sent once."""
    register(db, template("fan", step("a"), *[step(f"b{n}", "a") for n in range(100)]))
    submit(db, "fan")
    hand_in(worker, complete(claim_one(worker)))
    db.execute(
        f"with m as materialized (select {MEGABYTE} as m) update tasker.step set result = "
        "(select jsonb_agg(m) from m, generate_series(1, 20)) where state = 'complete'"
    )
    assert len(grants(worker)) == 100


def test_a_step_that_takes_more_than_can_be_sent_fails_for_good_and_stops_nobody(
    db: Connection, worker: Worker
) -> None:
    first = [step(f"a{n}") for n in range(30)]
    register(db, template("wide", *first, step("join", *[one["name"] for one in first])))
    wide = submit(db, "wide")
    *most, last = claim(worker)
    hand_in(worker, *map(complete, most))
    db.execute(
        f"with m as materialized (select {MEGABYTE} as m) update tasker.step set result = "
        "(select jsonb_agg(m) from m, generate_series(1, 10)) where state = 'complete'"
    )
    hand_in(worker, complete(last))
    other = submit(db, "one")
    while task_state(db, wide) == "in_progress" or task_state(db, other) == "in_progress":
        run_all(worker)
    assert task_state(db, other) == "complete"
    assert task_state(db, wide) == "blocked_by_failures"
    error = find_step(db, wide, "join")["error"]
    assert error["type"] == "InputTooLarge"
    assert "more than 256 MB" in error["message"]
    assert broken(db) == []
