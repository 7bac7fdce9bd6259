"""bench and db."""

import shutil
import signal

import psycopg
import pytest

from tasker.cli.bench_views import draw_idle, draw_records
from tasker.cli.dev import hide_password
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import explain
from tasker_sql.migrate import MigrationError


@pytest.mark.parametrize(
    ("scenario", "options", "steps"),
    [
        ("chain", ["--steps", 2, "--tasks", 3], 6),
        ("fanout", ["--width", 4, "--tasks", 2], 12),
        ("batch", ["--width", 4, "--tasks", 2], 12),
        ("latency", ["--steps", 2, "--tasks", 2], 4),
        ("latency", ["--steps", 2, "--tasks", 20, "--rate", 200], 40),
        ("chain", ["--steps", 2, "--tasks", 3, "--lang", "ruby"], 6),
        ("latency", ["--steps", 2, "--tasks", 2, "--lang", "typescript"], 4),
    ],
)
def test_a_benchmark_runs_and_reports(cli, scenario, options, steps):
    ran = cli("bench", scenario, *options, "-o", "json")
    assert ran.code == 0
    assert (ran.json["scenario"], ran.json["steps"]) == (scenario, steps)
    assert ran.json["rate"] > 0
    assert ran.json["cost"]["wal_bytes"] > 0 and ran.json["cost"]["commits"] > 0


def test_what_is_not_measured_in_another_language_says_so(cli):
    ran = cli("bench", "run", "batch_100", "--lang", "ruby")
    assert "batch_100: unsupported, graphs found at run time are not measured in ruby" in ran.out
    assert (ran.code, len(ran.out.splitlines())) == (2, 1)
    assert "nothing was run" in ran.err


def test_what_was_run_beside_what_could_not_be_counts(draw):
    text = draw(draw_records([RECORD, {**RECORD, "unsupported": "not here"}]))
    assert "chain: unsupported, not here" in text and "4,000" in text


def list_databases(connection):
    return {row[0] for row in connection.execute("select datname from pg_database")}


def test_a_benchmark_leaves_nothing_behind(cli, connection):
    before = list_databases(connection)
    ran = cli("bench", "chain", "--steps", 1, "--tasks", 2, "--history", 3, "-o", "json")
    assert ran.json["finished_tasks_before"] == 3
    assert "dropped afterwards" in ran.err
    assert list_databases(connection) == before
    assert cli("task", "list", "-o", "ids").ids == []
    assert cli("queue", "list", "-o", "ids").ids == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_benchmark_leaves_nothing_behind(start, connection, signum):
    before = list_databases(connection)
    bench = start("bench", "run", "backlog")
    bench.wait_for("measuring in a new database")
    with connection.cursor() as cursor:  # until its tasks are in the middle of being submitted
        open_ = "select from pg_stat_activity where query like '%%submit_tasks%%' and datname like 'tasker_bench_%%'"
        while cursor.execute(open_).fetchone() is None:
            assert bench.popen.poll() is None, bench.text
    bench.popen.send_signal(signum)
    assert bench.stop(signum) == 130, bench.text
    assert list_databases(connection) == before
    assert "Traceback" not in bench.text


def test_here_measures_in_the_database_itself_and_says_what_stays(cli):
    ran = cli("bench", "chain", "--steps", 1, "--tasks", 2, "--here")
    assert "What is measured stays there" in ran.err and "database:" not in ran.err
    assert cli("task", "list", "-o", "ids").ids != []


def test_here_says_that_it_installs_the_schema(cli, server, connection):
    connection.execute("create database bench_empty")
    url = server.url("bench_empty")
    try:
        ran = cli("bench", "chain", "--steps", 1, "--tasks", 2, "--here", "--url", url)
        assert ran.code == 0 and "database: apply migration 0001 initial" in ran.err
    finally:
        connection.execute("drop database bench_empty with (force)")


def test_a_login_that_may_not_create_a_database_is_told_what_to_do(cli, connection):
    connection.execute("drop role if exists small")
    connection.execute("create role small login")
    try:
        url = psycopg.conninfo.make_conninfo(connection.info.dsn, user="small")
        ran = cli("bench", "chain", "--url", url)
        assert ran.code == 4
        assert "small may not create a database to measure in" in ran.err and "--here" in ran.err
    finally:
        connection.execute("drop role small")


def test_scenarios_are_listed_and_run_by_name(cli):
    names = cli("bench", "list", "-o", "ids").out.split()
    assert {"single", "chain_40", "mixed", "montage", "backlog"} <= set(names)
    ran = cli("bench", "run", "latency", "spin_10ms", "-o", "json")
    assert [record["scenario"] for record in ran.json] == ["latency", "spin_10ms"]
    assert ran.json[0]["step_to_step_ms"]["p50"] > 0
    assert "chain_4" in cli("bench", "run", "chain_5").err


def test_what_sleepers_cost_is_measured_once_in_a_database(cli):
    measuring = (
        *(
            "bench",
            "idle",
            "--here",
            "--sleeping",
            20,
            "--seconds",
            0.2,
            "--tasks",
            2,
            "-o",
            "json",
        ),
    )
    ran = cli(*measuring)
    assert ran.code == 0
    assert ran.json["sleeping"] == 20
    for figures in (ran.json["without"], ran.json["with_sleepers"]):
        assert figures["postgres_cpu"] >= 0 and figures["worker_cpu"] >= 0
        assert figures["submit_to_start_ms"]["p50"] > 0
    assert "20 tasks of this benchmark are open already" in cli(*measuring).err


TIMES = {"p50": 1.5, "p95": 10.25, "p99": 100.125, "max": 12345.6}
RECORD = {
    "scenario": "chain",
    "executor": "tasker",
    "tasks": 1_000_000,
    "steps": 4_000_000,
    "seconds": 4321.1234,
    "rate": 12345.6,
    "ratio": 0.333,
    "raw_pgmq_rate": 37000.1,
    "cost": {
        "database_cpu_us": None,
        "client_cpu_us": 1320.5,
        "wal_bytes": 1353.8,
        "commits": 3.094,
        "client_memory_mb": 68.4,
    },
    "submit_to_start_ms": TIMES,
    "submit_to_result_ms": TIMES,
    "step_to_step_ms": TIMES,
    "settings": {"slots": 500},
    "server": {"version": "18.4", "fsync": "on"},
}
IDLE = {
    "sleeping": 100_000,
    "seconds": 20,
    "without": {
        "postgres_cpu": 0.1,
        "orchestrator_cpu": 0.02,
        "worker_cpu": 0.05,
        "submit_to_start_ms": TIMES,
        "step_to_step_ms": TIMES,
    },
    "server": RECORD["server"],
}
IDLE["with_sleepers"] = IDLE["without"]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (
            draw_records([RECORD]),
            ("12,346 steps/s, 0.333 of bare", "database - µs, client 1,320 µs"),
        ),
        (draw_records([RECORD, RECORD]), ("4,000,000", "12,346", "0.333")),
        (draw_idle(IDLE), ("WITH 100,000 ASLEEP", "0.50", "12,346")),
    ],
)
def test_what_was_found_is_drawn_in_100_columns(draw, view, expected):
    wide = draw(view, width=300)
    assert max(len(line.rstrip()) for line in wide.splitlines()) <= 100
    assert all(part in wide for part in expected)
    assert "-o json" in wide


def test_the_embedded_database_is_named_without_starting_it(cli, tmp_path):
    ran = cli("db", "path", TASKER_HOME=str(tmp_path))
    assert ran.out == f"{tmp_path / 'postgres18'}\n"
    assert list(tmp_path.iterdir()) == []
    assert "there is nothing in" in cli("db", "reset", "--yes", TASKER_HOME=str(tmp_path)).err


def test_a_reset_asks_first(cli, tmp_path):
    (tmp_path / "postgres18").mkdir()
    ran = cli("db", "reset", stdin="n\n", TASKER_HOME=str(tmp_path))
    assert ran.code == 1 and (tmp_path / "postgres18").exists()


def test_the_url_in_use_is_printed(cli, database):
    assert cli("db", "url").out == f"{database}\n"


def test_psql_opens_the_database_in_use(start):
    if shutil.which("psql") is None:
        pytest.skip("there is no psql here")
    psql = start("db", "psql", "--", "-Atc", "select count(*) from tasker.task")
    assert psql.popen.wait(30) == 0
    assert psql.text == "0\n"


def test_a_password_is_not_shown():
    shown = hide_password("postgresql://ann:secret@db.example/app")
    assert "secret" not in shown and "db.example" in shown and "app" in shown


def test_an_embedded_database_of_another_version_says_how_to_go_on():
    failure = explain(MigrationError("migration 0001 initial was applied with other content"))
    assert failure is not None
    assert failure.code == ExitCode.FAILURE
    assert "tasker db reset" in str(failure)
