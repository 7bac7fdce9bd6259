"""Growth is all or nothing: the server process is killed at each statement that makes a task grow."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    broken,
    claim,
    complete,
    exchange,
    lapse,
    queue_tables,
    register,
    register_worker,
    run_all,
    step,
    submit,
    task_state,
    template,
)

TABLES = ("task", "step", "batch", "task_edge", "timer", "attempt")

# Kills the backend in the middle of the n-th statement that writes, counted over all tables.
CRASH = """
create function public.crash() returns trigger language plpgsql as $$
begin
    perform set_config('test.statements', (current_setting('test.statements')::integer + 1)::text, false);
    if current_setting('test.statements') = current_setting('test.crash_at') then
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(10);
    end if;
    return null;
end $$;
"""

GROWTH: dict[str, tuple[list[Json], Json, Json]] = {
    "decision": (
        [
            step("a", kind="decision"), step("b", "a"), step("c", "a"),
            step("d", "b", "c", kind="deferred_convergence"),
        ],
        ["b", "c"],
        None,
    ),
    "batch": (
        [
            step("a", kind="batchable"), step("b", "a", kind="batch_worker", batch={"parallelism": 2}),
            step("c", "b", kind="deferred_convergence"),
        ],
        [1, 2, 3],
        None,
    ),
    "expansion": (
        [
            step("a", expands=["b"]), step("b", kind="dynamic", step_time_limit=60),
            step("c", "b", kind="deferred_convergence"),
        ],
        None,
        [{"step": "b"}, {"step": "b", "takes": {"x": 0}}, {"step": "b", "after": [0, 1]}],
    ),
}  # fmt: skip


@pytest.fixture
def crashing(db: Connection) -> Connection:
    """A database in which a session that sets test.crash_at dies there."""
    db.execute(CRASH)
    db.execute("select tasker.ensure_queue('t')")
    tables = [f"tasker.{name}" for name in TABLES] + [table for _, table in queue_tables(db)]
    for table in tables:
        trigger = f"""create trigger crash after insert or update or delete on {table}
            for each statement when (current_setting('test.crash_at', true) <> '') execute function public.crash()"""
        db.execute(trigger)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return db


def everything(db: Connection) -> list[Any]:
    """Return all rows that an exchange may change."""
    tables = [f"tasker.{name}" for name in TABLES] + [table for _, table in queue_tables(db)]
    return [
        sorted(row[0] for row in db.execute(f"select t::text from {table} t").fetchall())  # pyright: ignore[reportArgumentType, reportCallIssue]
        for table in tables
    ]


def crash(engine: Engine, worker: Worker, lease: Lease, done: Json, at: int) -> bool:
    """Hand in an outcome over a connection that dies at a statement; whether it did."""
    with engine.connect() as connection:
        connection.execute("select set_config('test.statements', '0', false)")
        connection.execute("select set_config('test.crash_at', %s, false)", [str(at)])
        try:
            exchange(Worker(connection, worker.id, worker.queue_ids), [done], want=0)
        except psycopg.OperationalError:
            return True
    return False


@pytest.mark.parametrize("kind", GROWTH)
def test_a_crash_at_any_statement_leaves_nothing_half_done(
    engine: Engine, crashing: Connection, kind: str
) -> None:
    steps, result, expansion = GROWTH[kind]
    register(crashing, template(kind, *steps))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, kind)
    [lease] = claim(worker)
    done = complete(lease, result) | ({} if expansion is None else {"expansion": expansion})
    before = everything(crashing)
    at = 1
    while crash(engine, worker, lease, done, at):
        assert everything(crashing) == before, f"after a crash at statement {at}"
        at += 1
    assert at > 5, "the triggers did not fire"
    assert everything(crashing) != before
    assert broken(crashing) == []
    assert exchange(worker, [done], want=0).accepted == [], "it was accepted already"
    run_all(worker)
    assert task_state(crashing, task_id) == "complete"


def test_after_a_crash_another_worker_makes_it_grow(engine: Engine, crashing: Connection) -> None:
    steps, result, _ = GROWTH["batch"]
    register(crashing, template("batch", *steps))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, "batch")
    [lease] = claim(worker)
    assert crash(engine, worker, lease, complete(lease, result), 3)
    lapse(crashing, lease)
    [again] = claim(register_worker(crashing, "t"))
    assert exchange(worker, [complete(lease, [1])], want=0).accepted == []
    assert exchange(worker, [complete(again, result)], want=0).accepted == [1]
    run_all(worker)
    assert task_state(crashing, task_id) == "complete"
    assert broken(crashing) == []
