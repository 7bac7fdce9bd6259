"""A worker that is killed or frozen in each write of a composition: the next one goes on, no write is done twice."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.crash.composed import flow, reading
from tests.crash.support import freeze, thaw, wait_until

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
LOST = "select count(*) from tasker.attempt where outcome = 'lost'"
HELD = "select count(*) from pg_stat_activity where {} = any (pg_blocking_pids(pid))"


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


@pytest.fixture
def tables(database: str, elsewhere: str) -> None:
    for url in (database, elsewhere):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)


def _count(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


IN_TURN = [
    ("here", "select pg_advisory_xact_lock(1)"),  # within the first write
    ("elsewhere", "select pg_advisory_xact_lock(2)"),  # the first one is committed
    # The write elsewhere is committed, and the checkpoint that says so is not.
    ("here", "lock table tasker.checkpoint in share mode"),
    ("here", "select pg_advisory_xact_lock(3)"),
    ("here", "select pg_advisory_xact_lock(4)"),  # the event is committed
    # All is written, and the step is not complete.
    ("here", "lock table tasker.checkpoint in share mode"),
]
"""The locks that stop a worker, one after the other, and where they are held."""


class Killer:
    """Starts workers, and kills or freezes each where it is stopped by a lock that a test holds."""

    def __init__(self, database: str, elsewhere: str, stack: ExitStack) -> None:
        self._environment = {
            **os.environ,
            "TASKER_SECRET_ELSEWHERE": elsewhere,
            "PYTHONPATH": str(ROOT),
        }
        self._database = database
        self._stack = stack
        self._logs: dict[int, Path] = {}

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.crash.composed", self._database]
        log = Path(self._stack.enter_context(tempfile.TemporaryDirectory())) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, env=self._environment, cwd=ROOT, stderr=out)
        self._logs[process.pid] = log
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def kill_at(self, url: str, lock: str) -> int:
        """Let a worker run until it waits for what `lock` holds, and kill it there. Gives its process's id."""
        with psycopg.connect(url) as holder:
            holder.execute(lock.encode())
            process = self.start()
            wait_until(lambda: _count(url, WAITING) == 1, PATIENCE, lambda: _count(url, WAITING))
            _end(process)
        wait_until(lambda: _count(url, ACTIVE) == 0, PATIENCE, lambda: _count(url, ACTIVE))
        return process.pid

    def freeze_at(
        self, url: str, lock: str, before: subprocess.Popen[bytes] | None
    ) -> subprocess.Popen[bytes]:
        """Let a worker run until it waits for what `lock` holds, and freeze it there. The one that was frozen before
        goes on as soon as this one has the step, and is ended when it has been refused.
        """
        lost = _count(self._database, LOST)
        with psycopg.connect(url) as holder:
            holder.execute(lock.encode())
            process = self.start()
            if before is not None:
                wait_until(lambda: _count(self._database, LOST) > lost, PATIENCE, lambda: "kept")
                thaw(before)
                wait_until(lambda: self._is_refused(before), PATIENCE, lambda: "not refused")
                _end(before)
            held = HELD.format(holder.info.backend_pid)
            wait_until(lambda: _count(url, held) > 0, PATIENCE, lambda: "nobody waits")
            freeze(process)
        return process

    def _is_refused(self, process: subprocess.Popen[bytes]) -> bool:
        return b"lease was lost" in self._logs[process.pid].read_bytes()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.mark.usefixtures("tables")
def test_no_write_is_done_twice_wherever_a_worker_is_killed(database: str, elsewhere: str) -> None:
    with SyncClient(database) as client, ExitStack() as stack:
        client.register(flow)
        task = client.submit(flow, 7)
        killer = Killer(database, elsewhere, stack)
        for where, lock in IN_TURN:
            killer.kill_at(database if where == "here" else elsewhere, lock)
        killer.start()
        assert task.result(timeout=PATIENCE) == 4

    _judge(database, elsewhere)


@pytest.mark.usefixtures("tables")
def test_no_write_is_done_twice_though_frozen_workers_come_back_while_others_do_it(
    database: str, elsewhere: str
) -> None:
    with SyncClient(database) as client, ExitStack() as stack:
        client.register(flow)
        task = client.submit(flow, 7)
        killer = Killer(database, elsewhere, stack)
        frozen: subprocess.Popen[bytes] | None = None
        for where, lock in IN_TURN:
            frozen = killer.freeze_at(database if where == "here" else elsewhere, lock, frozen)
        killer.start()
        assert frozen is not None  # in its last transaction it holds the step, for a minute at most
        thaw(frozen)
        assert task.result(timeout=PATIENCE) == 4
    _judge(database, elsewhere)


def _judge(database: str, elsewhere: str) -> None:
    """Each write was done once, and is kept once."""
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
