import pytest
from psycopg.types.json import Jsonb


@pytest.fixture
def task(cli, shop):
    return cli("task", "submit", shop, '{"id": 7}', "-o", "ids").ids[0]


def test_a_step_is_shown_with_what_it_waits_for(cli, task):
    shown = cli("step", "show", f"{task}/pay")
    assert shown.code == 0
    assert "it waits for validate (enqueued)" in shown.out
    assert "shop.order.pay" in shown.out
    document = cli("step", "show", f"{task}/pay", "-o", "json").json
    assert document["explanation"]["waits_for"] == [{"step": "validate", "state": "enqueued"}]


def test_a_failed_step_is_found_and_retried_through_the_dead_letters(cli, task, fail_step):
    assert "Nothing has failed" in cli("dlq", "list").out
    fail_step()
    letters = cli("dlq", "show", "-o", "ids").out
    assert letters == f"{task}/validate\n"
    assert "CardDeclined: no use" in cli("dlq", "list").out
    assert "CardDeclined: no use" in cli("dlq", "show").out
    for command in ("list", "show"):
        assert cli("dlq", command, "-n", "other", "-o", "json").json == []
    shown = cli("step", "show", f"{task}/validate").out
    assert "Attempts that did not succeed" in shown
    retried = cli("step", "retry", "-", "-r", "the gateway is back", stdin=letters)
    assert retried.code == 0
    assert retried.out == f"retried {task}/validate: the task is in progress, 1 step changed\n"
    assert cli("step", "retry", f"{task}/validate", "-r", "again").code == 4
    assert "the gateway is back" in cli("step", "show", f"{task}/validate").out


def test_dead_letters_of_one_cause_are_retried_at_once(cli, shop, fail_step):
    tasks = cli("task", "submit", shop, "--lines", "-", "-o", "ids", stdin="{}\n{}\n{}").ids
    for _ in tasks:
        fail_step()
    (group,) = cli("dlq", "list", "-o", "json").json
    assert (group["count"], group["step"], group["template"]) == (3, "validate", "order")
    listed = cli("dlq", "list")
    assert listed.err == "" and "shop/order validate" in listed.out
    (fingerprint,) = cli("dlq", "list", "-o", "ids").ids
    assert cli("dlq", "show", fingerprint, "-o", "ids").ids == [
        f"{t}/validate" for t in tasks[::-1]
    ]
    assert cli("dlq", "show", fingerprint, "--limit", "1", "-o", "ids").ids == [
        f"{tasks[2]}/validate"
    ]
    none = cli("dlq", "show", "000000000000")
    assert none.code == 3 and "no failed step has the fingerprint" in none.err
    ran = cli("task", "retry", "-w", f"fingerprint={fingerprint}", "-r", "it is back", "--yes")
    assert ran.out == "3 tasks were retried\n"
    assert cli("dlq", "list", "-o", "ids").ids == []


def test_steps_are_settled_by_hand_with_a_result(cli, task, tmp_path):
    file = tmp_path / "result.json"
    file.write_text('{"ok": true}')
    assert cli("step", "complete", f"{task}/validate", "-r", "r", "--result", f"@{file}").code == 0
    assert cli("step", "resolve", f"{task}/pay", "-r", "r", "--result", '"cash"').code == 0
    states = {s["name"]: s for s in cli("step", "list", task, "-o", "json").json}
    assert states["validate"]["state"] == "complete"
    assert states["validate"]["result"] == {"ok": True}
    assert (states["pay"]["state"], states["pay"]["result"]) == ("resolved_manually", "cash")
    assert states["reserve"]["state"] == "enqueued"


def test_steps_are_listed_by_state(cli, task):
    assert cli("step", "list", task, "-s", "enqueued", "-o", "ids").ids == [f"{task}/validate"]
    assert "○ ship" in cli("step", "list", task).out


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [("nonsense", 2, "Name one as TASK/STEP"), ("{task}/payy", 3, "Its steps are: validate, pay")],
)
def test_an_unknown_step_is_answered_with_those_there_are(cli, task, step, code, said):
    ran = cli("step", "show", step.format(task=task))
    assert ran.code == code
    assert said in ran.err
    assert cli("step", "retry", step.format(task=task), "-r", "x").code == code


def test_bad_json_for_a_result_changes_nothing(cli, task):
    ran = cli("step", "complete", f"{task}/validate", "-r", "r", "--result", "{oops")
    assert ran.code == 2 and "line 1, column 2" in ran.err
    assert cli("step", "list", task, "-s", "complete", "-o", "json").json == []


def test_a_result_that_the_step_could_not_give_changes_nothing(cli, connection):
    step = {"name": "count", "handler": "h", "result_schema": {"type": "integer"}}
    definition = {"namespace": "shop", "name": "typed", "version": "1", "steps": [step]}
    connection.execute("select tasker.register_template(%s)", [Jsonb(definition)])
    task = cli("task", "submit", "shop/typed", "{}", "-o", "ids").ids[0]
    for given in ([], ["--result", '"three"']):
        ran = cli("step", "resolve", f"{task}/count", "-r", "r", *given)
        assert ran.code == 2
        assert "the result is not what count gives: at $: " in ran.err
        assert "Give one with --result" in ran.err
    assert cli("step", "list", task, "-s", "enqueued", "-o", "ids").ids == [f"{task}/count"]
    assert cli("step", "resolve", f"{task}/count", "-r", "r", "--result", "3").code == 0


def test_a_malformed_name_is_told_before_anything_is_done(cli, task):
    ran = cli("step", "resolve", f"{task}/validate", "1.5", "-r", "r")
    assert ran.code == 2
    assert "'1.5' is no step. Name one as TASK/STEP" in ran.err
    assert cli("step", "list", task, "-s", "enqueued", "-o", "ids").ids == [f"{task}/validate"]


def test_queues_and_workers(cli, task):
    (queue,) = cli("queue", "list", "-o", "json").json
    assert (queue["queue"], queue["ready"], queue["workers"]) == ("shop", 1, 0)
    assert "0 (start one)" in cli("queue", "list").out
    assert "No worker reports" in cli("queue", "workers").out
