"""A task is run again from the command line."""

import re

import pytest
from psycopg.types.json import Jsonb
from tests.cli.samples import make_definition

WHY = ("--reason", "the card was mended", "--actor", "ann")


@pytest.fixture
def blocked(cli, shop, complete_step, fail_step):
    """A task whose validate is done, and pay or reserve, whichever was queued later; the other has failed."""
    task = cli("task", "submit", shop, '{"id": 7}', "-o", "ids").ids[0]
    complete_step({"ok": True})
    fail_step()
    complete_step()
    return task


@pytest.fixture
def failed(cli, blocked):
    """The name of the step that has failed, and of the one beside it."""
    (name,) = cli("step", "list", blocked, "-s", "error", "-o", "ids").ids
    failed = name.partition("/")[2]
    return failed, "reserve" if failed == "pay" else "pay"


def test_it_says_what_would_run_and_then_runs_it(cli, blocked, failed):
    failed, beside = failed
    planned = cli("task", "rerun", blocked, "--from", failed, "--dry-run", *WHY)
    assert planned.out.splitlines() == [
        "would rerun, with version 1.0.0",
        f"      runs  {failed}, ship",
        f"   is kept  validate, {beside}",
    ]
    assert len(cli("task", "list", "-o", "ids").ids) == 1
    ran = cli(
        "task",
        "rerun",
        blocked,
        "--from",
        "failed",
        "--input",
        '{"id": 8}',
        *WHY,
        "-y",
        "-o",
        "json",
    ).json
    assert (ran["rerun_of"], ran["kept"]) == (blocked, ["validate", beside])
    shown = cli("task", "show", ran["task_id"])
    assert re.search(rf"reruns +{blocked}", shown.out) and '{"id": 8}' in shown.out
    term = f"rerun_of={blocked[:-4]}"
    assert cli("task", "list", "-w", term, "-o", "ids").ids == [ran["task_id"]]
    assert re.search(rf"rerun as +{ran['task_id']}", cli("task", "show", blocked).out)
    assert cli("task", "rerun", blocked, *WHY, "-y", "-o", "ids").ids != []


def test_on_a_terminal_it_asks_first(cli, blocked, monkeypatch):
    monkeypatch.setattr("tasker.cli.confirm.is_terminal", lambda: True)
    refused = cli("task", "rerun", blocked, "--from", "pay", *WHY, stdin="n\n")
    assert refused.code == 1 and "is kept  validate" in refused.err
    assert len(cli("task", "list", "-o", "ids").ids) == 1
    assert cli("task", "rerun", blocked, *WHY, stdin="y\n").code == 0
    assert cli("task", "rerun", blocked, *WHY, "--yes").code == 0


def test_where_nobody_can_be_asked_it_needs_yes(cli, blocked):
    refused = cli("task", "rerun", blocked, "--from", "pay", *WHY)
    assert refused.code == 2 and "is kept  validate" in refused.err
    assert "nobody can be asked here, and nothing was changed. Give --yes" in refused.err
    assert len(cli("task", "list", "-o", "ids").ids) == 1


def test_what_does_not_fit_is_said(cli, blocked, connection):
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    changed = make_definition(version="2.0.0", input_schema=schema)
    changed["steps"][0]["result_schema"] = {"type": "string"}
    connection.execute("select tasker.register_template(%s)", [Jsonb(changed)])
    other = cli("task", "rerun", blocked, "--from", "pay", "--version", "2.0.0", *WHY)
    assert other.code == 2 and "step validate, $" in other.err
    given = cli("task", "rerun", blocked, "--version", "2.0.0", "--input", '{"id": "x"}', *WHY)
    assert given.code == 2 and "the task's input" in given.err
    assert cli("task", "rerun", blocked, "--from", "shop", *WHY).code == 3
    slip = cli("task", "rerun", blocked, "--from", "validat", "--dry-run", *WHY)
    assert slip.code == 3 and "has no step 'validat'. Its steps are: validate" in slip.err
    assert cli("task", "rerun", blocked, "--version", "9", "--dry-run", *WHY).code == 3
    assert (
        cli("task", "rerun", blocked, "--from", "validate", "--version", "2.0.0", *WHY, "-y").code
        == 0
    )
    running = cli("task", "list", "-s", "in_progress", "-o", "ids").ids[0]
    assert cli("task", "rerun", running, *WHY).code == 4
    assert len(cli("task", "list", "-o", "ids").ids) == 2
