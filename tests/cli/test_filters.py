"""Tasks on the command line, by a filter."""

import pytest


@pytest.fixture
def tasks(cli, shop):
    """An old task with the tag vip, and a new one."""
    old = cli("task", "submit", shop, "--tag", "vip", "--tag", "eu", "-o", "ids").ids[0]
    return old, cli("task", "submit", shop, "--priority", "high", "-o", "ids").ids[0]


def test_tasks_are_narrowed_by_a_filter_and_by_options(cli, tasks, fail_step):
    old, new = tasks
    fail_step()  # the new one: it is of a higher class
    assert cli("task", "list", "--where", "failed=validate error~'no'", "-o", "ids").ids == []
    assert cli(
        "task", "list", "--where", "failed=validate error=CardDeclined", "-o", "ids"
    ).ids == [new]
    assert cli("task", "list", "-w", 'error~"NO USE" priority=high', "-o", "ids").ids == [new]
    assert cli(
        "task", "list", "-w", "created>1h", "--tag", "vip", "--tag", "eu", "-o", "ids"
    ).ids == [old]
    both = ("-s", "in_progress", "-s", "blocked_by_failures", "-t", "shop/order@1.0.0")
    assert cli("task", "list", *both, "-o", "ids").ids == [new, old]
    assert cli("task", "list", "-w", "created<1h", "-o", "ids").ids == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("-w", "state"), 2, "filter, character 1: 'state' is no term. Write terms such as"),
        (("-w", "tag=a state=done"), 2, "no task state done; they are pending"),
        (("-w", "priority=urgent"), 2, "one of lowest, low, normal, high, highest, not 'urgent'"),
        (("-w", "state=error", "-s", "paused"), 2, "state is given twice"),
        (("-w", "template=shop/ordr"), 3, "no template shop/ordr"),
    ],
)
def test_what_is_wrong_with_a_filter_is_said_in_a_line(cli, shop, arguments, code, said):
    ran = cli("task", "list", *arguments)
    assert (ran.code, len(ran.err.splitlines())) == (code, 1)
    assert said in ran.err


def test_all_that_fit_are_changed_at_once(cli, tasks):
    old, new = tasks
    cli("task", "pause", old, "-r", "first")
    why = ("--where", "state=in_progress,paused", "--reason", "moving house", "--actor", "ann")
    planned = cli("task", "pause", *why, "--dry-run")
    assert planned.out == "1 task would be paused\n1 skipped: it is paused already\n"
    assert cli("task", "list", "-s", "paused", "-o", "ids").ids == [old]
    asked = cli("task", "pause", *why)
    assert asked.code == 2
    assert asked.err.splitlines()[0] == "1 task would be paused"
    assert "nobody can be asked here, and nothing was changed" in asked.err
    assert cli("task", "list", "-s", "paused", "-o", "ids").ids == [old]
    done = cli("task", "pause", *why, "--yes", "-o", "json")
    assert done.json == {"changed": [new], "skipped": {"it is paused already": 1}}
    assert cli("task", "resume", *why, "-y", "-o", "ids").ids == [old, new]
    assert cli("task", "cancel", *why, "-y").out == "2 tasks were cancelled\n"
    again = cli("task", "cancel", "-w", "state=cancelled", "-r", "once more", "-y")
    assert again.out == "0 tasks were cancelled\n2 skipped: it has ended (cancelled)\n"


def test_on_a_terminal_one_is_asked_first(cli, tasks, monkeypatch):
    monkeypatch.setattr("tasker.cli.confirm.is_terminal", lambda: True)
    why = ("--where", "tag=vip", "--reason", "no")
    assert cli("task", "cancel", *why, stdin="n\n").code == 1
    assert cli("task", "list", "-s", "cancelled", "-o", "ids").ids == []
    assert "1 task was cancelled" in cli("task", "cancel", *why, stdin="y\n").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no tasks were given"),
        (("0199", "-w", "tag=a"), "give tasks, or --where, not both"),
        (("-w", "", "-y"), "an empty one is every task"),
        (("0199", "--dry-run"), "--dry-run goes with --where"),
    ],
)
def test_it_must_be_clear_which_tasks_are_meant(cli, tasks, arguments, said):
    ran = cli("task", "cancel", *arguments, "--reason", "no")
    assert ran.code == 2
    assert said in ran.err


def test_undoing_is_done_to_many_as_well(cli, tasks):
    ran = cli("task", "cancel", "-w", "tag=vip", "--compensate", "-r", "no", "-y")
    assert ran.out == "1 task was cancelled\n"


def test_a_template_is_paused_and_resumed_with_a_reason(cli, tasks):
    old, new = tasks
    cli("task", "pause", old, "-r", "look at it")
    why = ("--reason", "the gateway is down", "--actor", "ann")
    assert cli("template", "pause", "shop/order", *why).out == "1 task of shop/order paused\n"
    assert cli("task", "list", "-s", "paused", "-o", "ids").ids == [new, old]
    assert "its template is paused (ann): the gateway is down" in cli("task", "show", new).out
    assert "1.0.0 (paused)" in cli("template", "list").out
    assert "tasker template resume shop/order@1.0.0" in cli("doctor").out
    again = cli("template", "pause", "shop/order@1.0.0", *why)
    assert again.code == 4 and "paused already" in again.err
    assert cli("template", "pause", "shop/ordr", *why).code == 3
    resumed = cli("template", "resume", "shop/order", *why)
    assert resumed.out == "1 task of shop/order resumed\n1 skipped: an operator has paused it\n"
    assert cli("template", "resume", "shop/order", *why).code == 4
