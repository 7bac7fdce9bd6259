"""Submitting tasks: all or nothing, in the caller's own transaction, once per idempotency key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    broken,
    call,
    claim,
    fire,
    in_background,
    one,
    register,
    register_worker,
    rows,
    run_all,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
    wait_until_blocked,
)

EVERYTHING = ("task", "step", "timer", "idempotency_key", "attempt", "action")


PAIR = template("pair", step("a"), step("b", "a"), time_limit=3600)


@pytest.fixture
def db(engine: Engine) -> Connection:
    register(engine.owner, PAIR)
    return engine.owner


def contents(connection: Connection) -> dict[str, int]:
    """Count the rows that a submission could leave."""
    counts = {t: one(connection, f"select count(*) from tasker.{t}") for t in EVERYTHING}
    tables = connection.execute("select message_table::text from tasker.queue").fetchall()
    return counts | {table: one(connection, f"select count(*) from {table}") for (table,) in tables}


def test_a_submitted_task_has_its_steps_its_first_message_and_its_timer(db: Connection) -> None:
    task_id = submit(db, "pair", {"n": 1})
    assert task_state(db, task_id) == "in_progress"
    assert step_states(db, task_id) == {"a": "enqueued", "b": "pending"}
    assert contents(db) == {
        "task": 1, "step": 2, "timer": 1, "idempotency_key": 0, "attempt": 0, "action": 0,
        "pgmq.q_tasker_t": 1,
    }  # fmt: skip
    assert broken(db) == []


def test_everything_given_is_stored(db: Connection) -> None:
    correlation_id = uuid4()
    task_id = submit(
        db, "pair", [1, {"a": None}], priority=-2, correlation_id=correlation_id, tags=["x", "y"],
        trace_context={"traceparent": "00-1"}, context={"tenant": 5}, idempotency_key="k",
    )  # fmt: skip
    task = call(db, "get_task", task_id=task_id)
    assert task["input"] == [1, {"a": None}]
    assert task["priority"] == -2
    assert task["correlation_id"] == str(correlation_id)
    assert task["tags"] == ["x", "y"]
    assert task["context"] == {"tenant": 5}
    assert task["idempotency_key"] == "k"
    assert task["version"] == "1"
    [granted] = claim_tasks(db)
    assert granted["trace_context"] == {"traceparent": "00-1"}
    assert granted["input"] == [1, {"a": None}]


def claim_tasks(db: Connection) -> list[Any]:
    worker = register_worker(db)
    answer = call(
        db, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids, outcomes="[]", want=10,
        lease_seconds=15,
    )  # fmt: skip
    return answer["granted"]["tasks"]


def test_without_options_there_are_defaults(db: Connection) -> None:
    task_id = one(db, "select tasker.submit_task('t', 'pair')")
    task = call(db, "get_task", task_id=task_id)
    assert (task["input"], task["context"], task["tags"]) == ({}, {}, [])
    assert (task["priority"], task["correlation_id"], task["start_at"]) == (0, None, None)


def test_a_batch_answers_in_order_and_creates_each(db: Connection) -> None:
    answer = submit_many(db, "pair", [{"input": n} for n in range(20)])
    assert [ordinal for ordinal, _, _ in answer] == list(range(1, 21))
    assert all(created for _, _, created in answer)
    inputs = [call(db, "get_task", task_id=task_id)["input"] for _, task_id, _ in answer]
    assert inputs == list(range(20))


def test_an_empty_batch_is_no_error(db: Connection) -> None:
    assert submit_many(db, "pair", []) == []
    assert set(contents(db).values()) == {0}


def test_it_exists_for_others_only_after_the_callers_commit(engine: Engine, db: Connection) -> None:
    with engine.connect() as other:
        worker = register_worker(other)
        with db.transaction():
            task_id = submit(db, "pair")
            assert task_state(other, task_id) is None
            assert claim(worker) == []
        assert task_state(other, task_id) == "in_progress"
        assert [lease.task_id for lease in claim(worker)] == [task_id]


def test_a_rollback_leaves_no_trace(engine: Engine, db: Connection) -> None:
    before = contents(db)
    with db.transaction(force_rollback=True):
        submit(db, "pair", idempotency_key="k")
        submit(db, "pair", start_at=datetime.now(UTC) + timedelta(hours=1))
        assert contents(db) != before
    assert contents(db) == before
    assert submit(db, "pair", idempotency_key="k")


def test_a_task_that_starts_later_waits_and_then_runs(db: Connection) -> None:
    start_at = datetime.now(UTC) + timedelta(hours=1)
    task_id = submit(db, "pair", start_at=start_at)
    worker = register_worker(db)
    assert task_state(db, task_id) == "pending"
    assert step_states(db, task_id) == {"a": "pending", "b": "pending"}
    assert claim(worker) == []
    limit = one(db, "select fire_at from tasker.timer where kind = 'task_time_limit'")
    assert limit == start_at + timedelta(hours=1), "the time limit counts from the start"
    assert broken(db) == []
    assert fire(db, "task_start") == 1
    assert task_state(db, task_id) == "in_progress"
    assert broken(db) == []
    assert run_all(worker) == 2
    assert task_state(db, task_id) == "complete"
    assert broken(db) == []


def test_a_start_in_the_past_is_now(db: Connection) -> None:
    task_id = submit(db, "pair", start_at=datetime.now(UTC) - timedelta(hours=1))
    assert task_state(db, task_id) == "in_progress"
    assert len(claim(register_worker(db))) == 1


# Idempotency


def test_a_second_task_under_a_key_is_refused(db: Connection) -> None:
    first = submit(db, "pair", idempotency_key="k")
    before = contents(db)
    with pytest.raises(psycopg.Error, match=f"key 'k' is taken by task {first}") as raised:
        submit(db, "pair", idempotency_key="k")
    assert raised.value.sqlstate == "TK003"
    assert raised.value.diag.message_detail == str(first)
    assert contents(db) == before


def test_or_answered_with_the_first(db: Connection) -> None:
    first = submit(db, "pair", {"n": 1}, idempotency_key="k")
    before = contents(db)
    second = submit(db, "pair", {"n": 2}, idempotency_key="k", on_conflict="return_existing")
    assert second == first
    assert contents(db) == before
    assert call(db, "get_task", task_id=first)["input"] == {"n": 1}


def test_a_key_belongs_to_a_template_name_of_any_version(db: Connection) -> None:
    register(db, {**template("pair", step("a")), "version": "2"})
    register(db, template("other", step("a")))
    register(db, {**template("pair", step("a")), "namespace": "elsewhere"})
    first = submit(db, "pair", idempotency_key="k", version="1")
    assert (
        submit(db, "pair", idempotency_key="k", on_conflict="return_existing", version="2") == first
    )
    assert submit(db, "other", idempotency_key="k") != first
    assert submit(db, "pair", namespace="elsewhere", idempotency_key="k") != first


def test_duplicates_within_a_batch(db: Connection) -> None:
    batch = [{"idempotency_key": "a", "input": 1}, {}, {"idempotency_key": "a", "input": 2}]
    with pytest.raises(psycopg.Error) as raised:
        submit_many(db, "pair", batch)
    assert raised.value.sqlstate == "TK003"
    assert set(contents(db).values()) == {0}
    answer = submit_many(db, "pair", batch, on_conflict="return_existing")
    assert [created for _, _, created in answer] == [True, True, False]
    assert answer[0][1] == answer[2][1]
    assert call(db, "get_task", task_id=answer[0][1])["input"] == 1
    assert contents(db)["task"] == 2


def test_a_batch_mixes_new_and_known_keys(db: Connection) -> None:
    first = submit(db, "pair", idempotency_key="b")
    keys = ["a", "b", "c"]
    answer = submit_many(
        db, "pair", [{"idempotency_key": k} for k in keys], on_conflict="return_existing"
    )
    assert [created for _, _, created in answer] == [True, False, True]
    assert answer[1][1] == first
    assert broken(db) == []


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("on_conflict", ["reject", "return_existing"])
def test_two_at_once_under_one_key(
    engine: Engine, db: Connection, end: str, on_conflict: str
) -> None:
    """The second waits to learn whether the first commits."""
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        first = submit(one_side, "pair", idempotency_key="k")

        def second() -> UUID | str | None:
            try:
                return submit(other_side, "pair", idempotency_key="k", on_conflict=on_conflict)
            except psycopg.Error as error:
                return error.sqlstate

        with in_background(second) as answer:
            wait_until_blocked(db, other_side.info.backend_pid)
            getattr(one_side, end)()
            match end, on_conflict:
                case "commit", "reject":
                    assert answer.result() == "TK003"
                case "commit", _:
                    assert answer.result() == first
                case _:
                    assert isinstance(answer.result(), UUID)
                    assert answer.result() != first
    assert contents(db)["task"] == 1
    assert broken(db) == []


def test_batches_take_keys_in_their_own_order_and_so_cannot_deadlock(
    engine: Engine, db: Connection
) -> None:
    """It takes them sorted, however listed: while it waits for m it has a, and not yet z."""
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        submit(one_side, "pair", idempotency_key="m")
        batch = [{"idempotency_key": key} for key in ("z", "m", "a")]
        with in_background(
            lambda: submit_many(other_side, "pair", batch, on_conflict="return_existing")
        ) as answer:
            wait_until_blocked(db, other_side.info.backend_pid)
            db.execute("set lock_timeout = '100ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                submit(db, "pair", idempotency_key="a")
            submit(db, "pair", idempotency_key="z")
            one_side.commit()
            assert [created for _, _, created in answer.result()] == [False, False, True]


def test_a_key_is_free_again_after_its_task_was_pruned(db: Connection) -> None:
    first = submit(db, "pair", idempotency_key="k")
    call(db, "cancel_task", task_id=first, reason="test", actor="me")
    assert call(db, "prune", older_than=timedelta(seconds=-1))["pruned"] == 1
    assert submit(db, "pair", idempotency_key="k") != first


# What is refused


def test_an_unknown_template_is_named_and_known_ones_listed(db: Connection) -> None:
    with pytest.raises(psycopg.Error, match="no template t/pear") as raised:
        submit(db, "pear")
    assert raised.value.sqlstate == "TK001"
    assert "t/pair 1" in (raised.value.diag.message_hint or "")
    with pytest.raises(psycopg.Error, match="no template t/pair version 9") as raised:
        submit(db, "pair", version="9")
    assert raised.value.sqlstate == "TK001"
    assert "t/pair 1" in (raised.value.diag.message_hint or "")


def test_of_many_templates_those_of_the_namespace_are_named_and_the_rest_counted(
    db: Connection,
) -> None:
    for number in range(6):
        register(db, {**template(f"x{number}", step("only")), "namespace": "elsewhere"})
    with pytest.raises(psycopg.Error, match="no template t/pear") as raised:
        submit(db, "pear")
    hint = raised.value.diag.message_hint or ""
    known = one(db, "select count(*) from tasker.template")
    assert hint.startswith("Registered are: t/pair 1, ") and "elsewhere/x5 1" in hint
    assert hint.endswith(f" and {known - 5} more.")


def test_without_a_version_the_last_registered_counts(db: Connection) -> None:
    register(db, {**template("pair", step("only")), "version": "0.9"})
    assert step_states(db, submit(db, "pair")) == {"only": "enqueued"}
    assert step_states(db, submit(db, "pair", version="1")) == {"a": "enqueued", "b": "pending"}


MALFORMED = {
    "no array": {"input": 1},
    "nothing": None,
    "no object": [1],
    "a null": [None],
    "unknown key": [{"inputs": 1}],
    "empty key": [{"idempotency_key": ""}],
    "key too long": [{"idempotency_key": "k" * 513}],
    "key no string": [{"idempotency_key": 5}],
    "priority too high": [{"priority": 3}],
    "priority no integer": [{"priority": 1.5}],
    "priority no number": [{"priority": "high"}],
    "correlation id": [{"correlation_id": "123"}],
    "correlation id no string": [{"correlation_id": 5}],
    "start": [{"start_at": "tomorrowish"}],
    "start no string": [{"start_at": 5}],
    "start never": [{"start_at": "infinity"}],
    "start too late": [{"start_at": "294276-12-31T00:00:00Z"}],
    "tags no array": [{"tags": "x"}],
    "tags no strings": [{"tags": ["x", 1]}],
    "tags with a null": [{"tags": [None]}],
    "context no object": [{"context": [1]}],
    "trace context no object": [{"trace_context": "00-1"}],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_input_is_refused_and_nothing_written(shared_db: Connection, what: str) -> None:
    register(shared_db, PAIR)
    tasks = MALFORMED[what]
    if isinstance(tasks, list):
        tasks = [{"input": 1, "idempotency_key": "good"}, *tasks]
    with pytest.raises(psycopg.Error) as raised:
        submit_many(shared_db, "pair", tasks)
    assert raised.value.sqlstate == "TK002", raised.value
    assert raised.value.diag.message_hint
    assert set(contents(shared_db).values()) == {0}


@pytest.mark.parametrize("on_conflict", ["", "ignore", None])
def test_an_unknown_way_to_meet_conflicts_is_refused(
    shared_db: Connection, on_conflict: str | None
) -> None:
    register(shared_db, PAIR)
    with pytest.raises(psycopg.Error, match="on_conflict") as raised:
        submit_many(shared_db, "pair", [{}], on_conflict=on_conflict)
    assert raised.value.sqlstate == "TK002"


def test_ten_thousand_at_once_and_not_one_more(db: Connection) -> None:
    with pytest.raises(psycopg.Error, match="at most 10,000") as raised:
        submit_many(db, "pair", [{}] * 10_001)
    assert raised.value.sqlstate == "TK002"
    assert set(contents(db).values()) == {0}
    assert len(submit_many(db, "pair", [{}] * 10_000)) == 10_000
    assert contents(db)["step"] == 20_000
    assert contents(db)["pgmq.q_tasker_t"] == 10_000


def test_nulls_in_a_batch_are_defaults(db: Connection) -> None:
    names = "input idempotency_key priority correlation_id tags trace_context start_at context"
    [(_, task_id, created)] = submit_many(db, "pair", [dict.fromkeys(names.split())])
    assert created
    task = call(db, "get_task", task_id=task_id)
    assert (task["tags"], task["context"], task["priority"]) == ([], {}, 0)
    assert task["input"] is None, "null is an input like any other"


def test_ids_sort_by_time(db: Connection) -> None:
    ids = [submit(db, "pair") for _ in range(50)]
    assert [t["task_id"] for t in rows(db, "list_tasks")] == [str(i) for i in reversed(ids)]
    assert {i.version for i in ids} == {7}
