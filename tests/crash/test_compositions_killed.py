"""A worker that is killed in each write of a composition: the next one goes on, and nothing is written twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.crash.composed import flow, reading
from tests.crash.support import wait_until

from tasker import SyncClient

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

TABLE = """
    create table written (id integer primary key, note text);
    create table change (id integer);
    create function note() returns trigger language plpgsql as
        $$begin perform pg_advisory_xact_lock(new.id); insert into change values (new.id); return new; end$$;
    create trigger note after insert or update on written for each row execute function note();
"""

WAITING = """
    select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
"""
ACTIVE = """
    select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and state = 'active' and backend_type = 'client backend'
"""


@pytest.fixture
def elsewhere(database: str) -> Iterator[str]:
    """Another database on the same server."""
    name = "elsewhere_" + psycopg.conninfo.conninfo_to_dict(database)["dbname"]  # type: ignore[operator]
    url = make_conninfo(database, dbname=name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        try:
            yield url
        finally:
            connection.execute(f"drop database {name} with (force)".encode())


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


class Killer:
    """Starts workers, and kills each where it is stopped by a lock that a test holds."""

    def __init__(self, database: str, elsewhere: str, stack: ExitStack) -> None:
        self._environment = {
            **os.environ,
            "TASKER_SECRET_ELSEWHERE": elsewhere,
            "PYTHONPATH": str(ROOT),
        }
        self._database = database
        self._stack = stack

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.crash.composed", self._database]
        process = subprocess.Popen(command, env=self._environment, cwd=ROOT)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def kill_at(self, url: str, lock: str) -> int:
        """Let a worker run until it waits for what `lock` holds, and kill it there. Gives its process's id."""
        with psycopg.connect(url) as holder:
            holder.execute(lock.encode())
            process = self.start()
            wait_until(lambda: _count(url, WAITING) == 1, PATIENCE, lambda: _count(url, WAITING))
            process.kill()
            process.wait()
        wait_until(lambda: _count(url, ACTIVE) == 0, PATIENCE, lambda: _count(url, ACTIVE))
        return process.pid


def test_no_write_is_done_twice_wherever_a_worker_is_killed(database: str, elsewhere: str) -> None:
    for url in (database, elsewhere):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
    with SyncClient(database) as client, ExitStack() as stack:
        client.register(flow)
        task = client.submit(flow, 7)
        killer = Killer(database, elsewhere, stack)
        killer.kill_at(database, "select pg_advisory_xact_lock(1)")  # within the first write
        killer.kill_at(elsewhere, "select pg_advisory_xact_lock(2)")  # the first one is committed
        # The write elsewhere is committed, and the checkpoint that says so is not.
        killer.kill_at(database, "lock table tasker.checkpoint in share mode")
        killer.kill_at(database, "select pg_advisory_xact_lock(3)")
        killer.kill_at(database, "select pg_advisory_xact_lock(4)")  # the event is committed
        # All is written, and the step is not complete.
        killer.kill_at(database, "lock table tasker.checkpoint in share mode")
        killer.start()
        assert task.result(timeout=PATIENCE) == 4

    changed = "select count(*) from change"
    assert (_count(database, changed), _count(elsewhere, changed)) == (3, 1)
    assert _count(database, "select count(*) from tasker.emitted_event") == 1
    assert _count(database, "select count(*) from tasker.task t, tasker.verify(t.task_id)") == 0
    kept = "select count(*) from tasker.checkpoint where name like 'composition:%'"
    assert _count(database, kept) == 4  # after each write but the last
    with closing(psycopg.connect(database, autocommit=True)) as connection:
        rows = connection.execute("select id, note from written order by 1").fetchall()
    assert rows == [(1, "7"), (3, "7"), (4, "7")]


def test_what_was_read_is_kept_before_it_is_written_elsewhere(
    database: str, elsewhere: str
) -> None:
    with psycopg.connect(elsewhere, autocommit=True) as connection:
        connection.execute(TABLE)
    with SyncClient(database) as client, ExitStack() as stack:
        client.register(reading)
        task = client.submit(reading, 7)
        killer = Killer(database, elsewhere, stack)
        first = killer.kill_at(elsewhere, "select pg_advisory_xact_lock(2)")  # within the write
        killer.start()
        assert task.result(timeout=PATIENCE) == str(first)
