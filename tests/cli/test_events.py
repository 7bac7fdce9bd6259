import pytest


@pytest.fixture
def task(cli, shop):
    return cli("task", "submit", shop, '{"id": 7}', "-o", "ids").ids[0]


def test_the_first_event_of_a_name_counts(cli, task):
    assert cli("event", "send", task, "paid", '{"by": "card"}').out == (
        "sent paid: no step waits for it now; it is kept for one that will\n"
    )
    again = cli("event", "send", task[:18], "paid")
    assert (again.code, again.out) == (0, "paid was sent before: the first one counts\n")
    document = cli("event", "send", task, "other", "-o", "json").json
    assert document == {"task_id": task, "accepted": True, "woken": 0}


def test_an_event_that_nobody_waits_for_says_what_is_waited_for(cli, task, connection):
    connection.execute(
        "update tasker.step set state = 'waiting' where task_id = %s and step_no = 1", [task]
    )
    connection.execute(
        "insert into tasker.wait (task_id, step_no, name, event) values (%s, 1, 'event:paid', 'paid')",
        [task],
    )
    assert cli("event", "send", task, "paied").out.splitlines() == [
        "sent paied: no step waits for it now; it is kept for one that will",
        "validate: it waits for event paid",
    ]
    assert cli("event", "send", task, "paid").out == "sent paid: 1 step waited for it\n"


def test_bad_json_sends_nothing(cli, task, connection):
    ran = cli("event", "send", task, "paid", "{oops")
    assert ran.code == 2
    assert "line 1, column 2" in ran.err
    assert connection.execute("select count(*) from tasker.event").fetchone() == (0,)


def test_a_task_that_has_ended_takes_no_events(cli, task):
    cli("task", "cancel", task, "-r", "r")
    ran = cli("event", "send", task, "paid")
    assert ran.code == 4
    assert "has ended (cancelled)" in ran.err


def test_an_event_may_go_to_all_tasks_with_a_correlation_id(cli, shop, connection):
    key = "00000000-0000-0000-0000-000000000007"
    for n in (1, 2):
        cli("task", "submit", shop, f'{{"id": {n}}}')
    connection.execute("update tasker.task set correlation_id = %s", [key])
    ran = cli("event", "send", "--correlation", key, "paid")
    assert (
        ran.out
        == "sent paid to 2 of 2 tasks: no step waits for it now; it is kept for one that will\n"
    )
    assert len(cli("event", "send", "--correlation", key, "paid", "-o", "json").json) == 2
    unknown = cli("event", "send", "--correlation", key[:-1] + "8", "paid")
    assert unknown.code == 3
    assert "no open task has the correlation id" in unknown.err
    malformed = cli("event", "send", "--correlation", "seven", "paid")
    assert malformed.code == 2
