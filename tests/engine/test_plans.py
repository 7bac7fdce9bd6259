"""What lies behind does not slow down what runs: rows read are counted, and plans looked at, with a large history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from typing import Any, cast
from uuid import uuid4

import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Worker,
    beat,
    call,
    claim,
    complete,
    exchange,
    outcome,
    register,
    register_worker,
    retry,
    rows,
    step,
    submit_many,
    template,
)

HISTORY = 20_000
OPEN = 200
CHAIN = template("chain", *[step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(4)])


def write_history(connection: Connection) -> None:
    """Finished tasks, in tables whose statistics know them."""
    statement = (files("tasker.bench") / "sql" / "history.sql").read_bytes()
    connection.execute(statement, {"tasks": HISTORY, "namespace": "t", "name": "chain"})
    connection.execute("vacuum (analyze) tasker.task, tasker.step")


@pytest.fixture(params=["history", "history without statistics", "no history"])
def worker(request: pytest.FixtureRequest, db: Connection) -> Worker:
    """Holds 50 steps of 200 tasks, before what the parameter says."""
    register(db, CHAIN)
    if request.param != "no history":
        write_history(db)
    if request.param == "history without statistics":
        db.execute("delete from pg_statistic where starelid = 'tasker.step'::regclass")
        db.execute(
            "update pg_class set reltuples = -1, relpages = 0 where oid = 'tasker.step'::regclass"
        )
    submit_many(db, "chain", [{}] * OPEN)
    return register_worker(db, "t")


@contextmanager
def rows_read(connection: Connection) -> Iterator[Callable[[], dict[str, int]]]:
    """Count the rows of each table that statements in the block look at, by scans and by indexes."""
    count = cast(
        "Any",
        """select relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
        where schemaname in ('tasker', 'pgmq')""",
    )
    with connection.transaction():
        before = dict(connection.execute(count).fetchall())
        yield lambda: {
            table: rows - before.get(table, 0)
            for table, rows in connection.execute(count).fetchall()
            if rows > before.get(table, 0)
        }


def test_an_exchange_reads_what_it_changes(worker: Worker) -> None:
    """50 outcomes and 50 grants; a row is looked at more than once on its way, but nothing grows with the history."""
    leases = claim(worker, want=50)
    with rows_read(worker.connection) as read:
        answer = exchange(worker, [complete(lease) for lease in leases], want=50)
        found = read()
    assert len(answer.accepted) == 50
    assert len(answer.leases) == 50
    assert found.pop("step") <= 50 * 12
    assert found.pop("task") <= 50 * 4
    assert found.pop("q_tasker_t") <= OPEN + 50 * 6
    assert found.pop("step_definition") <= 50 * 12
    assert sum(found.values()) <= 50 * 12, found


def test_so_does_one_of_failures(worker: Worker) -> None:
    leases = claim(worker, want=50)
    with rows_read(worker.connection) as read:
        answer = exchange(worker, [retry(lease, delay=0) for lease in leases], want=0)
        found = read()
    assert len(answer.accepted) == 50
    assert found["step"] <= 50 * 6
    assert found["task"] <= 50 * 4


def test_and_a_heartbeat(worker: Worker) -> None:
    leases = claim(worker, want=50)
    with rows_read(worker.connection) as read:
        beat(worker, *leases, progress={"at": 1})
        found = read()
    assert found["step"] <= 50 * 6
    assert found["q_tasker_t"] <= 50 * 6


@pytest.mark.parametrize("verb", ["promote_due", "rescue", "upkeep", "prune"])
def test_and_what_the_orchestrator_does(worker: Worker, verb: str) -> None:
    db = worker.connection
    claim(worker, want=50)
    db.execute("update tasker.timer set fire_at = now()")
    arguments: dict[str, dict[str, Any]] = {
        "upkeep": {"orchestrator_id": uuid4(), "name": "o"},
        "prune": {"older_than": timedelta(hours=1), "max_rows": 100},
    }
    with rows_read(db) as read:
        call(db, verb, **arguments.get(verb, {}))
        found = read()
    assert found.get("step", 0) <= OPEN * 4 * 6
    assert found.get("task", 0) <= OPEN * 4


# Plans


def explain(connection: Connection) -> list[str]:
    """Let the server tell each plan it uses, in functions as well; returns the list it tells them to."""
    told: list[str] = []
    connection.add_notice_handler(lambda diagnostic: told.append(diagnostic.message_primary or ""))
    connection.execute("load 'auto_explain'")
    for name, value in {
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_level": "notice",
    }.items():
        connection.execute("select set_config(%s, %s, false)", [name, value])
    return told


@pytest.mark.parametrize("engine_server", [15], indirect=True, ids=["pg15"])
def test_the_exchanges_plans_are_walks_along_indexes(worker: Worker) -> None:
    """On the one server that comes with auto_explain."""
    db = worker.connection
    leases = claim(worker, want=50)
    told = explain(db)
    exchange(worker, [complete(lease) for lease in leases], want=50)
    plans = "\n".join(told)
    assert "Index Scan using q_tasker_t_pkey on q_tasker_t" in plans
    assert "(msg_id >= " in plans, "the claim does not start at the low-water mark"
    assert "Index Scan using step_pkey on step" in plans
    scanned = [
        line for line in plans.splitlines() if "Seq Scan on" in line and " on worker " not in line
    ]
    assert scanned == []


def test_what_says_that_it_is_inlined_is(engine: Engine) -> None:
    """A function that is not costs ten times as much, and a subquery or a wrong volatility is enough for that."""
    db = engine.owner
    said = {
        file.name.removesuffix(".sql")
        for file in (files("tasker_sql") / "functions").iterdir()
        if "inlined" in file.read_text()
    }
    limit = {"key": "$.k", "concurrency": 1}
    register(db, template("limited", step("a", limits=[limit], retry={"permanent_errors": ["x"]})))
    worker = register_worker(db, "t")
    with db.transaction():
        db.execute("set local track_functions = 'all'")
        submit_many(db, "limited", [{"input": {"k": "x"}, "tags": ["one"], "context": {}}] * 3)
        [lease] = claim(worker, want=9)
        waiting = outcome(lease, "wait", wait={"name": "sleep", "seconds": 60})
        assert exchange(worker, [waiting], want=9).accepted == [1]
        assert len(rows(db, "list_limits")) == 1
        call(db, "upkeep", orchestrator_id=uuid4(), name="o")
        names = db.execute("select funcname from pg_stat_xact_user_functions").fetchall()
    called = {name for (name,) in names}
    assert {"check_submission", "measure_room", "sweep_limits", "list_permits"} <= called
    assert called & said == set()


def test_a_large_history_is_pruned_page_by_page(engine: Engine) -> None:
    db = engine.owner
    register(db, CHAIN)
    write_history(db)
    with rows_read(db) as read:
        answer = call(db, "prune", older_than=timedelta(minutes=-1), max_rows=100)
        found = read()
    assert answer["pruned"] == 100
    assert found["task"] <= 100 * 6
    assert found.get("step", 0) <= 100 * 4 * 3
