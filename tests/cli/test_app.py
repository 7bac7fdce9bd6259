"""The program as a whole: help, exit codes, and where the database comes from."""

import re
import subprocess
import sys

import psycopg
import pytest
import typer
from checks.pages import ROOT
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.cli.exit_codes import EPILOG, ExitCode
from tasker.cli.failures import CommandFailed, explain
from tasker.errors import (
    ConflictError,
    DatabaseUnavailable,
    DefinitionError,
    InvalidInputError,
    InvalidStateError,
    NotFoundError,
    TaskerError,
)

NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"


def commands(group, path=()):
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield (*path, name), command
        yield from commands(command, (*path, name))


SCHEDULE_CHANGES = ("pause", "resume", "trigger", "backfill", "update", "delete")

ALL = dict(commands(typer.main.get_command(app)))


def test_every_command_is_there():
    assert {" ".join(path) for path in ALL} == {
        *("dev", "init", "demo", "doctor", "migrate", "orchestrator", "worker"),
        *(
            "task",
            "step",
            "event",
            "approval",
            "schedule",
            "template",
            "composition",
            "fragment",
            "expression",
            "resources",
            "grammar",
            "queue",
            "limit",
            "dlq",
            "db",
            "bench",
            "bridge",
            "generate",
        ),
        *(f"event {v}" for v in ("send", "list", "read")),
        *(f"approval {v}" for v in ("list", "show", "approve", "reject")),
        *(f"schedule {v}" for v in ("create", "list", "show", "preview")),
        *(f"schedule {v}" for v in SCHEDULE_CHANGES),
        *(f"task {v}" for v in ("submit", "list", "show", "watch", "result", "verify")),
        *(f"task {v}" for v in ("cancel", "pause", "resume", "retry", "resolve", "rerun")),
        *(f"step {v}" for v in ("list", "show", "retry", "resolve", "complete")),
        *(f"template {v}" for v in ("register", "validate", "list", "show", "pause", "resume")),
        *(f"template {v}" for v in ("explain", "schema", "diff", "check-running")),
        *(f"grammar {v}" for v in ("list", "show", "search", "vocabulary")),
        *(f"composition {v}" for v in ("list", "check", "explain", "run", "schema")),
        *(f"fragment {v}" for v in ("check", "schema")),
        *(f"expression {v}" for v in ("check", "eval", "functions")),
        *(f"resources {v}" for v in ("check", "list", "show", "import")),
        *(f"generate {v}" for v in ("client", "handler", "scaffold", "test", "types")),
        *(f"queue {v}" for v in ("list", "workers", "pause", "resume")),
        *(f"limit {v}" for v in ("list", "show", "set")),
        "dlq list",
        "dlq show",
        *(f"db {v}" for v in ("path", "url", "psql", "reset")),
        *(f"bridge {v}" for v in ("test", "handlers", "path")),
        *(f"bench {v}" for v in ("list", "run", "batch", "chain", "fanout", "latency", "idle")),
    }


def test_the_first_help_leads_to_what_there_is_to_read_about_compositions():
    shown = CliRunner().invoke(app, ["--help"]).stdout
    [page] = re.findall(r"Steps without a handler: (\S+\.md)", shown)
    assert (ROOT / page).exists()
    assert page in (ROOT / "README.md").read_text("utf-8")
    panel = shown[shown.index(page) :].split("╰")[0]
    for name in ("composition", "resources", "expression", "fragment", "grammar"):
        assert f"│ {name} " in panel


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself_in_a_line_that_fits(path):
    help_ = ALL[path].help
    assert help_ is not None
    assert len(help_.splitlines()[0]) <= 96
    assert CliRunner().invoke(app, [*path, "--help"]).exit_code == 0


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_files_are_named_by_the_same_options_everywhere(path):
    options = {option: set(p.opts) for p in ALL[path].params for option in p.opts}
    for name, short in (("--resources", "-r"), ("--compositions", "-c")):
        assert options.get(name, {name, short}) == {name, short}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_usage_has_no_dots_and_brackets_of_our_own(path):
    """Help and reference put them around what may be left out, and behind what may be repeated."""
    arguments = [p for p in ALL[path].params if p.param_type_name == "argument"]
    assert not [p.metavar for p in arguments if set(p.metavar or "") & set("[]{}.…")]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_whatever_lists_or_changes_takes_an_output_format_and_changes_take_a_reason(path):
    options = {name for parameter in ALL[path].params for name in parameter.opts}
    if (
        path[0]
        in (
            *("task", "step", "approval", "schedule", "template", "composition"),
            *("queue", "limit", "dlq", "bench"),
        )
        and len(path) == 2
    ):
        assert "--output" in options or path in (
            ("task", "watch"),
            ("template", "schema"),
            ("composition", "schema"),
        )
    changes = path[-1] in (
        *("cancel", "retry", "rerun", "resolve", "complete", "approve", "reject", "set"),
        *SCHEDULE_CHANGES,
    )
    assert ("--reason" in options) == changes == ("--actor" in options)


def test_the_exit_codes_are_documented_in_the_help():
    ran = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"})
    assert EPILOG in ran.stdout
    assert {code.value for code in ExitCode} == {0, 1, 2, 3, 4, 5, 6, 124, 130}
    assert all(f"{code.value} " in EPILOG for code in ExitCode)


def test_a_mistyped_command_is_answered_with_the_nearest():
    ran = CliRunner().invoke(app, ["taks"])
    assert ran.exit_code == 2 and "task" in ran.stderr


def test_the_version_is_printed():
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("tasker 0.")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandFailed(ExitCode.TIMEOUT, "late"), 124),
        (NotFoundError("no task", "List them"), 3),
        (InvalidInputError("bad", None), 2),
        (ConflictError("taken", None), 4),
        (InvalidStateError("ended", None), 4),
        (DatabaseUnavailable("gone"), 5),
        (DefinitionError("a cycle"), 2),
        (TaskerError("anything else"), 1),
        (TimeoutError("late"), 124),
        (psycopg.OperationalError("connection refused"), 5),
        (psycopg.errors.UntranslatableCharacter("a NUL"), 2),
        (FileNotFoundError(2, "No such file or directory", "nowhere"), 2),
        (ExceptionGroup("", [ExceptionGroup("", [NotFoundError("no task", None)])]), 3),
    ],
)
def test_expected_errors_have_a_code_and_a_line(error, code):
    failure = explain(error)
    assert failure is not None
    assert failure.code == code
    assert len(str(failure).splitlines()) == 1


def test_defects_keep_their_traceback():
    assert explain(KeyError("x")) is None
    assert explain(ExceptionGroup("", [NotFoundError("a", None), KeyError("x")])) is None


def test_what_to_do_follows_what_happened():
    assert str(explain(NotFoundError("no task 1", "List them."))) == "no task 1. List them."


def test_a_database_that_is_not_there_is_told_in_one_line():
    ran = CliRunner().invoke(app, ["task", "list", "--url", NOWHERE])
    assert ran.exit_code == 5
    assert ran.stderr.startswith("error: ") and "Traceback" not in ran.stderr
    assert "tasker doctor" in ran.stderr


def test_the_url_may_stand_before_or_after_the_command(database):
    for arguments in (["--url", database, "task", "list"], ["task", "list", "--url", database]):
        ran = CliRunner().invoke(app, arguments, env={"TASKER_DATABASE_URL": NOWHERE})
        assert ran.exit_code == 0, ran.output
    ran = CliRunner().invoke(app, ["--url", NOWHERE, "task", "list", "--url", database])
    assert ran.exit_code == 0, ran.output


def test_a_database_without_the_schema_says_how_to_install_it(server):
    ran = CliRunner().invoke(app, ["task", "list", "--url", server.url()])
    assert ran.exit_code == 1
    assert "Install or upgrade it: tasker migrate" in ran.stderr


def test_a_login_that_may_not_is_told_which_role_may(cli, shop, connection):
    role = "somebody_without_rights"
    connection.execute(f"drop role if exists {role}")
    connection.execute(f"create role {role} login")
    try:
        url = f"{psycopg.conninfo.make_conninfo(connection.info.dsn, user=role)}"
        ran = cli("task", "list", "--url", url)
        assert ran.code == 4 and "tasker_reader looks" in ran.err
    finally:
        connection.execute(f"drop role {role}")


def test_help_comes_quickly_because_nothing_heavy_is_imported():
    code = (
        "import sys, tasker\n"
        "before = set(sys.modules)\n"
        "import tasker.cli.app\n"
        "heavy = {'psycopg', 'anyio', 'rich.live', 'pydantic'} & (set(sys.modules) - before)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_colours_are_left_out_where_nobody_sees_them(cli, shop):
    cli("task", "submit", shop)
    assert "\x1b" not in cli("task", "list").out
    assert "\x1b[" in cli("task", "list", FORCE_COLOR="1", TERM="xterm-256color").out
    assert "\x1b[3" not in cli("task", "list", FORCE_COLOR="1", NO_COLOR="1").out


def test_what_data_says_to_a_terminal_is_not_done(cli, shop, connection):
    """A name that moves the cursor, an error that names the window: they are written out."""
    evil = "\x1b]0;mine\x07\x9b2J\u202e"
    connection.execute(
        "select tasker.submit_task('shop', 'order', tags => array[%s], start_at => '2099-01-01')",
        [evil],
    )
    task = cli("task", "list", "-o", "ids").ids[0]
    cli("task", "cancel", task, "--reason", evil)
    shown = cli("task", "show", task)
    raw = cli("task", "list", "-o", "json")
    refused = cli("task", "show", evil)
    assert raw.json[0]["tags"] == [evil]
    assert "\\u001b]0;mine" in shown.out
    for text in (shown.out, raw.out, refused.err):
        assert not set(evil) - set("]0;mine2J") & set(text)
