"""Processes and servers that die in the middle of many tasks: nothing is lost, and nothing is completed twice."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from tests.crash.program import CHILDREN
from tests.crash.support import freeze, stage, thaw, wait_until
from tests.fix_postgres import Server, copy_database

from tasker_sql.migrate import migrate

OPEN = "select count(*) from tasker.task where state <> 'complete'"
COMPLETE = "select count(*) from tasker.step where state = 'complete'"
LEASE = 2.0


def test_a_killed_worker_loses_nothing(database: str, tmp_path: Path) -> None:
    with stage(database, tmp_path) as play:
        play.submit(150).wait()
        victims = [play.serve(), play.serve()]
        for killed, victim in enumerate(victims, 1):
            wait_until(
                lambda n=killed: play.one(COMPLETE) >= n * 60, 60, lambda: play.one(COMPLETE)
            )
            play.serve()
            victim.kill()
        play.wait(OPEN, 0)
        play.judge(150)
        assert play.one("select count(*) from tasker.attempt where outcome = 'lost'") > 0


def test_workers_killed_while_they_undo_lose_nothing(database: str, tmp_path: Path) -> None:
    undone = "select count(*) from tasker.step where state = 'complete' and origin_no is not null"
    with stage(database, tmp_path) as play:
        play.submit(60, "crash_undone").wait()
        victims = [play.serve(), play.serve()]
        for killed, victim in enumerate(victims, 1):
            wait_until(lambda n=killed: play.one(undone) >= n * 30, 60, lambda: play.one(undone))
            play.serve()
            victim.kill()
        play.wait("select count(*) from tasker.task where completed_at is null", 0)
        play.judge_undone(60)
        lost = """select count(*) from tasker.attempt a join tasker.step s using (task_id, step_no)
            where a.outcome = 'lost' and s.origin_no is not null"""
        assert play.one(lost) > 0


def test_workers_killed_between_starting_children_and_waiting_start_none_twice(
    database: str, tmp_path: Path
) -> None:
    started = "select count(*) from tasker.child"
    with stage(database, tmp_path) as play:
        play.submit(60, "crash_family").wait()
        victims = [play.serve(), play.serve()]
        for killed, victim in enumerate(victims, 1):
            wait_until(lambda n=killed: play.one(started) >= n * 50, 60, lambda: play.one(started))
            play.serve()
            victim.kill()
        play.wait(OPEN, 0)
        lost = "select count(*) from tasker.attempt where outcome = 'lost'"
        assert play.one(lost) > 0
        assert play.one(started) == 60 * CHILDREN
        assert play.one("select count(*) from tasker.task") == 60 * (1 + CHILDREN)
        results = """select array_agg((s.result ->> 'number')::integer order by (s.result ->> 'number')::integer)
            from tasker.step s join tasker.step_definition d using (definition_id) where d.name = 'gather'"""
        assert play.one(results) == [CHILDREN * n for n in range(60)]
        play.verify()


def test_a_batch_of_10000_has_each_effect_once_whoever_is_killed(
    database: str, tmp_path: Path
) -> None:
    done = "select count(*) from public.effect"
    with stage(database, tmp_path) as play, psycopg.connect(database, autocommit=True) as db:
        db.execute("create table public.effect (item integer)")
        db.execute(
            "select tasker.submit_task('crash', 'crash_wide', jsonb_build_object('number', 10000))"
        )
        victims = [play.serve(), play.serve()]
        for killed, victim in enumerate(victims, 1):
            wait_until(lambda n=killed: play.one(done) >= n * 2500, 120, lambda: play.one(done))
            play.serve()
            victim.kill()
        play.wait(OPEN, 0, 240)
        assert play.one("select count(*) from tasker.attempt where outcome = 'lost'") > 0
        assert play.one(done) == play.one("select count(distinct item) from public.effect") == 10000
        assert play.one("select state::text from tasker.task") == "complete"
        total = play.one(
            "select result from tasker.step s join tasker.step_definition d using"
            " (definition_id) where d.name = 'total'"
        )
        assert total == sum(range(10000))
        play.verify()


def test_a_dead_workers_step_is_granted_again_within_its_lease_and_a_second(
    database: str, tmp_path: Path
) -> None:
    running = "select worker_id from tasker.step where state = 'in_progress' and step_no = 1"
    with stage(database, tmp_path) as play:
        victim = play.serve()
        wait_until(
            lambda: play.one("select count(*) from tasker.worker") == 1, 20, lambda: "no worker"
        )
        play.submit(30)
        wait_until(lambda: play.one(running) is not None, 20, lambda: "nothing runs")
        victim.kill()
        victim.wait()
        killed = time.time()
        play.serve()
        play.wait(OPEN, 0)
        play.judge(30)
        late = play.one(
            "select extract(epoch from max(s.started_at))::float8 from tasker.step s join tasker.attempt a"
            " using (task_id, step_no) where a.outcome = 'lost' and s.attempt = a.attempt + 1"
        )
        # The lease may have been extended just before the kill, and the new worker was up well before it ended.
        assert isinstance(late, float)
        assert late - killed < LEASE + 1, f"granted again {late - killed:.2f} s after the kill"


def test_a_killed_orchestrator_loses_nothing(database: str, tmp_path: Path) -> None:
    with stage(database, tmp_path) as play:
        first = play.orchestrate()
        wait_until(
            lambda: play.one("select count(*) from tasker.orchestrator") == 1, 20, lambda: "none"
        )
        play.serve()
        play.submit(60)
        wait_until(lambda: play.one(COMPLETE) >= 40, 60, lambda: play.one(COMPLETE))
        first.kill()
        play.orchestrate()
        wait_until(
            lambda: play.one("select count(*) from tasker.orchestrator") == 2, 20, lambda: "none"
        )
        play.wait("select count(*) from tasker.task", 60)
        play.wait(OPEN, 0)
        play.judge(60)


def test_a_frozen_worker_comes_back_as_a_zombie_and_changes_nothing(
    database: str, tmp_path: Path
) -> None:
    with stage(database, tmp_path) as play:
        play.submit(40).wait()
        zombie = play.serve()
        wait_until(lambda: play.one(COMPLETE) >= 20, 60, lambda: play.one(COMPLETE))
        freeze(zombie)
        play.serve()
        play.wait(OPEN, 0)
        before = play.one("select json_agg(s order by s.task_id, s.step_no) from tasker.step s")
        seen = play.one("select max(seen_at) from tasker.worker")
        thaw(zombie)
        name = f"crash:{zombie.pid}"
        wait_until(
            lambda: (
                play.one("select seen_at > %s from tasker.worker where name = %s", seen, name)
                is True
            ),
            20,
            lambda: "the zombie has not reported",
        )
        assert (
            play.one("select json_agg(s order by s.task_id, s.step_no) from tasker.step s")
            == before
        )
        play.judge(40)


@pytest.fixture
def durable_server(make_server: Callable[..., Server]) -> Server:
    """A server that keeps what it has committed, because these tests cut it off."""
    server = make_server(18, fsync="on")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create database tasker_template")
    with psycopg.connect(server.url("tasker_template"), autocommit=True) as connection:
        migrate(connection)
    return server


def test_postgres_stopped_at_once_loses_nothing(durable_server: Server, tmp_path: Path) -> None:
    url = copy_database(durable_server)
    with stage(url, tmp_path) as play:
        play.orchestrate()
        play.serve()
        play.serve()
        submitting = play.submit(200)
        for crash in (1, 2, 3):
            wait_until(lambda n=crash: play.one(COMPLETE) >= n * 80, 60, lambda: play.one(COMPLETE))
            durable_server.stop("immediate")
            durable_server.start(fsync="on")
        assert submitting.wait(60) == 0
        play.wait("select count(*) from tasker.task", 200)
        play.wait(OPEN, 0)
        play.judge(200)


def test_cut_connections_lose_nothing(database: str, tmp_path: Path) -> None:
    cut = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    with stage(database, tmp_path) as play:
        play.serve()
        play.serve()
        submitting = play.submit(120)
        for round_ in range(1, 9):
            wait_until(
                lambda n=round_: play.one(COMPLETE) >= n * 40, 60, lambda: play.one(COMPLETE)
            )
            play.one(cut)
        assert submitting.wait(60) == 0
        play.wait("select count(*) from tasker.task", 120)
        play.wait(OPEN, 0)
        play.judge(120)
