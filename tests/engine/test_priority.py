"""Classes of priority order claims across tasks, queues and later steps; where all is normal, nothing is looked for."""

from __future__ import annotations

import random
from collections import Counter
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Lease,
    Worker,
    broken,
    call,
    claim,
    complete,
    exchange,
    fire,
    hand_in,
    lapse,
    one,
    register,
    register_worker,
    release,
    rows,
    run_all,
    step,
    submit,
    submit_many,
    template,
)

CLASSES = [2, 1, 0, -1, -2]
RANGE = 2**50


def upkeep(db: Connection) -> None:
    call(db, "upkeep", orchestrator_id=uuid4(), name="o")


def marks(db: Connection, queue: str = "t") -> list[int]:
    return one(db, "select low_water from tasker.queue where name = %s", queue)


def class_of(lease: Lease) -> int:
    return -(lease.msg_id >> 50)


def take(worker: Worker) -> UUID:
    """Claim one step and complete it; its task."""
    [lease] = claim(worker, want=1)
    hand_in(worker, complete(lease))
    return lease.task_id


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("x", step("a")))
    return register_worker(db)


def test_a_higher_class_is_claimed_first(db: Connection, worker: Worker) -> None:
    classes = CLASSES * 3
    random.Random(1).shuffle(classes)
    tasks = {submit(db, "x", priority=priority): priority for priority in classes}
    assert [tasks[take(worker)] for _ in classes] == sorted(classes, reverse=True)
    assert broken(db) == []


def test_within_a_class_the_first_comes_first(db: Connection, worker: Worker) -> None:
    tasks = [submit(db, "x", priority=1) for _ in range(5)]
    assert [take(worker) for _ in tasks] == tasks


def test_so_are_later_steps_retries_and_what_undoes(db: Connection) -> None:
    register(
        db,
        template(
            "order", step("a", retry={"max_attempts": 3, "jitter": 0}),
            step("b", "a", compensate={"handler": "h.undo"}), step("c", "b", retry={"max_attempts": 1}),
            on_failure="compensate",
        ),
    )  # fmt: skip
    worker = register_worker(db)
    urgent = submit(db, "order", priority=2)
    submit_many(db, "order", [{}] * 3)
    [first] = claim(worker, want=1)
    assert first.task_id == urgent
    hand_in(worker, release(first, delay=0))
    fire(db)
    assert [take(worker) for _ in range(2)] == [urgent, urgent]
    [last] = claim(worker, want=1)
    hand_in(worker, {**complete(last), "outcome": "error", "error": {"type": "E", "message": "m"}})
    [undo] = claim(worker, want=1)
    assert (undo.task_id, class_of(undo)) == (urgent, 2)


def test_steps_that_grow_have_their_tasks_class(db: Connection) -> None:
    register(
        db,
        template(
            "batch", step("split", kind="batchable"), step("part", "split", kind="batch_worker"),
            step("join", "part", kind="deferred_convergence"),
        ),
    )  # fmt: skip
    worker = register_worker(db)
    submit(db, "batch", priority=1)
    [split] = claim(worker)
    hand_in(worker, complete(split, [1, 2]))
    parts = claim(worker)
    assert [class_of(x) for x in parts] == [1, 1]
    hand_in(worker, *map(complete, parts))
    assert [class_of(x) for x in claim(worker)] == [1]


def test_a_lost_lease_goes_first_in_its_class(db: Connection, worker: Worker) -> None:
    late, urgent = submit(db, "x"), submit(db, "x", priority=2)
    [lease] = claim(worker, want=1)
    assert lease.task_id == urgent
    lapse(db, lease)
    assert [take(worker), take(worker)] == [urgent, late]


def test_a_class_is_claimed_in_every_queue_before_the_next(db: Connection) -> None:
    register(db, template("l", step("a", queue="left")))
    register(db, template("r", step("a", queue="right")))
    worker = register_worker(db, "left", "right")
    for _ in range(5):
        tasks = {
            submit(db, name, priority=priority): priority
            for name in "lr"
            for priority in (-1, 0, 1)
        }
        assert [tasks[take(worker)] for _ in range(6)] == [1, 1, 0, 0, -1, -1]


@pytest.mark.parametrize("priority", [-3, 3, 0.5, "high"])
def test_another_class_is_refused(db: Connection, worker: Worker, priority: object) -> None:
    with pytest.raises(psycopg.Error, match=r"from -2 \(lowest\) to 2 \(highest\)") as refused:
        submit_many(db, "x", [{}, {"priority": priority}])
    assert refused.value.sqlstate == "TK002"
    assert one(db, "select count(*) from tasker.task") == 0


# What it costs


def test_a_queue_has_the_classes_that_it_was_given(db: Connection, worker: Worker) -> None:
    submit(db, "x")
    assert marks(db) == [0]
    submit_many(db, "x", [{"priority": p} for p in (0, -2, 2, 2)])
    assert marks(db) == [-2 * RANGE, 0, 2 * RANGE]
    submit(db, "x", priority=1)
    submit(db, "x", priority=1)
    assert marks(db) == [-2 * RANGE, -RANGE, 0, 2 * RANGE]
    assert run_all(worker) == 7


def test_each_class_has_its_own_low_water_mark(db: Connection, worker: Worker) -> None:
    submit_many(db, "x", [{"priority": n % 2} for n in range(20)])
    leases = claim(worker)
    odd = [x for x in leases if class_of(x)]
    hand_in(worker, *map(complete, odd[:5]))
    for _ in range(3):
        upkeep(db)
    assert marks(db) == [min(x.msg_id for x in odd[5:]), 1]
    hand_in(worker, *map(complete, leases))
    for _ in range(3):
        upkeep(db)
    assert marks(db) == [20 - RANGE, 20]
    submit(db, "x", priority=1)
    assert run_all(worker) == 1


def test_classes_opened_at_the_same_time_are_all_there(engine: Engine, db: Connection) -> None:
    register(db, template("x", step("a")))
    with engine.connect() as slow:
        slow.autocommit = False
        submit(slow, "x", priority=1)
        pid = slow.info.backend_pid
        with engine.connect() as other:
            other.execute("set statement_timeout = '200ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                submit(other, "x", priority=-1)
            assert pid != other.info.backend_pid
            slow.commit()
            submit(other, "x", priority=-1)
    assert marks(db) == [-RANGE, 0, RANGE]


def test_stats_count_all_classes(db: Connection, worker: Worker) -> None:
    submit_many(db, "x", [{"priority": p} for p in (0, -2, 2, 2)])
    claim(worker, want=1)
    [stats] = rows(db, "queue_stats")
    assert Counter({k: stats[k] for k in ("ready", "leased")}) == {"ready": 3, "leased": 1}
    held = next(t for t in rows(db, "list_tasks") if t["priority"] == -2)
    answer = call(db, "explain_step", task_id=held["task_id"], step_name="a")
    assert answer["queue_depth"] == 3


def test_an_exchange_may_both_open_and_fill_a_class(db: Connection, worker: Worker) -> None:
    submit(db, "x", priority=1)
    answer = exchange(worker)
    assert [class_of(x) for x in answer.leases] == [1]
