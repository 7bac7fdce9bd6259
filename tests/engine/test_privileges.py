"""What each role may do, and that it may do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    beat,
    call,
    claim,
    complete,
    fail,
    hand_in,
    register,
    register_worker,
    rows,
    step,
    submit,
    submit_many,
    task_state,
    template,
)

READS = {
    "get_task", "get_task_result", "list_tasks", "list_steps", "get_step", "explain_step", "queue_stats",
    "count_open_tasks", "list_workers", "list_orchestrators", "list_templates", "get_template", "verify",
    "get_schedule", "list_schedules", "list_fires", "get_approval", "list_approvals", "plan_change",
    "list_limits", "list_limit_keys", "list_dead_letters", "get_dead_letters", "list_children",
    "list_inner_steps", "list_needed_steps",
    "list_events", "list_event_queues",
}  # fmt: skip
MAY = {
    "tasker_client": READS
    | {"register_template", "submit_task", "submit_tasks", "watch_task"}
    | {"send_event", "send_event_to_all", "create_schedule", "answer_approval"}
    | {"read_events", "finish_events"},
    "tasker_worker": READS
    | {"register_template", "register_worker", "exchange", "heartbeat", "leave", "get_definitions"}
    | {"save_checkpoint", "start_task", "commit_outcome"}
    | {"promote_due", "rescue", "prune", "upkeep"}
    | {"due_schedules", "fire_schedule", "fault_schedule", "release_fires", "prune_fires"}
    | {"emit_event", "prune_events"},
    "tasker_operator": READS
    | {
        "cancel_task",
        "resolve_task",
        "retry_task",
        "pause_task",
        "resume_task",
        "change_tasks",
        "pause_template",
        "resume_template",
        "rerun_task",
        "plan_rerun",
    }
    | {"pause_queue", "resume_queue", "set_limit"}
    | {"retry_step", "resolve_step", "complete_step", "send_event", "send_event_to_all"}
    | {"create_schedule", "update_schedule", "delete_schedule", "pause_schedule", "resume_schedule"}
    | {"trigger_schedule", "backfill_schedule", "answer_approval"},
    "tasker_reader": READS,
}
WHO = {"reason": "because", "actor": "ann"}


@contextmanager
def acting_as(connection: Connection, role: str) -> Iterator[None]:
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    try:
        yield
    finally:
        connection.execute("reset role")


@pytest.fixture
def stranger(db: Connection) -> Iterator[str]:
    """A role that nobody granted anything."""
    db.execute("create role tasker_test_stranger")
    yield "tasker_test_stranger"
    db.execute("drop role tasker_test_stranger")


def callable_by(db: Connection, role: str) -> set[str]:
    found = db.execute(
        """select proname from pg_proc where pronamespace = 'tasker'::regnamespace
        and has_function_privilege(%s, oid, 'execute')""",
        [role],
    )
    return {name for (name,) in found.fetchall()}


@pytest.mark.parametrize("role", MAY)
def test_a_role_may_call_its_functions_and_no_others(db: Connection, role: str) -> None:
    assert callable_by(db, role) == MAY[role]


def test_a_stranger_may_call_nothing(db: Connection, stranger: str) -> None:
    assert callable_by(db, stranger) == set()
    with acting_as(db, stranger), pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("select tasker.list_tasks()")


@pytest.mark.parametrize("role", MAY)
def test_no_role_reaches_tables(db: Connection, role: str) -> None:
    found = db.execute(
        """select c.oid::regclass::text from pg_class c
        where c.relkind in ('r', 'v', 'S') and c.relnamespace::regnamespace::text in ('tasker', 'pgmq')
        and case when c.relkind = 'S' then has_sequence_privilege(%(role)s, c.oid, 'usage, select, update')
            else has_table_privilege(%(role)s, c.oid, 'select, insert, update, delete, truncate') end""",
        {"role": role},
    )
    readable = {"tasker.dead_letter", "tasker.migration", "tasker.installed"}
    assert {name for (name,) in found.fetchall()} == readable
    with acting_as(db, role), pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("delete from tasker.migration")


@pytest.mark.parametrize("role", MAY)
def test_no_role_makes_anything_in_the_schema(db: Connection, role: str) -> None:
    with acting_as(db, role), pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("create table tasker.mine ()")


def test_a_task_from_end_to_end_with_no_more_than_the_roles(db: Connection) -> None:
    with acting_as(db, "tasker_client"):
        register(db, template("pair", step("a"), step("b", "a", queue="other")))
        task_id = submit(db, "pair")
        (_, second, _), *_ = submit_many(db, "pair", [{}])
        assert call(db, "watch_task", task_id=task_id) is not None
    with acting_as(db, "tasker_worker"):
        worker = register_worker(db, "t", "other")
        for _ in range(2):
            leases = claim(worker)
            beat(worker, *leases)
            done = [complete(x) if x.task_id == task_id else fail(x) for x in leases]
            assert len(hand_in(worker, *done)) == len(leases)
        call(db, "promote_due")
        call(db, "leave", worker_id=worker.id)
    with acting_as(db, "tasker_reader"):
        assert call(db, "get_task", task_id=task_id)["state"] == "complete"
        assert len(db.execute("select * from tasker.dead_letter").fetchall()) == 1
        assert rows(db, "verify", task_id=second) == []
    with acting_as(db, "tasker_operator"):
        call(db, "resolve_step", task_id=second, step_name="a", result=Jsonb({}), **WHO)
        call(db, "cancel_task", task_id=second, **WHO)
    assert task_state(db, second) == "cancelled"


def test_a_callers_own_objects_do_not_come_before_the_engines(db: Connection) -> None:
    """Functions that run as their owner find neither temporary tables nor functions of whoever calls them."""
    register(db, template("one", step("a")))
    with acting_as(db, "tasker_client"):
        db.execute("create temp table task (task_id uuid, state text)")
        db.execute(
            "create function pg_temp.uuidv7() returns uuid language sql as 'select null::uuid'"
        )
        db.execute("set search_path = pg_temp, tasker")
        task_id = submit(db, "one")
        assert db.execute("select count(*) from pg_temp.task").fetchone() == (0,)
    db.execute("reset search_path")
    assert task_state(db, task_id) == "in_progress"


def test_names_are_data(db: Connection) -> None:
    """A name reaches no statement but as a value, or through the catalog."""
    name = 'x"; drop table tasker.task; --'
    namespaced: Any = {**template("one", step("a")), "namespace": name}
    for definition in (namespaced, template("one", step("a", queue=name))):
        with pytest.raises(psycopg.Error) as refused:
            register(db, definition)
        assert refused.value.sqlstate == "TK002"
    assert db.execute("select count(*) from tasker.task").fetchone() == (0,)
