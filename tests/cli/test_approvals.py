import psycopg
import pytest
from psycopg.types.json import Jsonb


@pytest.fixture
def task(cli, shop, connection: psycopg.Connection):
    task_id = cli("task", "submit", shop, '{"id": 7}', "-o", "ids").ids[0]
    connection.execute(
        """insert into tasker.approval (task_id, step_no, name, title, data, form, who)
        values (%s, 1, 'refund', 'Refund Ann?', '{"amount": 3}', %s, '{finance}')""",
        [
            task_id,
            Jsonb(
                {"type": "object", "properties": {"amount": {}, "note": {}}, "required": ["amount"]}
            ),
        ],
    )
    connection.execute(
        "update tasker.step set state = 'waiting' where task_id = %s and step_no = 1", [task_id]
    )
    connection.execute(
        "insert into tasker.wait (task_id, step_no, name) values (%s, 1, 'ask:refund')", [task_id]
    )
    return task_id


def test_what_is_asked_is_listed_shown_and_approved(cli, task):
    assert "Refund Ann?" in cli("approval", "list").out
    assert cli("approval", "list", "--who", "sales", "-o", "json").json == []
    assert "finance" in cli("approval", "show", task[:18], "refund").out
    approved = cli(
        "approval",
        "approve",
        task,
        "refund",
        "--as",
        "finance",
        "--answer",
        '{"amount": 2}',
        "-r",
        "fair",
    )
    assert approved.out == f"approved refund of task {task}\n"
    [found] = cli("approval", "list", "--task", task, "-o", "json").json
    assert (found["state"], found["answer"]) == ("approved", {"amount": 2})
    late = cli("approval", "reject", task, "refund", "--as", "finance", "-r", "late")
    assert late.code == 4
    assert "answered already: it is approved by" in late.err


def test_a_list_of_no_approvals_is_a_sentence(cli, shop):
    assert cli("approval", "list").out == "No approval matches.\n"
    assert cli("approval", "list", "-o", "json").json == []


def test_an_approval_with_a_form_says_what_to_answer(cli, task):
    ran = cli("approval", "approve", task, "refund", "--as", "finance", "-r", "r")
    assert ran.code == 2
    assert ran.err == (
        "error: its form asks for an answer. Give --answer; its form has amount, note (may be left out).\n"
    )


def test_an_answer_must_fit_the_form_and_be_ones_own(cli, task):
    unfit = cli(
        "approval", "approve", task, "refund", "--as", "finance", "--answer", "{}", "-r", "r"
    )
    assert unfit.code == 2
    assert "the answer to approval refund" in unfit.err
    foreign = cli("approval", "approve", task, "refund", "--answer", '{"amount": 2}', "-r", "r")
    assert foreign.code == 2
    assert "that is for finance" in foreign.err
    rejected = cli("approval", "reject", task, "refund", "--as", "finance", "-r", "no receipt")
    assert rejected.code == 0
