import psycopg
import pytest
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.cli.checks import Level, check_vacuum
from tasker.cli.database import run_file


def levels(ran):
    return {row["subject"]: row["level"] for row in ran.json}


def test_a_new_database_lacks_only_processes(cli):
    ran = cli("doctor", "-o", "json")
    assert ran.code == 0
    found = levels(ran)
    assert found.pop("workers") == "warn" and found.pop("orchestrator") == "warn"
    assert found.pop("durability") == "warn"  # the tests' server has fsync off
    assert set(found.values()) == {"ok"}
    assert {"python", "database", "server", "clock", "schema", "pgmq", "roles"} <= found.keys()
    assert cli("doctor", "-o", "ids").ids == ["durability", "workers", "orchestrator"]
    assert cli("doctor").out.count("none is there now") == 2  # nobody knows who was there before


def test_steps_that_nobody_takes_are_a_failure(cli, shop):
    cli("task", "submit", shop)
    ran = cli("doctor")
    assert ran.code == 1
    assert "Nobody serves it: tasker worker MODULE --queue shop" in ran.out


def test_an_open_transaction_is_pointed_out(database, connection):
    with psycopg.connect(database, application_name="forgotten") as idle:
        idle.execute("select 1")
        (facts,) = run_file(connection, "doctor", open_for="0 seconds")
        finding = check_vacuum(facts)
        assert finding.level is Level.warn and "forgotten" in finding.found
        assert f"pg_terminate_backend({idle.info.backend_pid})" in finding.todo
        (facts,) = run_file(connection, "doctor", open_for="1 minute")
        assert check_vacuum(facts).level is Level.ok


def test_a_database_that_is_not_there_has_its_own_code():
    ran = CliRunner().invoke(app, ["doctor", "--url", "postgresql://x@127.0.0.1:1/x"])
    assert ran.exit_code == 5
    assert "fail  database" in ran.stdout


def test_a_database_without_the_schema_is_told_to_migrate(server):
    ran = CliRunner().invoke(app, ["doctor", "--url", server.url()])
    assert ran.exit_code == 1
    assert "Run tasker migrate." in ran.stdout


def test_a_login_that_only_reads_is_enough(cli, connection):
    connection.execute("drop role if exists looker")
    connection.execute("create role looker login in role tasker_reader")
    try:
        url = psycopg.conninfo.make_conninfo(connection.info.dsn, user="looker")
        ran = cli("doctor", "-o", "json", "--url", url)
        assert ran.code == 0, ran.out
        assert "looker is reader" in ran.out
    finally:
        connection.execute("drop role looker")


def test_a_pooler_is_recognised(pgbouncer):
    ran = CliRunner().invoke(app, ["doctor", "--url", pgbouncer], env={"COLUMNS": "200"})
    assert ran.exit_code == 0, ran.output
    assert "one is in between" in ran.stdout


@pytest.fixture
def empty(server):
    """The URL of a database with nothing in it."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create database empty_for_cli")
    yield server.url("empty_for_cli")
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("drop database empty_for_cli with (force)")


def test_migrating_says_first_what_it_would_do(empty):
    def run(*arguments):
        ran = CliRunner().invoke(app, ["migrate", "--url", empty, *arguments])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    planned = run("--plan")
    assert "Would do: install pgmq" in planned
    assert run("--plan") == planned
    assert run() == planned.replace("Would do", "Done")
    assert run() == "Nothing to do.\n"
    assert '"changes": []' in run("--plan", "-o", "json")


def test_a_login_that_may_not_migrate_is_told_so(empty):
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("drop role if exists nobody_much")
        connection.execute("create role nobody_much login")
    try:
        url = psycopg.conninfo.make_conninfo(empty, user="nobody_much")
        ran = CliRunner().invoke(app, ["migrate", "--url", url])
        assert ran.exit_code == 1
        assert "nobody_much may not do this" in ran.stderr
    finally:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute("drop role nobody_much")
