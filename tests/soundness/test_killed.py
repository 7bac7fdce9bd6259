"""Programs made by chance, run by real workers that are killed, with real tables, events, answers and people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from tests.soundness.cases import Case, check, make_case
from tests.soundness.programs import walk
from tests.soundness.real_world import ROWS, answering, make_known, make_tables, write_files
from tests.soundness.shapes import satisfy
from tests.soundness.world import misfit

from tasker_grammar.primitives.interface import Program
from tasker_grammar.schema_types import schema_of

PROGRAMS = 24
TASKS = 3  # of each
KILLS = 6
PATIENCE = 400.0  # seconds; only a test that fails waits that long
Database = psycopg.Connection[Any]

OPEN = "select count(*) from tasker.step where state not in ('complete', 'error', 'cancelled')"
TIMERS = "update tasker.timer set fire_at = now() - interval '1 second' where fire_at > now() + interval '1 second'"
ENDED = """
    select t.task_id, d.name, s.state::text, s.result, s.error ->> 'type', s.error ->> 'message'
    from tasker.task t join tasker.step s using (task_id)
        join tasker.step_definition sd using (definition_id) join tasker.template d on d.template_id = t.template_id
"""
NOTED = """
    select c.task_id, s ->> 0, s ->> 1
    from tasker.checkpoint c, jsonb_array_elements(c.value -> 'steps') s
    where s ->> 1 in ('persist', 'emit') and s ->> 2 = 'complete'
"""


@pytest.mark.timeout(600)
def test_each_write_is_there_once_and_all_ends_as_declared(database: str, tmp_path: Path) -> None:
    chance = Random(11)
    with (
        answering(11) as host,
        psycopg.connect(database, autocommit=True) as db,
    ):
        make_tables(db)
        cases = choose(host)
        told = write_files(tmp_path, make_known(host), [case for case, _ in cases])
        run_all(database, db, told, cases, chance)
        judge(db, {case.as_composition().name: (case, program) for case, program in cases})


def choose(host: str) -> list[tuple[Case, Program]]:
    """Cases that are accepted, and write."""
    found: list[tuple[Case, Program]] = []
    seed = 3_000_000
    while len(found) < PROGRAMS:
        case = make_case(seed, known=make_known(host))
        seed += 1
        program = check(case).program
        if program is not None and program.cost.writes > 0:
            found.append((case, program))
    kinds = {step["kind"] for case, _ in found for step in walk(case.steps)}
    assert kinds >= {"persist", "emit", "acquire", "fan_out", "decide", "gate", "wait", "compose"}
    return found


def run_all(
    url: str, db: Database, told: list[str], cases: list[tuple[Case, Program]], chance: Random
) -> None:
    """Submit tasks of all, and kill workers until everything has ended."""
    environment = {**os.environ, "TASKER_DATABASE_URL": url}

    def start(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tasker.cli", *command], env=environment)

    def work() -> subprocess.Popen[bytes]:
        return start("worker", *told, "--lease", "1s", "--slots", "8", "--log-level", "error")

    processes = [work()]
    try:
        registered = "select count(*) from tasker.template"
        until(lambda: one(db, registered) == PROGRAMS, lambda: lives(processes[0]))
        processes.append(start("orchestrator"))
        for case, _ in cases * TASKS:
            submit = "select tasker.submit_task('soundness', %s, %s)"
            given = json.dumps(satisfy(chance, case.input))
            db.execute(submit, [case.as_composition().name, given])
        for _ in range(KILLS):
            before = one(db, "select count(*) from tasker.checkpoint")
            more = chance.randint(5, 15)
            until(
                lambda goal=before + more: one(db, "select count(*) from tasker.checkpoint") >= goal
                or one(db, OPEN) == 0,
                lambda: attend(db, chance),
            )  # fmt: skip
            processes[0].kill()
            processes[0].wait()
            processes[0] = work()
        until(lambda: one(db, OPEN) == 0, lambda: attend(db, chance))
    finally:
        for process in processes:
            process.kill()
            process.wait()


def lives(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, "the worker has ended by itself"


def attend(db: Database, chance: Random) -> None:
    """Answer what is asked, and let time pass for what sleeps, or still asks."""
    for (asked,) in db.execute("select tasker.list_approvals()").fetchall():
        answer = "select tasker.answer_approval(%s, %s, %s, 'because', 'ann')"
        with suppress(psycopg.DatabaseError):  # it has expired just now
            db.execute(answer, [asked["task_id"], asked["name"], chance.random() < 0.8])
    db.execute(TIMERS)


def judge(db: Database, programs: dict[str, tuple[Case, Program]]) -> None:
    """All ended as it may; what was written keeps its contract, and was written once for each place."""
    ends: Counter[str] = Counter()
    for task, name, state, result, code, message in db.execute(ENDED).fetchall():
        _, program = programs[name]
        ends[code or state] += 1
        if state == "complete":
            assert misfit(schema_of(program.output), result) is None, (name, task, result)
        else:
            assert code in program.failures, (name, task, code, message)
    assert sum(ends.values()) == PROGRAMS * TASKS
    assert ends["complete"] > PROGRAMS * TASKS / 4, ends
    for table, row in ROWS.items():
        for (written,) in db.execute(f"select to_json(t) from {table} t").fetchall():  # type: ignore[arg-type]
            optional = {key: value for key, value in written.items() if value is not None}
            assert misfit(row, optional) is None, (table, written)
    noted = Counter(kind for _, _, kind in set(db.execute(NOTED).fetchall()))
    assert noted["persist"] > PROGRAMS and noted["emit"] > PROGRAMS / 2, noted
    assert one(db, "select count(distinct by) from writing") == noted["persist"]
    assert one(db, "select count(*) from tasker.emitted_event") <= noted["emit"]
    assert one(db, "select count(*) from tasker.attempt where outcome = 'lost'") > 0
    assert one(db, "select count(*) from tasker.task t, tasker.verify(t.task_id)") == 0
    print(dict(ends), dict(noted))


def one(db: Database, query: str) -> Any:
    row = db.execute(query).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def until(true: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        meanwhile()
        assert time.monotonic() < deadline
        time.sleep(0.05)
