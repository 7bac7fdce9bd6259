"""bench and db."""

import shutil

import pytest

from tasker.cli.bench import draw_report
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
    assert "found at run time" in cli("bench", "run", "batch_100", "--lang", "ruby").out


def test_scenarios_are_listed_and_run_by_name(cli):
    names = cli("bench", "list", "-o", "ids").out.split()
    assert {"single", "chain_40", "mixed", "montage", "backlog"} <= set(names)
    ran = cli("bench", "run", "latency", "spin_10ms", "-o", "json")
    assert [record["scenario"] for record in ran.json] == ["latency", "spin_10ms"]
    assert ran.json[0]["step_to_step_ms"]["p50"] > 0
    assert "chain_4" in cli("bench", "run", "chain_5").err


def test_what_sleepers_cost_is_measured_once_in_a_database(cli):
    measuring = ("bench", "idle", "--sleeping", 20, "--seconds", 0.2, "--tasks", 2, "-o", "json")
    ran = cli(*measuring)
    assert ran.code == 0
    assert ran.json["sleeping"] == 20
    for figures in (ran.json["without"], ran.json["with_sleepers"]):
        assert figures["postgres_cpu"] >= 0 and figures["worker_cpu"] >= 0
        assert figures["submit_to_start_ms"]["p50"] > 0
    assert "20 tasks of this benchmark are open already" in cli(*measuring).err


def test_a_report_is_drawn_with_names_and_units(draw):
    text = draw(draw_report({"rate": 12345.6, "steps": 4000, "settings": {"slots": 200}}))
    assert "12,345.6" in text and "4,000" in text and "slots 200" in text


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
