"""Registering templates: immutable per version, compiled to rows, nothing taken on trust."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    call,
    claim,
    exchange,
    in_background,
    one,
    register,
    register_worker,
    rows,
    step,
    step_states,
    submit,
    template,
    wait_until_blocked,
)

Definition = dict[str, Any]

EVERYTHING = ("namespace", "template", "step_definition", "definition_edge", "queue")


def contents(db: Connection) -> dict[str, int]:
    """Count the rows that a registration could leave."""
    return {t: one(db, f"select count(*) from tasker.{t}") for t in EVERYTHING}


def test_a_new_template_is_compiled_to_rows(db: Connection) -> None:
    retry = {"max_attempts": 7, "backoff": "linear", "base": 2, "cap": 10, "jitter": 0.5}
    answer = register(
        db,
        template(
            "x",
            step("a", retry={**retry, "permanent_errors": ["E"]}, config={"k": 1}),
            step("b", "a", queue="gpu", attempt_time_limit=1.5, step_time_limit=60),
            step("c", "a", "b"),
            time_limit=3600,
        ),
    )
    assert answer["created"]
    assert (answer["namespace"], answer["name"], answer["version"]) == ("t", "x", "1")
    assert contents(db) == {
        "namespace": 1, "template": 1, "step_definition": 3, "definition_edge": 3, "queue": 2,
    }  # fmt: skip
    found = db.execute(
        """select step_no, d.name, q.name, parents, children, max_attempts, backoff,
            extract(epoch from backoff_base)::int, extract(epoch from backoff_cap)::int, jitter,
            permanent_errors, extract(epoch from attempt_time_limit)::float8,
            extract(epoch from step_time_limit)::int, config
        from tasker.step_definition d join tasker.queue q using (queue_id) order by step_no"""
    ).fetchall()
    assert found == [
        (1, "a", "t", 0, 2, 7, "linear", 2, 10, 0.5, ["E"], None, None, {"k": 1}),
        (2, "b", "gpu", 1, 1, 3, "exponential", 1, 60, 0.1, [], 1.5, 60, {}),
        (3, "c", "t", 2, 0, 3, "exponential", 1, 60, 0.1, [], None, None, {}),
    ]
    assert one(db, "select extract(epoch from time_limit)::int from tasker.template") == 3600


def test_the_same_again_changes_nothing(db: Connection) -> None:
    definition = template("x", step("a"), step("b", "a"))
    first = register(db, definition)
    before = contents(db)
    again = register(db, dict(reversed(definition.items())))  # the order of keys means nothing
    assert again == {**first, "created": False}
    assert contents(db) == before


def test_another_definition_under_the_same_version_is_refused(db: Connection) -> None:
    register(db, template("x", step("a")))
    before = contents(db)
    with pytest.raises(psycopg.Error, match="t/x version 1 is registered") as raised:
        register(db, template("x", step("a"), step("b", queue="new")))
    assert raised.value.sqlstate == "TK003"
    assert raised.value.diag.message_hint
    assert contents(db) == before


def test_a_task_keeps_the_version_it_began_with(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", "a")))
    old = submit(db, "x")
    register(db, {**template("x", step("a"), step("c", "a")), "version": "2"})
    new = submit(db, "x")
    worker = register_worker(db)
    leases = claim(worker)
    exchange(worker, [], want=0)
    assert step_states(db, old) == {"a": "in_progress", "b": "pending"}
    assert step_states(db, new) == {"a": "in_progress", "c": "pending"}
    assert len({lease.definition_id for lease in leases}) == 2


def test_two_namespaces_have_templates_of_one_name(db: Connection) -> None:
    register(db, template("x", step("a")))
    other = register(db, {**template("x", step("b")), "namespace": "Other-1"})
    assert other["created"]
    assert one(db, "select array_agg(name order by name) from tasker.queue") == ["other_1", "t"]


def test_names_of_the_greatest_length_run(db: Connection) -> None:
    register(
        db,
        {
            **template("x" * 255, step("s" * 128, queue="q" * 39)),
            "namespace": "N" * 29,
            "version": "v" * 50,
        },
    )
    submit(db, "x" * 255, namespace="N" * 29)
    assert len(claim(register_worker(db, "q" * 39))) == 1


# What is refused


def nested(*steps: Any, **more: Any) -> Definition:
    return {**template("x"), "steps": list(steps), **more}


def takes(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, True)}


def with_retry(**retry: Any) -> Definition:
    return template("x", step("a", retry=retry))


FAULTY: dict[str, tuple[Any, str]] = {
    "no object": (["x"], "no JSON object"),
    "no name": (nested(step("a"), name=None), "name must have"),
    "empty name": (nested(step("a"), name=""), "name must have"),
    "name too long": (nested(step("a"), name="x" * 256), "name must have"),
    "no version": (nested(step("a"), version=None), "version must have"),
    "version too long": (nested(step("a"), version="1" * 51), "version must have"),
    "no namespace": (nested(step("a"), namespace=None), "not a namespace name"),
    "bad namespace": (nested(step("a"), namespace="1t"), "not a namespace name"),
    "namespace too long": (nested(step("a"), namespace="t" * 30), "not a namespace name"),
    "no steps": (nested(), "1 to 20,000 steps"),
    "steps no array": (nested(steps={}), "steps must be an array"),
    "step no object": (nested("a"), "no JSON object"),
    "step without name": (nested({"handler": "h"}), "name must have"),
    "step name too long": (template("x", step("a" * 129)), "name must have"),
    "no handler": (nested({"name": "a"}), "handler is missing"),
    "two of one name": (template("x", step("a"), step("b"), step("a")), "two steps are named a"),
    "unknown parent": (template("x", step("a", "b")), "depends on b, which is not a step"),
    "null parent": (nested({**step("a"), "depends_on": [None]}), "depends_on must be an array"),
    "parents no array": (nested({**step("a"), "depends_on": "b"}), "depends_on must be an array"),
    "itself": (template("x", step("a", "a")), "circle"),
    "circle": (
        template("x", step("r"), step("a", "b", "r"), step("b", "a")),
        r"circle, .*: a, b\b",
    ),
    "unknown kind": (template("x", step("a", kind="magic")), "kind must be"),
    "decision of nothing": (template("x", step("a", kind="decision")), "no step depends on it"),
    "batch of nothing": (template("x", step("a", kind="batchable")), "exactly one batch_worker"),
    "batch of two kinds": (
        template(
            "x",
            step("a", kind="batchable"),
            step("b", "a", kind="batch_worker"),
            step("c", "a", kind="batch_worker"),
        ),
        "exactly one batch_worker",
    ),
    "worker of no batch": (
        template("x", step("a"), step("b", "a", kind="batch_worker")),
        "depend on one batchable step",
    ),
    "worker of more than a batch": (
        template(
            "x",
            step("o"),
            step("a", kind="batchable"),
            step("b", "a", "o", kind="batch_worker"),
        ),
        "depend on one batchable step",
    ),
    "worker without convergence": (
        template(
            "x",
            step("a", kind="batchable"),
            step("b", "a", kind="batch_worker"),
            step("c", "b"),
        ),
        "c, which depends on it, must be a deferred_convergence",
    ),
    "slash in a name": (template("x", step("a/1")), "must have no slash"),
    "bad queue": (template("x", step("a", queue="Q")), "queue must be"),
    "queue too long": (template("x", step("a", queue="q" * 40)), "queue must be"),
    "no attempts": (with_retry(max_attempts=0), "max_attempts must be"),
    "too many attempts": (with_retry(max_attempts=1001), "max_attempts must be"),
    "many more attempts": (with_retry(max_attempts=10**12), "max_attempts must be"),
    "attempts no integer": (with_retry(max_attempts=1.5), "max_attempts must be"),
    "unknown backoff": (with_retry(backoff="random"), "backoff must be"),
    "negative base": (with_retry(base=-1), "times must be seconds"),
    "endless cap": (with_retry(cap=1e300), "times must be seconds"),
    "cap no number": (with_retry(cap="1m"), "times must be seconds"),
    "too much jitter": (with_retry(jitter=1.5), "jitter must be"),
    "jitter no number": (with_retry(jitter="x"), "jitter must be"),
    "errors no array": (with_retry(permanent_errors="E"), "permanent_errors must be"),
    "errors no names": (with_retry(permanent_errors=[1]), "permanent_errors must be"),
    "retry no object": (template("x", step("a", retry=5)), "retry must be an object"),
    "config no object": (template("x", step("a", config=[1])), "config must be an object"),
    "what it takes is no object's": (
        template("x", step("a", input_schema={"type": "array"})),
        "step a: input_schema must be an object's",
    ),
    "what it takes is no schema": (
        template("x", step("a", input_schema=[1])),
        "input_schema must be an object's",
    ),
    "fields that are none": (
        template("x", step("a", input_schema={"type": "object", "properties": None})),
        "input_schema must be an object's",
    ),
    "it takes what it does not wait for": (
        template("x", step("a"), step("b", input_schema=takes("input", "a"))),
        "step b: input_schema names the field a, which is neither input nor",
    ),
    "it requires what it does not wait for": (
        template("x", step("a", input_schema={**takes(), "required": ["b"]}), step("b")),
        "step a: input_schema names the field b",
    ),
    "negative limit": (template("x", step("a", attempt_time_limit=-1)), "times must be seconds"),
    "limit no number": (template("x", step("a", step_time_limit="1h")), "times must be seconds"),
    "task limit no number": (template("x", step("a"), time_limit="1h"), "time_limit must be"),
    "negative task limit": (template("x", step("a"), time_limit=-1), "time_limit must be"),
    "endless task limit": (template("x", step("a"), time_limit=1e300), "time_limit must be"),
}


@pytest.mark.parametrize("what", FAULTY)
def test_a_faulty_definition_is_refused_and_nothing_written(
    shared_db: Connection, what: str
) -> None:
    definition, message = FAULTY[what]
    with pytest.raises(psycopg.Error, match=message) as raised:
        call(shared_db, "register_template", definition=Jsonb(definition))
    assert raised.value.sqlstate == "TK002", raised.value
    assert raised.value.diag.message_hint
    assert set(contents(shared_db).values()) == {0}


def test_nothing_at_all_is_refused(db: Connection) -> None:
    with pytest.raises(psycopg.Error, match="no JSON object") as raised:
        call(db, "register_template", definition=None)
    assert raised.value.sqlstate == "TK002"


def test_a_long_chain_registers_in_reasonable_time(db: Connection) -> None:
    """A search for circles in rounds, each of which takes one step away, would take minutes. This takes 3 s alone."""
    chain = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 20_000))]
    db.execute("set statement_timeout = '20s'")
    assert register(db, template("x", *chain))["created"]


# Two at once


@pytest.mark.parametrize("same", [True, False], ids=["same", "different"])
def test_two_registrations_at_once(engine: Engine, db: Connection, same: bool) -> None:
    """The second waits for the first, though neither the namespace nor the queue was there."""
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        first = register(one_side, template("x", step("a")))
        second = template("x", step("a" if same else "b"))

        def answer() -> Any:
            try:
                return register(other_side, second)
            except psycopg.Error as error:
                return error.sqlstate

        with in_background(answer) as answered:
            wait_until_blocked(db, other_side.info.backend_pid)
            one_side.commit()
            assert answered.result() == ({**first, "created": False} if same else "TK003")
    assert contents(db)["template"] == contents(db)["queue"] == contents(db)["namespace"] == 1


# Reading templates


def test_templates_are_listed_latest_first(db: Connection) -> None:
    register(db, template("x", step("a"), description="first"))
    register(db, {**template("x", step("a"), step("b", "a")), "version": "0.5"})
    register(db, {**template("y", step("a")), "namespace": "u"})
    listed = rows(db, "list_templates")
    assert [(t["namespace"], t["name"], t["version"], t["steps"]) for t in listed] == [
        ("t", "x", "0.5", 2),
        ("t", "x", "1", 1),
        ("u", "y", "1", 1),
    ]
    assert listed[1]["description"] == "first"
    assert [t["name"] for t in rows(db, "list_templates", namespace="u")] == ["y"]


def test_a_template_is_read_back_as_it_was_given(db: Connection) -> None:
    definition = template("x", step("a"), metadata={"team": "z"})
    register(db, definition)
    register(db, {**definition, "version": "2"})
    found = call(db, "get_template", namespace="t", name="x", version="1")
    assert found["definition"] == definition
    assert call(db, "get_template", namespace="t", name="x")["version"] == "2"
    with pytest.raises(psycopg.Error, match="no template t/y") as raised:
        call(db, "get_template", namespace="t", name="y")
    assert raised.value.sqlstate == "TK001"


def test_workers_read_definitions(db: Connection) -> None:
    schema = {"type": "object"}
    register(
        db,
        template(
            "x",
            step("a", config={"k": 1}, attempt_time_limit=2.5, result_schema=schema),
            step(
                "b",
                "a",
                input_schema=takes("a", "input"),
                compensate={"handler": "u", "input_schema": schema},
            ),
            step("c", "b", "a"),
            input_schema=schema,
        ),
    )
    ids = one(db, "select array_agg(definition_id order by step_no) from tasker.step_definition")
    a, b, c, undo = sorted(
        call(db, "get_definitions", definition_ids=ids), key=lambda d: d["definition_id"]
    )
    assert a == {
        "definition_id": ids[0], "namespace": "t", "template": "x", "version": "1", "kind": "standard",
        "name": "a", "handler": "h.a", "config": {"k": 1}, "attempt_time_limit": 2.5,
        "task_input_schema": schema, "input_schema": None, "result_schema": schema, "parents": [],
    }  # fmt: skip
    assert c["parents"] == [[1, "a"], [2, "b"]]
    assert c["result_schema"] is None
    assert b["input_schema"] == takes("a", "input")
    assert undo["input_schema"] is None
    assert call(db, "get_definitions", definition_ids=[]) == []
