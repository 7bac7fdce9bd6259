"""Databases for benchmarks: each run has its own, and none is left behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from tasker.bench.databases import fresh_database


def databases(server: str, name: str) -> list[str]:
    query = "select datname from pg_database where starts_with(datname, %s)"
    with psycopg.connect(server) as connection:
        return [row[0] for row in connection.execute(query, [f"tasker_bench_{name}_"])]


def wait_for(happens: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_two_runs_of_one_name_do_not_meet(tasker_server: str) -> None:
    with fresh_database(tasker_server, "twice") as first:
        with fresh_database(tasker_server, "twice") as second:
            assert len(databases(tasker_server, "twice")) == 2
            with second.connect() as connection:
                connection.execute("select 1")
        with first.connect() as connection:
            connection.execute("select 1")
    assert databases(tasker_server, "twice") == []


def test_what_a_dead_run_left_is_dropped_and_what_lives_is_not(tasker_server: str) -> None:
    dead, held, others = "old_00000001abcd", "old_00000002abcd", "old_others"
    with psycopg.connect(tasker_server, autocommit=True) as connection:
        for name in (dead, held, others):
            named = sql.Identifier(f"tasker_bench_{name}")
            connection.execute(sql.SQL("create database {}").format(named))
        with (
            psycopg.connect(tasker_server, dbname=f"tasker_bench_{held}"),
            fresh_database(tasker_server, "new"),
            fresh_database(tasker_server, "new"),
        ):
            left = {f"tasker_bench_{name}" for name in (held, others)}
            assert {*databases(tasker_server, "old")} == left
            assert len(databases(tasker_server, "new")) == 2
        for name in (held, others):
            named = sql.Identifier(f"tasker_bench_{name}")
            connection.execute(sql.SQL("drop database {}").format(named))


def test_sigterm_ends_a_run_as_ctrl_c_does(tasker_server: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tasker_benchmarks", "study", "idle"]
    run = subprocess.Popen([*command, "--url", tasker_server, "--into", str(tmp_path)])
    wait_for(lambda: databases(tasker_server, "idle"))
    os.kill(run.pid, signal.SIGTERM)
    assert run.wait(30) != 0
    assert databases(tasker_server, "idle") == []
