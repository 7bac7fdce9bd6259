import pytest
from psycopg.types.json import Jsonb


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


EMIT = "select tasker.emit_event('shop', %s, %s, %s)"


def test_emitted_events_are_listed(cli, connection):
    for n in range(3):
        connection.execute(EMIT, ["paid", f"k{n}", Jsonb({"n": n})])
    connection.execute(EMIT, ["sent", "k", Jsonb("x" * 500)])
    assert [one["key"] for one in cli("event", "list", "paid", "-o", "json").json] == [
        "k2",
        "k1",
        "k0",
    ]
    assert len(cli("event", "list", "--limit", "2", "-o", "ids").ids) == 2
    out = cli("event", "list").out
    assert '{"n": 1}' in out and "xxx…" in out
    assert "there are no events" in cli("event", "list", "other").out


def test_events_are_read_and_taken_out(cli, connection):
    for n in range(3):
        connection.execute(EMIT, ["paid", f"k{n}", Jsonb({"n": n})])
    [first] = cli("event", "read", "paid", "-o", "json").json
    assert (first["key"], first["payload"]) == ("k0", {"n": 0})
    kept = cli("event", "read", "paid", "--keep", "--limit", "10", "-o", "json").json
    assert [one["key"] for one in kept] == ["k1", "k2"]
    connection.execute("select pgmq.set_vt('event_paid', msg_id, 0) from pgmq.q_event_paid")
    assert "k2" in cli("event", "read", "paid", "--limit", "10").out
    connection.execute("select pgmq.set_vt('event_paid', msg_id, 0) from pgmq.q_event_paid")
    assert cli("event", "read", "paid", "-o", "ids").ids == []


def test_a_queue_that_is_not_there(cli, connection):
    none = cli("event", "read", "paid")
    assert none.code == 3
    assert "no queue paid. There is none yet: one is made by the first event." in none.err
    for name in ("arrived", "cancelled", "order_paid", "packed", "returned", "sent"):
        connection.execute(EMIT, [name, "k", Jsonb(None)])
    ran = cli("event", "read", "order_payed", "-o", "json")
    assert (ran.code, ran.out) == (3, "")
    assert "no queue order_payed. There are: order_paid, " in ran.err
    assert ran.err.rstrip().endswith(" and 1 more.")
    assert cli("event", "read", "order_paid", "-o", "ids").code == 0
    assert cli("event", "read", "order_paid").code == 0, "it is empty, but it is there"
