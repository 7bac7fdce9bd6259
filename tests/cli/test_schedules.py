import signal
from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb
from tests.cli.samples import make_definition
from tests.engine import support

ORDER = '{"id": 7}'


@pytest.fixture
def nightly(cli, shop):
    ran = cli("schedule", "create", "nightly", shop, ORDER, "--cron", "0 3 * * *",
              "--time-zone", "Europe/Berlin", "-o", "ids")  # fmt: skip
    assert ran.code == 0, ran.err
    return ran.ids[0]


@pytest.fixture
def typed(connection):
    """A template that takes a number."""
    definition = make_definition() | {"name": "typed", "input_schema": {"type": "integer"}}
    connection.execute("select tasker.register_template(%s)", [Jsonb(definition)])
    return "shop/typed"


def test_create_says_when_it_fires_and_what_is_missing(cli, shop):
    given = ("schedule", "create", "s", shop, ORDER, "--every", "1h", "--tag", "x")
    ran = cli(*given)
    assert ran.code == 0
    assert ran.out.startswith("shop/s created. Next:\n")
    assert ran.out.count(":00:00 ") == 3
    assert "No orchestrator runs" in ran.out
    assert cli(*given).out.startswith("shop/s unchanged")
    assert cli(*given, "--jitter", "5m").code == 4
    assert cli(*given, "--jitter", "5m", "--replace").out.startswith("shop/s updated")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--cron", "61 * * * *"], 2, "bad minute"),
        (["--cron", "@daily", "--time-zone", "Mars"], 2, "no time zone 'Mars'"),
        (["--every", "often"], 2, "--every"),
        (["--every", "-10"], 2, "--every"),
        (["--every", "1h", "--cron", "@daily"], 2, "give one of"),
        ([], 2, "give one of"),
        (["--every", "1h", "--time-zone", "UTC"], 2, "--time-zone goes with --cron"),
        (["--at", "noon"], 2, "--at is 'noon'"),
        (["--at", "2020-01-01"], 2, "its time is over"),
        (["--every", "1h", "--context", "{x"], 2, "no JSON"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(cli, shop, options, code, message):
    ran = cli("schedule", "create", "s", shop, ORDER, *options)
    assert ran.code == code and message in ran.err and len(ran.err.splitlines()) == 1
    assert cli("schedule", "list", "-o", "ids").ids == []


def test_an_input_that_does_not_fit_and_a_template_that_is_not_there(cli, typed):
    ran = cli("schedule", "create", "s", typed, '"x"', "--every", "1h")
    assert (ran.code, "is not what shop/typed takes" in ran.err) == (2, True)
    cli("schedule", "create", "s", typed, "7", "--every", "1h")
    assert cli("schedule", "update", "shop/s", "--input", '"x"', "-r", "r").code == 2
    assert cli("schedule", "create", "s", "shop/odrer", "--every", "1h").code == 3


def test_list_and_show(cli, nightly, shop):
    assert "0 3 * * * (Europe/Berlin)" in cli("schedule", "list").out
    assert cli("schedule", "list", "-n", "other", "-o", "json").json == []
    cli("schedule", "trigger", nightly, "-r", "now")
    document = cli("schedule", "show", nightly, "-o", "json").json
    assert document["fires"][0]["state"] == "started"
    assert len(document["next_fires"]) == 5
    task = document["fires"][0]["task_id"]
    assert cli("schedule", "show", nightly, "-o", "ids").ids == [task]
    text = cli("schedule", "show", nightly).out
    assert "03:00:00 CE" in text and task in text and "trigger" in text and "the latest" in text
    assert cli("task", "list", "--tag", "schedule:nightly", "-o", "ids").ids == [task]
    assert cli("schedule", "show", "shop/none").code == 3
    assert cli("schedule", "show", "none").code == 2


def test_one_that_cannot_be_read_hides_no_other(cli, nightly, connection):
    bad = '{"template": "order", "cron": "61 * * * *"}'
    connection.execute("select tasker.create_schedule('shop', 'bad', %s)", [bad])
    assert cli("schedule", "list", "-o", "ids").ids == ["shop/bad", "shop/nightly"]
    assert "shop/bad" in cli("schedule", "list").out
    assert cli("schedule", "show", "shop/bad").code == 0


def test_pause_resume_update_and_delete(cli, nightly):
    assert cli("schedule", "pause", nightly, "-r", "holidays").out == "shop/nightly paused\n"
    assert "paused: holidays" in cli("schedule", "list").out
    assert cli("schedule", "pause", nightly, "-r", "holidays").code == 4
    assert cli("schedule", "resume", nightly, "-r", "over").code == 0
    ran = cli("schedule", "update", nightly, "--every", "10m", "--overlap", "buffer_one", "-r", "r")
    assert "every 10 min" in ran.out and "buffer one" in ran.out
    plain = cli("schedule", "update", nightly, "--every", "10", "-r", "seconds")
    assert "every 10 s" in plain.out
    assert cli("schedule", "update", nightly, "--cron", "x", "-r", "r").code == 2
    assert cli("schedule", "update", nightly, "-r", "r").code == 2
    assert cli("schedule", "delete", nightly, "-r", "r").code == 0
    assert "No schedule is there" in cli("schedule", "list").out


def test_trigger_says_what_became_of_it(cli, nightly):
    assert cli("schedule", "trigger", nightly, "-r", "r").out.startswith("started ")
    assert cli("schedule", "trigger", nightly, "-r", "r").out.startswith("skipped: the last one")
    ran = cli("schedule", "trigger", nightly, "-r", "r", "--overlap", "buffer_one")
    assert ran.out.startswith("buffered")


def test_preview_needs_no_database(cli):
    nowhere = {"TASKER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    ran = cli("schedule", "preview", "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin",
              "--start", "2027-03-28T00:00+00:00", "-c", "2", "-o", "json", **nowhere)  # fmt: skip
    assert ran.json == ["2027-03-28T01:00:00+00:00", "2027-03-29T00:30:00+00:00"]
    ran = cli("schedule", "preview", "--at", "2020-01-01", **nowhere)
    assert ran.out == "It does not fire any more.\n"


def test_backfill_is_done_by_the_orchestrator(cli, nightly, start, connection):
    now = datetime.now(UTC)
    days = [(now - timedelta(days=n)).date().isoformat() for n in (10, 5)]
    ran = cli("schedule", "backfill", nightly, "--from", days[0], "--to", days[1], "-r", "lost",
              "--overlap", "allow_all")  # fmt: skip
    assert ran.out == "shop/nightly will be backfilled\n"
    start("orchestrator")
    query = "select count(*) from tasker.fire where state = 'started'"
    wait(connection, query, 5)
    ran = cli("schedule", "backfill", nightly, "--from", "x", "--to", days[1], "-r", "r")
    assert (ran.code, "--from is 'x'" in ran.err) == (2, True)


def test_orchestrators_that_are_killed_lose_no_fire_and_repeat_none(cli, shop, start, connection):
    names = [f"s{n}" for n in range(20)]
    for name in names:
        cli("schedule", "create", name, shop, ORDER, "--every", "1s", "--overlap", "allow_all")
    connection.execute("update tasker.schedule set decided_until = now() - interval '300 seconds'")
    started = "select count(*) from tasker.fire where state = 'started'"
    for least in (500, 2000, 4000):
        first, second = start("orchestrator"), start("orchestrator")
        wait(connection, started, least)
        for each in (first, second):
            each.stop(signal.SIGKILL)
    start("orchestrator")
    wait(connection, started, 6000)
    connection.execute("update tasker.schedule set paused = true, wake_at = null")
    gaps = connection.execute(
        """select count(*) from (select fire_at - lag(fire_at) over
            (partition by schedule_id order by fire_at) as gap from tasker.fire) as f
        where gap <> interval '1 second'"""
    ).fetchone()
    assert gaps == (0,)
    tasks = connection.execute(
        """select count(*) = count(distinct f.task_id) and count(*) = (select count(*) from tasker.task)
        from tasker.fire f join tasker.task t using (task_id)"""
    ).fetchone()
    assert tasks == (True,)


def wait(connection, query, least, seconds=60):
    import time

    deadline = time.monotonic() + seconds
    while support.one(connection, query) < least:
        assert time.monotonic() < deadline, support.one(connection, query)
        time.sleep(0.05)
