"""Tasks are found by a filter: by what stands in their rows, and by what failed in them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Worker,
    call,
    claim,
    complete,
    hand_in,
    one,
    outcome,
    register,
    register_worker,
    rows,
    step,
    submit,
    submit_many,
    template,
)

WHO = {"reason": "because", "actor": "ann"}


def listed(
    db: Connection, before: UUID | None = None, max_rows: int = 50, **filter: Any
) -> list[UUID]:
    """The ids of tasks that fit."""
    found = rows(db, "list_tasks", filter=filter, before=before, max_rows=max_rows)
    return [UUID(task["task_id"]) for task in found]


def refusal(db: Connection, filter: Any) -> tuple[str, str]:
    """The code and the message with which a filter is refused."""
    with pytest.raises(psycopg.Error) as refused:
        rows(db, "list_tasks", filter=filter)
    return refused.value.sqlstate or "", str(refused.value)


def fail_all(worker: Worker, kind: str, message: str, **error: Any) -> list[UUID]:
    """Let every step that can run fail for good; their tasks."""
    leases = claim(worker)
    error = {"type": kind, "message": message, **error}
    hand_in(worker, *(outcome(lease, "error", error=error) for lease in leases))
    return [lease.task_id for lease in leases]


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("x", step("a"), step("b", "a")))
    return register_worker(db, "t")


def test_tasks_are_listed_by_what_is_asked(db: Connection, worker: Worker) -> None:
    register(db, {**template("x", step("a"), step("b")), "version": "2"})
    register(db, {**template("y", step("a")), "namespace": "u"})
    group = uuid4()
    first = submit(db, "x", tags=["red", "blue"], version="1")
    second = submit(db, "x", correlation_id=group, priority=1)
    third = submit(db, "y", namespace="u", tags=["red"], correlation_id=group)
    call(db, "cancel_task", task_id=second, **WHO)
    assert listed(db) == [third, second, first]
    assert listed(db, namespace="t") == [second, first]
    assert listed(db, template="y") == listed(db, template="u/y") == [third]
    assert listed(db, template="t/x@1") == [first]
    assert listed(db, template=["x@2", "y"]) == [third, second]
    assert listed(db, template="y", namespace="t") == []
    assert listed(db, state="in_progress") == [third, first]
    assert listed(db, state=["in_progress", "cancelled"]) == [third, second, first]
    assert listed(db, state="cancelled", namespace="t") == [second]
    assert listed(db, tag="red") == [third, first]
    assert listed(db, tag=["red", "blue"]) == [first]
    assert listed(db, tag="re") == []
    assert listed(db, priority=1) == listed(db, priority=["1", "2"]) == [second]
    assert listed(db, correlation_id=str(group)) == [third, second]
    assert listed(db, max_rows=2) == [third, second]
    assert listed(db, before=second) == [first]
    assert listed(db, before=third, max_rows=1) == [second]
    assert listed(db, max_rows=0) == []
    [task] = rows(db, "list_tasks", filter={"state": "cancelled"})
    assert (task["reason"], task["live"], task["failed"]) == ("because", 0, 0)


def test_times_are_points_or_how_long_ago(db: Connection, worker: Worker) -> None:
    old, new = submit(db, "x"), submit(db, "x")
    run = claim(worker, want=1)
    assert run[0].task_id == old
    hand_in(worker, complete(run[0]))
    call(db, "cancel_task", task_id=old, **WHO)
    db.execute(
        """update tasker.task set created_at = created_at - interval '3 days',
            completed_at = completed_at - interval '1 day' where task_id = %s""",
        [old],
    )
    db.execute("update tasker.step set started_at = started_at - interval '2 days'")
    assert listed(db, created={"after": "2d"}) == [new]
    assert listed(db, created={"before": "2d"}) == [old]
    assert listed(db, created={"after": "4d", "before": "1d12h"}) == [old]
    assert listed(db, completed={"after": "2d"}) == [old]
    assert listed(db, completed={"after": "1h"}) == []
    assert listed(db, started={"before": "36h"}) == [old]
    assert listed(db, started={"after": "36h"}) == []
    noon = one(db, "select (now() - interval '2 days')::text")
    assert listed(db, created={"after": noon}) == [new]


def test_tasks_are_found_by_what_failed_in_them(db: Connection, worker: Worker) -> None:
    register(
        db,
        template(
            "batch", step("split", kind="batchable"), step("load", "split", kind="batch_worker")
        ),
    )
    [lost] = [submit(db, "x")]
    fail_all(worker, "CardDeclined", "no money on card 17", kinds=["CardDeclined", "PaymentError"])
    late = submit(db, "x")
    hand_in(worker, *(complete(lease) for lease in claim(worker)))
    fail_all(worker, "Timeout", "no answer")
    batch = submit(db, "batch")
    hand_in(worker, *(complete(lease, [1, 2]) for lease in claim(worker)))
    fail_all(worker, "Timeout", "No money either")
    submit(db, "x")
    assert listed(db, failed="a") == [lost]
    assert listed(db, failed=["a", "b"]) == [late, lost]
    assert listed(db, failed="load") == listed(db, failed="load/2") == [batch]
    assert listed(db, failed="load/3") == []
    assert listed(db, error="CardDeclined") == listed(db, error="PaymentError") == [lost]
    assert listed(db, message="NO MONEY") == [batch, lost]
    assert listed(db, message="no money", error="Timeout") == [batch]
    assert listed(db, failed="a", error="Timeout") == [], "both are said of one step"
    call(db, "cancel_task", task_id=lost, **WHO)
    assert listed(db, failed="a", state="cancelled") == [lost]


def test_so_are_those_that_a_failure_has_undone(db: Connection, worker: Worker) -> None:
    undoing = template(
        "undoing",
        step("a", compensate={"handler": "h.undo"}),
        step("b", "a"),
        on_failure="compensate",
    )
    register(db, undoing)
    task_id = submit(db, "undoing")
    hand_in(worker, *(complete(lease) for lease in claim(worker)))
    fail_all(worker, "Broken", "no use")
    assert one(db, "select failed from tasker.task") == 0
    assert listed(db, failed="b") == [task_id]


@pytest.mark.parametrize(
    ("filter", "code", "said"),
    [
        ([], "TK002", "a filter is a JSON object, not array"),
        ({"colour": "red"}, "TK002", "there is no key 'colour'; there are state, namespace"),
        ({"state": "done"}, "TK002", 'no task state done; they are pending, in_progress'),
        ({"state": []}, "TK002", "state is a text, or an array of 1 to 1,000"),
        ({"failed": {"a": 1}}, "TK002", "failed is a text"),
        ({"failed": [["a"]]}, "TK002", "failed is a text"),
        ({"priority": 3}, "TK002", "priority is from -2 (lowest) to 2 (highest), not 3"),
        ({"correlation_id": "7"}, "TK002", "correlation_id is a UUID, not 7"),
        ({"created": "2d"}, "TK002", "created is an object of times"),
        ({"created": {"since": "2d"}}, "TK002", "created is an object of times"),
        ({"created": {}}, "TK002", "created is an object of times"),
        ({"created": {"after": "soon"}}, "TK002", "'soon' is no time"),
        ({"started": {"after": "2030-01-31T12:00:00"}}, "TK002", "with its time zone"),
        ({"completed": {"before": "2030-02-31T12:00:00Z"}}, "TK002", "is no time"),
        ({"template": "t/x@7"}, "TK001", "no template t/x@7"),
        ({"template": ["x", "z"]}, "TK001", "no template z"),
    ],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(
    db: Connection, worker: Worker, filter: Any, code: str, said: str
) -> None:
    got, text = refusal(db, Jsonb(filter))
    assert got == code
    assert said in text


def test_a_page_ends_also_where_nothing_fits(db: Connection, worker: Worker) -> None:
    """Of what stands in steps, 10,000 tasks are looked at for a page; then it says where to go on."""
    ids = [task_id for _, task_id, _ in submit_many(db, "x", [{}] * 10_000)]
    ids += [task_id for _, task_id, _ in submit_many(db, "x", [{}] * 5)]
    db.execute("update tasker.task set failed = 1, live = 0, state = 'blocked_by_failures'")
    db.execute(
        "update tasker.step set state = 'error', error = '{\"type\": \"Late\"}' where task_id = %s and step_no = 1",
        [ids[0]],
    )
    find = 'select ids, next from tasker.find_tasks(\'{"error": "Late"}\', %s, 10)'
    found, rest = db.execute(find, [None]).fetchone() or (None, None)
    assert (found, rest) == ([], sorted(ids)[5])
    assert db.execute(find, [rest]).fetchone() == ([ids[0]], None)
    assert listed(db, error="Late") == [ids[0]], "a list goes on by itself"
