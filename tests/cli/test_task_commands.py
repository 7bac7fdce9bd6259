import json
import re
from uuid import UUID

import psycopg
import pytest
from tests.engine import support


@pytest.fixture
def task(cli, shop):
    return cli("task", "submit", shop, '{"id": 7}', "-o", "ids").ids[0]


def test_a_submitted_task_is_printed_by_its_id_and_nothing_else(cli, shop):
    ran = cli(
        "task", "submit", shop, '{"id": 7}', "--tag", "eu", "--tag", "vip", "--priority", "highest"
    )
    task_id = str(UUID(ran.out.strip()))
    assert ran.code == 0 and ran.err == ""
    shown = cli("task", "show", task_id, "-o", "json").json
    assert shown["input"] == {"id": 7}
    assert shown["tags"] == ["eu", "vip"]
    assert shown["priority"] == 2


def test_input_comes_from_stdin_and_lines_make_a_task_each(cli, shop):
    one = cli("task", "submit", shop, "-", "-o", "ids", stdin='{"id": 1}').ids
    many = cli(
        "task", "submit", shop, "--lines", "-", "-o", "ids", stdin='{"id": 2}\n\n{"id": 3}\n'
    )
    inputs = [cli("task", "show", i, "-o", "json").json["input"] for i in [*one, *many.ids]]
    assert inputs == [{"id": 1}, {"id": 2}, {"id": 3}]


def test_a_bad_line_is_named_and_nothing_is_submitted(cli, shop):
    ran = cli("task", "submit", shop, "--lines", "-", stdin='{"id": 2}\n{oops}\n')
    assert ran.code == 2
    assert "standard input, line 2: is no JSON" in ran.err
    assert cli("task", "list", "-o", "json").json == []


def test_a_key_is_taken_once(cli, shop):
    first = cli("task", "submit", shop, "--key", "k", "-o", "json").json
    assert first[0]["created"] is True
    again = cli("task", "submit", shop, "--key", "k")
    assert again.code == 4 and "Traceback" not in again.err
    same = cli("task", "submit", shop, "--key", "k", "--on-conflict", "return_existing")
    assert same.out == f"{first[0]['task_id']} (exists already)\n"


def test_a_start_is_a_time_or_a_delay(cli, shop):
    soon = cli("task", "submit", shop, "--start", "10m", "-o", "ids").ids[0]
    late = cli("task", "submit", shop, "--start", "2090-01-31T09:00:00Z", "-o", "ids").ids[0]
    assert cli("task", "show", soon, "-o", "json").json["state"] == "pending"
    assert cli("task", "show", late, "-o", "json").json["start_at"] == "2090-01-31T09:00:00+00:00"
    assert cli("task", "submit", shop, "--start", "tomorrow").code == 2


@pytest.mark.parametrize(
    ("template", "code", "said"),
    [
        ("shop/ordr", 3, "no template shop/ordr. Did you mean shop/order?"),
        ("shop/order@2", 3, "shop/order has the versions 1.0.0."),
        ("order", 2, "Name one as NAMESPACE/NAME"),
    ],
)
def test_an_unknown_template_is_answered_with_the_nearest(cli, shop, template, code, said):
    ran = cli("task", "submit", template)
    assert ran.code == code
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_input_is_held_against_the_template_s_schema(cli, connection):
    from psycopg.types.json import Jsonb
    from tests.cli.samples import make_definition

    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
    definition = Jsonb(make_definition(input_schema=schema))
    connection.execute("select tasker.register_template(%s)", [definition])
    assert cli("task", "submit", "shop/order", '{"id": 1}').code == 0
    ran = cli("task", "submit", "shop/order", '{"id": "x"}')
    assert ran.code == 2 and "$.id" in ran.err


def test_tasks_are_listed_newest_first_and_narrowed(cli, shop):
    old, new = (cli("task", "submit", shop, "--tag", t, "-o", "ids").ids[0] for t in ("a", "b"))
    cli("task", "cancel", old, "--reason", "no")
    assert cli("task", "list", "-o", "ids").ids == [new, old]
    assert cli("task", "list", "-s", "cancelled", "-o", "ids").ids == [old]
    assert cli("task", "list", "--tag", "b", "-o", "ids").ids == [new]
    assert cli("task", "list", "-n", "other", "-o", "json").json == []
    assert cli("task", "list", "--limit", "1", "--before", new, "-o", "ids").ids == [old]
    assert "shop/order 1.0.0" in cli("task", "list").out
    assert cli("task", "list", "-s", "nonsense").code == 2


def test_a_task_is_shown_with_the_reason_why_its_steps_wait(cli, task):
    shown = cli("task", "show", task)
    assert shown.code == 0
    assert "no worker serves its queue shop" in shown.out
    assert "it waits for validate (enqueued)" in shown.out
    document = cli("task", "show", task, "-o", "json").json
    assert [step["name"] for step in document["graph"]] == ["validate", "pay", "reserve", "ship"]
    assert {e["step"] for e in document["explanations"]} == {"validate", "pay", "reserve", "ship"}
    assert cli("task", "show", task, "-o", "ids").ids[0] == f"{task}/validate"


def test_the_beginning_of_an_id_will_do_when_it_fits_one_task(cli, shop):
    first, second = cli("task", "submit", shop, "--lines", "-", "-o", "ids", stdin="{}\n{}").ids
    common = next(n for n in range(36) if first[:n] != second[:n]) - 1
    assert cli("task", "show", first[:-2], "-o", "json").json["task_id"] == first
    ambiguous = cli("task", "show", first[:common])
    assert ambiguous.code == 2 and "fits several tasks" in ambiguous.err
    assert cli("task", "show", "00000000").code == 3
    assert cli("task", "show", "zzz").code == 2


def test_cancelling_goes_on_after_a_refusal_and_tells_of_it(cli, shop):
    a, b = cli("task", "submit", shop, "--lines", "-", "-o", "ids", stdin="{}\n{}").ids
    nobody = "00000000-0000-7000-8000-000000000000"
    ran = cli("task", "cancel", a, nobody, b, "--reason", "no", "--actor", "ann", "-o", "json")
    assert ran.code == 3
    assert ran.err.startswith(f"error: {nobody}: no task {nobody}")
    assert [answer["task_id"] for answer in ran.json] == [a, b]
    assert cli("task", "cancel", a, "--reason", "no").code == 4
    action = cli("step", "show", f"{a}/pay", "-o", "json").json["actions"][0]
    assert (action["verb"], action["reason"], action["actor"]) == ("cancel", "no", "ann")


def test_a_change_needs_a_reason(cli, task):
    ran = cli("task", "cancel", task)
    assert ran.code == 2 and "--reason" in ran.err
    assert cli("task", "cancel", task, "--reason", " ").code == 2
    assert cli("task", "show", task, "-o", "json").json["state"] == "in_progress"


def test_ids_are_piped_from_one_command_to_the_next(cli, shop):
    cli("task", "submit", shop, "--lines", "-", stdin="{}\n{}\n{}")
    listed = cli("task", "list", "-o", "ids").out
    assert cli("task", "cancel", "-", "-r", "all of them", stdin=listed).code == 0
    assert len(cli("task", "list", "-s", "cancelled", "-o", "ids").ids) == 3


def test_a_failed_task_is_retried_and_resolved(cli, task, fail_step):
    fail_step()
    assert cli("task", "show", task, "-o", "json").json["state"] == "blocked_by_failures"
    shown = cli("task", "show", task).out
    assert "CardDeclined: no use" in shown and f"tasker task retry {task}" in shown
    assert cli("task", "retry", task, "-r", "again").code == 0
    assert cli("task", "retry", task, "-r", "again").code == 4
    fail_step()
    assert cli("task", "resolve", task, "-r", "done by hand").code == 0
    assert cli("task", "show", task, "-o", "json").json["state"] == "resolved_manually"


def test_watching_tells_each_change_and_ends_with_the_task(cli, task, complete_step):
    for _ in range(4):
        complete_step({"paid": True})
    ran = cli("task", "watch", task)
    assert ran.code == 0
    lines = [line.split(" ", 1)[1] for line in ran.out.splitlines()]
    assert lines[0].startswith("✓ validate complete") and lines[-1] == f"✓ task {task} complete"
    result = cli("task", "result", task, "-o", "json")
    assert result.code == 0 and result.json["result"] == {"paid": True}
    assert json.loads(cli("task", "result", task).out) == {"paid": True}


def test_a_task_that_cannot_go_on_ends_the_watch_with_its_own_code(cli, task, fail_step):
    fail_step()
    ran = cli("task", "watch", task)
    assert ran.code == 6
    assert "✗ validate error (attempt 1 of 3): CardDeclined: no use" in ran.out
    assert f"task {task} is blocked by failures" in ran.err
    assert cli("task", "result", task).code == 6


@pytest.mark.parametrize("option", ["--timeout", "--interval"])
@pytest.mark.parametrize("given", ["soon", "-1", "nan", "2 parsecs"])
def test_what_is_no_time_is_told(cli, task, option, given):
    ran = cli("task", "watch", task, option, given)
    assert ran.code == 2
    assert f"Invalid value for '{option}'" in ran.err and "duration" in ran.err


def test_waiting_has_an_end(cli, shop, task):
    ran = cli("task", "watch", task, "--timeout", "0.1", "--interval", "0.05")
    assert ran.code == 124 and "is still in_progress" in ran.err
    in_words = cli("task", "watch", task, "--timeout", "100ms", "--interval", "50ms")
    assert in_words.code == 124 and "after 0.1 s" in in_words.err
    assert cli("task", "submit", shop, "--wait", "--timeout", "100ms", "-o", "json").code == 124
    none_yet = cli("task", "result", task)
    assert (none_yet.code, none_yet.out) == (4, "")
    cli("task", "cancel", task, "-r", "over")
    never = cli("task", "result", task)
    assert (never.code, never.out) == (6, "")
    assert cli("task", "result", task, "-o", "json").json["state"] == "cancelled"


def test_a_sound_task_passes_and_a_broken_one_does_not(cli, task, connection):
    assert cli("task", "verify", task).out == f"{task}: sound\n"
    connection.execute("update tasker.task set live = live + 1 where task_id = %s", [task])
    ran = cli("task", "verify", task, "-o", "json")
    assert ran.code == 1 and ran.json[task]
    assert cli("task", "verify", task, "-o", "ids").ids == [task]


def test_a_task_is_undone_in_the_sight_of_all(cli, database):
    ship = {"name": "ship", "handler": "h", "depends_on": ["pay"]}
    pay = {"name": "pay", "handler": "h", "compensate": {"handler": "refund"}}
    with psycopg.connect(database, autocommit=True) as connection:
        support.register(connection, support.template("trip", pay, ship))
        task = cli("task", "submit", "t/trip", "-o", "ids").ids[0]
        worker = support.register_worker(connection)
        support.hand_in(worker, support.complete(support.claim_one(worker)))
        ran = cli("task", "cancel", task, "--compensate", "--reason", "no", "-o", "json")
        assert ran.json[0]["state"] == "in_progress"
        shown = cli("task", "show", task).out
        assert "is being undone, and then cancelled" in shown
        assert "complete, being undone" in shown
        support.hand_in(worker, support.fail(support.claim_one(worker)))
        shown = cli("task", "show", task).out
        assert "complete, not undone" in shown
        assert f"step show {task}/undo:pay" in shown
        assert cli("task", "cancel", task, "--reason", "no").code == 4
        assert cli("step", "resolve", f"{task}/undo:pay", "--reason", "by hand").code == 0
    assert "complete, undone" in cli("task", "show", task).out
    assert "undo:pay (resolved_manually)" in cli("step", "show", f"{task}/pay").out


def test_tasks_are_paused_and_resumed_with_a_reason(cli, shop):
    first, second = cli("task", "submit", shop, "--lines", "-", "-o", "ids", stdin="{}\n{}").ids
    paused = cli("task", "pause", first, second, "--reason", "moving house", "--actor", "ann")
    assert paused.out.splitlines()[0] == f"paused {first}: the task is paused, 1 step changed"
    assert cli("task", "list", "-s", "paused", "-o", "ids").ids == [second, first]
    shown = cli("task", "show", first).out
    assert "its task is paused (ann): moving house" in shown
    assert re.search(r"^paused +by ann, .*\): moving house *$", shown, re.M)
    again = cli("task", "pause", first, "--reason", "why not")
    assert again.code == 4 and "paused already" in again.err
    (resumed,) = cli("task", "resume", first, "--reason", "we are there", "-o", "json").json
    assert (resumed["state"], resumed["steps"]) == ("in_progress", 1)
    assert cli("task", "resume", first, "--reason", "once more").code == 4


def test_a_task_that_waits_says_who_paused_it(cli, task, connection):
    connection.execute("update tasker.step set state = 'waiting' where step_no = 1")
    connection.execute(
        "insert into tasker.wait (task_id, step_no, name) values (%s, 1, 'sleep:1')", [task]
    )
    assert cli("task", "show", task, "-o", "json").json["paused"] is None
    cli("template", "pause", "shop/order", "-r", "stocktaking", "--actor", "bob")
    assert re.search(
        r"^paused +together with its template, by bob, .*\): stocktaking *$",
        cli("task", "show", task).out,
        re.M,
    )
    cli("template", "resume", "shop/order", "-r", "done")
    assert cli("task", "show", task, "-o", "json").json["paused"] is None


def test_a_paused_task_is_undone_when_it_is_resumed(cli, connection):
    pay = {"name": "pay", "handler": "h", "compensate": {"handler": "refund"}}
    ship = {"name": "ship", "handler": "h", "depends_on": ["pay"]}
    support.register(connection, support.template("trip", pay, ship))
    task = cli("task", "submit", "t/trip", "-o", "ids").ids[0]
    worker = support.register_worker(connection)
    support.hand_in(worker, support.complete(support.claim_one(worker)))
    cli("task", "pause", task, "-r", "moving house")
    ran = cli("task", "cancel", task, "--compensate", "-r", "no")
    assert "the task is paused" in ran.out
    assert ran.out.endswith("; it is undone when it is resumed\n")


def test_limits_are_shown_and_set(cli, shop):
    def set_limit(*given):
        return cli("limit", "set", *given, "-r", "r")

    assert set_limit("queue:shop", "-c", "3", "--rate", "9/1m").code == 0
    assert cli("limit", "list", "-o", "ids").ids == ["queue:shop"]
    unknown = cli("limit", "show", "shop/nope")
    assert unknown.code == 3
    assert "no limit shop/nope. There are: queue:shop." in unknown.err
    typo = set_limit("queue:shoe", "-c", "3")
    assert (typo.code, typo.err) == (3, "error: no queue shoe. There are: shop.\n")
    for wrong in (("-c", "0"), ("--rate", "0/1m"), ("--rate", "1/2d"), ("--rate", "2000000/1m")):
        refused = set_limit("queue:shop", *wrong)
        assert refused.code == 2
        assert "null" not in refused.err and "period" not in refused.err
        assert wrong[0] in refused.err
    assert set_limit("queue:shop").code == 0
    assert cli("limit", "list", "-o", "ids").ids == []


def test_a_queue_is_paused_and_resumed_with_a_reason(cli, task):
    assert cli("queue", "pause", "shop", "--reason", "stocktaking", "--actor", "ann").out == (
        "paused shop\n"
    )
    assert "shop (paused)" in cli("queue", "list").out
    assert "its queue shop is paused (ann): stocktaking" in cli("task", "show", task).out
    assert cli("queue", "pause", "shop", "--reason", "again").code == 4
    missing = cli("queue", "pause", "shoe", "--reason", "none")
    assert missing.code == 3 and "There are: shop" in missing.err
    resumed = cli("queue", "resume", "shop", "--reason", "done", "-o", "json").json
    assert resumed == {"queue": "shop", "paused": False}
