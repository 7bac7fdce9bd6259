"""Schedules: what becomes of each fire, and that it becomes of it once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import anyio
import psycopg
import pytest
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    call,
    claim,
    claim_one,
    complete,
    fail,
    hand_in,
    in_background,
    one,
    register,
    register_worker,
    rows,
    run_all,
    step,
    task_state,
    template,
    wait_until_blocked,
)

from tasker_orchestration.scheduler import fire_due

WHO = {"reason": "because", "actor": "ann"}
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _template(request: pytest.FixtureRequest) -> None:
    if "engine" in request.fixturenames:
        register(request.getfixturevalue("engine").owner, template("report", step("a")))


def create(db: Connection, name: str = "s", **definition: Json) -> dict[str, Json]:
    if not definition.keys() & {"cron", "every", "at"}:
        definition["every"] = 60
    definition = {"template": "report", **definition}
    return call(db, "create_schedule", namespace="t", name=name, definition=definition)


def tick(db: Connection, most: int = 20) -> None:
    """What an orchestrator does, until nothing is due."""

    async def ask(statement: LiteralString, parameters: Sequence[Any]) -> Any:
        return one(db, statement, *parameters)

    for _ in range(most):
        call(db, "release_fires")
        due = call(db, "due_schedules")["due"]
        for each in due:
            anyio.run(fire_due, ask, each)
        if not due:
            return
    raise AssertionError("it does not come to rest")


def pass_by(db: Connection, minutes: float, name: str = "s") -> None:
    """Let nobody have looked at a schedule for some minutes, without a fire at the edge."""
    db.execute(
        """update tasker.schedule set wake_at = now(), next_fire_at = null, decided_until =
            date_trunc('minute', now()) - make_interval(secs => %s * 60 - 1) where name = %s""",
        [minutes, name],
    )


def states(db: Connection, name: str = "s") -> list[str]:
    """What became of the fires, the first first."""
    found = rows(db, "list_fires", namespace="t", name=name, max_rows=10000)
    return [each["state"] for each in reversed(found)]


def fires(db: Connection, name: str = "s") -> list[dict[str, Json]]:
    return list(reversed(rows(db, "list_fires", namespace="t", name=name, max_rows=10000)))


def tasks(db: Connection) -> list[UUID]:
    return [row[0] for row in db.execute("select task_id from tasker.task order by task_id")]


def refused(db: Connection, function: str, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as error:
        call(db, function, **arguments)
    return str(error.value.sqlstate), str(error.value.diag.message_primary)


# Definitions


def test_a_definition_is_stored_with_its_defaults(db: Connection) -> None:
    create(db, cron="0 3 * * *", start_at="2030-01-01T00:00+01:00", input={"a": None})
    found = call(db, "get_schedule", namespace="t", name="s")
    expected = {
        "template": "report", "version": None, "cron": "0 3 * * *", "time_zone": "UTC", "overlap": "skip", "jitter": 0,
        "catchup_window": 86400, "input": {"a": None}, "context": {}, "tags": [], "priority": 0, "end_at": None,
        "start_at": "2029-12-31T23:00:00.000000Z", "paused": False, "running": 0, "buffered": 0, "next_fire_at": None,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected
    assert [a["verb"] for a in found["actions"]] == ["create"]


@pytest.mark.parametrize(
    ("definition", "state", "message"),
    [
        ({"template": "none"}, "TK001", "no template t/none"),
        ({"version": "9"}, "TK001", "no template t/report version 9"),
        ({"cron": "0 3 * * *", "every": 60}, "TK002", "either cron, or every, or at"),
        ({"cron": "daily"}, "TK002", "five or six fields"),
        ({"every": 0.5}, "TK002", "from 1 to ten years"),
        ({"every": "60"}, "TK002", "every must be a number"),
        ({"every": 60, "offset": 60}, "TK002", "less than every"),
        ({"cron": "@daily", "offset": 60}, "TK002", "an offset goes with every"),
        ({"every": 60, "time_zone": "UTC"}, "TK002", "a time zone goes with cron"),
        ({"cron": "@daily", "time_zone": "Mars"}, "TK002", "no time zone 'Mars'"),
        ({"at": "2030-01-01T00:00"}, "TK002", "no time with a time zone"),
        ({"at": "tomorrow"}, "TK002", "no time with a time zone"),
        ({"at": "2020-01-01T00:00Z"}, "TK002", "its time is over"),
        ({"end_at": "2020-01-01T00:00Z"}, "TK002", "its time is over"),
        ({"jitter": -1}, "TK002", "from 0 to a day"),
        ({"catchup_window": 1}, "TK002", "from 10 to ten years"),
        ({"overlap": "queue"}, "TK002", "no overlap policy 'queue'"),
        ({"overlap": 3}, "TK002", "no overlap policy '3'"),
        ({"tags": "x"}, "TK002", "tags must be an array"),
        ({"priority": 0.5}, "TK002", "a priority must be"),
        ({"context": {"schedule": 1}}, "TK002", "the key schedule of a context"),
        ({"evry": 60}, "TK002", "no key 'evry'"),
    ],
)
def test_a_malformed_definition_is_refused(
    db: Connection, definition: dict[str, Json], state: str, message: str
) -> None:
    if not definition.keys() & {"cron", "every", "at"}:
        definition = {"every": 60, **definition}
    found = refused(
        db, "create_schedule", namespace="t", name="s", definition={"template": "report", **definition}
    )  # fmt: skip
    assert found[0] == state and message in found[1]
    assert one(db, "select count(*) from tasker.schedule") == 0


def test_names(db: Connection) -> None:
    for name in ("", " x", "a/b", "x" * 129, "a\nb"):
        definition = {"template": "report", "every": 60}
        assert refused(
            db, "create_schedule", namespace="t", name=name, definition=definition
        )[0] == "TK002"  # fmt: skip
    assert create(db, "every night, at 3")["created"]
    assert refused(db, "get_schedule", namespace="t", name="none")[0] == "TK001"
    code, text = refused(db, "pause_schedule", namespace="t", name="none", **WHO)
    assert (code, text) == ("TK001", "no schedule t/none")


def test_the_same_again_is_no_change_and_another_is_a_conflict(db: Connection) -> None:
    assert create(db, every=60) == {
        "namespace": "t",
        "name": "s",
        "created": True,
        "updated": False,
    }
    assert create(db, every=60.0)["created"] is False
    another = {"template": "report", "every": 61}
    given = {"namespace": "t", "name": "s", "definition": another}
    assert refused(db, "create_schedule", **given)[0] == "TK003"
    assert call(db, "create_schedule", **given, on_conflict="update")["updated"] is True
    assert call(db, "get_schedule", namespace="t", name="s")["every"] == 61


# Fires


def test_each_time_fires_once_and_the_task_knows_its_time(db: Connection) -> None:
    create(db, overlap="allow_all", input={"n": 7}, context={"who": "me"}, tags=["x"], priority=2)
    tick(db)
    assert tasks(db) == []
    found = call(db, "get_schedule", namespace="t", name="s")
    assert datetime.now(UTC) < datetime.fromisoformat(found["next_fire_at"])
    pass_by(db, 2)
    tick(db)
    first, second = fires(db)
    assert [first["state"], second["state"]] == ["started", "started"]
    assert (
        datetime.fromisoformat(second["fire_at"]) - datetime.fromisoformat(first["fire_at"])
        == MINUTE
    )
    task = call(db, "get_task", task_id=second["task_id"])
    assert (task["input"], task["priority"], task["tags"]) == ({"n": 7}, 2, ["x", "schedule:s"])
    assert task["context"]["who"] == "me"
    assert task["context"]["schedule"]["name"] == "s"
    assert task["context"]["schedule"]["origin"] == "schedule"
    given = datetime.fromisoformat(task["context"]["schedule"]["fire_at"])
    assert given == datetime.fromisoformat(second["fire_at"])
    pass_by(db, 2)  # as if it had been forgotten
    tick(db)
    assert len(tasks(db)) == 2


def test_what_was_missed_within_the_window_fires_and_the_rest_is_recorded(db: Connection) -> None:
    create(db, overlap="allow_all", catchup_window=300)
    pass_by(db, 8)
    tick(db)
    found = fires(db)
    late = [datetime.now(UTC) - datetime.fromisoformat(f["fire_at"]) > 5 * MINUTE for f in found]
    assert len(found) == 8 and 2 <= sum(late) <= 4
    assert [f["state"] for f in found] == ["missed" if one_ else "started" for one_ in late]


def test_more_than_one_look_can_take_is_taken_in_several(db: Connection) -> None:
    create(db, every=1, catchup_window=10)
    db.execute("update tasker.schedule set decided_until = now() - interval '2500 seconds'")
    tick(db)
    found = states(db)
    assert 2498 <= len(found) <= 2501
    assert found.count("started") == 1 and found.count("missed") >= 2485


def test_a_one_off_fires_once_and_has_no_next(db: Connection) -> None:
    create(db, at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    tick(db)
    db.execute(
        """update tasker.schedule set wake_at = now(), decided_until = now() - interval '2 hours',
            definition = definition || jsonb_build_object('at', tasker.utc_text(now() - interval '1 hour'))"""
    )
    tick(db)
    assert states(db) == ["started"]
    found = one(db, "select wake_at is null and next_fire_at is null from tasker.schedule")
    assert found is True


def test_jitter_delays_each_fire_by_the_same_whenever_it_is_asked(db: Connection) -> None:
    create(db, every=600, jitter=300)
    tick(db)
    query = "select extract(epoch from wake_at - next_fire_at)::float8 from tasker.schedule"
    delay = one(db, query)
    assert 0 <= delay <= 300
    db.execute("update tasker.schedule set wake_at = now()")
    tick(db)
    assert one(db, query) == delay
    delays = one(
        db,
        """select array_agg(extract(epoch from tasker.jitter_of(s, to_timestamp(n * 600)))::float8)
            from tasker.schedule s, generate_series(1, 200) n""",
    )
    assert len(set(delays)) > 190 and min(delays) < 30 and max(delays) > 270


def test_a_fire_whose_jitter_is_not_over_is_left(db: Connection) -> None:
    create(db, overlap="allow_all", jitter=86400)
    pass_by(db, 1)
    tick(db)
    assert fires(db) == []
    found = call(db, "get_schedule", namespace="t", name="s")
    assert datetime.fromisoformat(found["next_fire_at"]) < datetime.now(UTC)


def test_two_orchestrators_at_once_fire_once(engine: Engine) -> None:
    db = engine.owner
    create(db, overlap="allow_all")
    pass_by(db, 5)
    [due] = call(db, "due_schedules")["due"]

    async def ask_on(connection: Connection) -> bool:
        async def ask(statement: LiteralString, parameters: Sequence[Any]) -> Any:
            return one(connection, statement, *parameters)

        return await fire_due(ask, due)

    with engine.connect() as first, engine.connect() as second:
        first.execute("begin")
        assert anyio.run(ask_on, first) is True
        with in_background(lambda: anyio.run(ask_on, second)) as late:
            wait_until_blocked(db, second.info.backend_pid, late.done)
            first.execute("commit")
            assert late.result() is False
    assert states(db) == ["started"] * 5
    assert len(tasks(db)) == 5


def test_an_orchestrator_that_dies_in_between_loses_nothing(engine: Engine) -> None:
    db = engine.owner
    create(db, overlap="allow_all")
    pass_by(db, 3)
    doomed = engine.connect()
    doomed.execute("begin")

    async def ask(statement: LiteralString, parameters: Sequence[Any]) -> Any:
        return one(doomed, statement, *parameters)

    [due] = call(db, "due_schedules")["due"]
    assert anyio.run(fire_due, ask, due) is True
    db.execute("select pg_terminate_backend(%s)", [doomed.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        doomed.execute("commit")
    assert tasks(db) == []
    tick(db)
    assert states(db) == ["started"] * 3


def test_a_schedule_that_cannot_be_read_rests_and_says_why(db: Connection) -> None:
    create(db, "bad", cron="61 * * * *")
    create(db, overlap="allow_all")
    pass_by(db, 1)
    tick(db)
    assert states(db) == ["started"]
    found = call(db, "get_schedule", namespace="t", name="bad")
    assert "bad minute" in found["fault"]
    given = {"namespace": "t", "name": "bad"}
    hour_ago = datetime.now(UTC) - 60 * MINUTE
    assert refused(
        db, "backfill_schedule", **given, **WHO, start_at=hour_ago, end_at=hour_ago
    )[0] == "TK004"  # fmt: skip
    fixed = call(db, "update_schedule", **given, **WHO, changes={"cron": "1 * * * *"})
    assert fixed["fault"] is None
    tick(db)
    assert call(db, "get_schedule", **given)["next_fire_at"] is not None


def test_a_refused_task_does_not_hold_up_the_others(db: Connection) -> None:
    create(db, overlap="allow_all")
    db.execute("""update tasker.schedule set definition = definition || '{"version": "9"}'""")
    pass_by(db, 2)
    tick(db)
    assert states(db) == ["refused", "refused"]
    assert "no template t/report version 9" in fires(db)[0]["note"]


# Overlap


def overlapping(db: Connection, policy: str, times: int = 3) -> list[str]:
    """Let a task run, then let more fires come, one at a time; what became of all."""
    create(db, overlap=policy)
    for _ in range(times):
        db.execute(
            """update tasker.fire set fire_at = fire_at - interval '1 hour' where origin = 'schedule'"""
        )
        pass_by(db, 1)
        tick(db)
    return states(db)


def test_skip(db: Connection) -> None:
    assert overlapping(db, "skip") == ["started", "skipped", "skipped"]
    run_all(register_worker(db))
    pass_by(db, 2)
    tick(db)
    assert states(db)[-1] == "started"


def test_a_task_that_is_blocked_by_a_failure_holds_nothing_up(db: Connection) -> None:
    create(db)
    pass_by(db, 1)
    tick(db)
    worker = register_worker(db)
    hand_in(worker, fail(claim_one(worker)))
    assert task_state(db, tasks(db)[0]) == "blocked_by_failures"
    call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    assert states(db) == ["started", "started"]


def test_buffer_one(db: Connection) -> None:
    assert overlapping(db, "buffer_one", 4) == ["started", "buffered", "skipped", "skipped"]
    assert call(db, "release_fires") == 0
    run_all(register_worker(db))
    tick(db)
    assert states(db) == ["started", "started", "skipped", "skipped"]


def test_buffer_all_runs_one_after_the_other_in_order(db: Connection) -> None:
    assert overlapping(db, "buffer_all") == ["started", "buffered", "buffered"]
    worker = register_worker(db)
    for done in (2, 3):
        run_all(worker)
        assert call(db, "release_fires") == 1
        assert states(db) == ["started"] * done + ["buffered"] * (3 - done)
        assert call(db, "release_fires") == 0


def test_a_full_buffer_skips(db: Connection) -> None:
    create(db, overlap="buffer_all")
    call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    db.execute(
        """insert into tasker.fire (schedule_id, fire_at, origin, state)
        select schedule_id, now(), 'trigger', 'buffered' from tasker.schedule, generate_series(1, 1000)"""
    )
    fire = call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    assert (fire["state"], fire["note"]) == ("skipped", "1,000 were waiting already")


def test_cancel_other_starts_when_no_worker_holds_the_cancelled_one(db: Connection) -> None:
    create(db, overlap="cancel_other")
    pass_by(db, 1)
    tick(db)
    lease = claim_one(register_worker(db))
    given = {"namespace": "t", "name": "s", **WHO}
    assert call(db, "trigger_schedule", **given)["state"] == "buffered"
    assert task_state(db, lease.task_id) == "cancelled"
    assert one(db, "select actor from tasker.action") == "schedule s"
    assert call(db, "trigger_schedule", **given)["state"] == "buffered"
    assert states(db) == ["started", "skipped", "buffered"]
    assert call(db, "release_fires") == 0
    db.execute("update tasker.fire set not_before = now() where state = 'buffered'")
    assert call(db, "release_fires") == 1
    assert states(db) == ["started", "skipped", "started"]


def test_cancel_other_starts_at_once_when_no_worker_had_begun(db: Connection) -> None:
    create(db, overlap="cancel_other")
    pass_by(db, 1)
    tick(db)
    fire = call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    assert fire["state"] == "started"
    assert task_state(db, tasks(db)[0]) == "cancelled"


def test_terminate_other_starts_at_once(db: Connection) -> None:
    create(db, overlap="terminate_other")
    pass_by(db, 1)
    tick(db)
    lease = claim_one(register_worker(db))
    fire = call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    assert fire["state"] == "started"
    assert task_state(db, lease.task_id) == "cancelled"


def test_catching_up_does_not_start_what_the_next_would_cancel(db: Connection) -> None:
    create(db, overlap="cancel_other")
    pass_by(db, 3)
    tick(db)
    assert states(db) == ["skipped", "skipped", "started"]


def test_allow_all(db: Connection) -> None:
    assert overlapping(db, "allow_all") == ["started"] * 3


# Operators


def test_a_paused_schedule_starts_nothing_and_leaves_out_the_pause(db: Connection) -> None:
    create(db, overlap="buffer_all")
    pass_by(db, 2)
    tick(db)
    found = call(db, "pause_schedule", namespace="t", name="s", **WHO)
    assert (found["paused"], found["note"], found["next_fire_at"]) == (True, "because", None)
    assert refused(db, "pause_schedule", namespace="t", name="s", **WHO)[0] == "TK004"
    run_all(register_worker(db))
    tick(db)
    assert states(db) == ["started", "buffered"]
    db.execute("update tasker.schedule set decided_until = now() - interval '1 hour'")
    found = call(db, "resume_schedule", namespace="t", name="s", **WHO)
    assert [a["verb"] for a in found["actions"]] == ["resume", "pause", "create"]
    assert refused(db, "resume_schedule", namespace="t", name="s", **WHO)[0] == "TK004"
    tick(db)
    assert states(db) == ["started", "started"]


def test_a_fire_found_before_the_pause_is_not_fired_in_it(db: Connection) -> None:
    create(db)
    pass_by(db, 1)
    [due] = call(db, "due_schedules")["due"]
    call(db, "pause_schedule", namespace="t", name="s", **WHO)
    call(db, "resume_schedule", namespace="t", name="s", **WHO)
    fired = call(
        db, "fire_schedule", schedule_id=due["schedule_id"], revision=due["revision"],
        fires=[datetime.now(UTC) - MINUTE], next_fire_at=None,
    )  # fmt: skip
    assert fired is False and tasks(db) == []


def test_trigger_has_a_policy_of_its_own_and_works_while_paused(db: Connection) -> None:
    create(db)
    call(db, "pause_schedule", namespace="t", name="s", **WHO)
    given = {"namespace": "t", "name": "s", **WHO}
    assert call(db, "trigger_schedule", **given)["state"] == "started"
    assert call(db, "trigger_schedule", **given)["state"] == "skipped"
    assert call(db, "trigger_schedule", **given, overlap="allow_all")["state"] == "started"
    assert call(db, "trigger_schedule", **given, overlap="buffer_one")["state"] == "buffered"
    run_all(register_worker(db))
    tick(db)
    assert states(db)[-1] == "started"
    assert refused(db, "trigger_schedule", **given, overlap="x")[0] == "TK002"


def test_a_reason_and_an_actor_are_asked_for(db: Connection) -> None:
    create(db)
    for verb in ("pause", "trigger", "delete"):
        given = {"namespace": "t", "name": "s", "reason": " ", "actor": "ann"}
        assert refused(db, f"{verb}_schedule", **given)[0] == "TK002"
    assert tasks(db) == []


def test_a_backfill_fires_a_range_again(db: Connection) -> None:
    create(db, overlap="skip")
    end = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    given = {"namespace": "t", "name": "s", **WHO, "start_at": end - 4 * MINUTE, "end_at": end}
    call(db, "backfill_schedule", **given)
    assert call(db, "get_schedule", namespace="t", name="s")["backfills"] == 1
    tick(db)
    found = fires(db)
    times = [datetime.fromisoformat(f["fire_at"]) for f in found]
    assert times == [end - n * MINUTE for n in (4, 3, 2, 1, 0)]
    assert {f["origin"] for f in found} == {"backfill"}
    assert states(db) == ["started"] + ["buffered"] * 4
    call(db, "backfill_schedule", **given, overlap="allow_all")
    tick(db)
    assert states(db)[5:] == ["started"] * 5
    assert one(db, "select count(*) from tasker.backfill") == 0


def test_a_backfill_larger_than_the_buffer_goes_on_when_there_is_room(db: Connection) -> None:
    create(db, every=60)
    end = datetime.now(UTC) - MINUTE
    call(
        db, "backfill_schedule", namespace="t", name="s", **WHO,
        start_at=end - 1200 * MINUTE, end_at=end,
    )  # fmt: skip
    tick(db, 50)
    assert states(db).count("buffered") == 1000
    db.execute("delete from tasker.fire where state = 'buffered'")
    tick(db)
    assert states(db) == ["started"] + ["buffered"] * 199
    assert one(db, "select count(*) from tasker.backfill") == 0


@pytest.mark.parametrize(
    ("start", "end", "overlap"), [(-1, -2, "skip"), (-1, 1, "skip"), (-2, -1, "x"), (-2, -1, None)]
)
def test_a_backfill_that_makes_no_sense_is_refused(
    db: Connection, start: int, end: int, overlap: str | None
) -> None:
    create(db)
    now = datetime.now(UTC)
    found = refused(
        db, "backfill_schedule", namespace="t", name="s", **WHO, overlap=overlap,
        start_at=now + start * 60 * MINUTE, end_at=now + end * 60 * MINUTE,
    )  # fmt: skip
    assert found[0] == "TK002"
    assert one(db, "select count(*) from tasker.backfill") == 0


def test_an_update_changes_what_it_names_from_now_on(db: Connection) -> None:
    create(db, cron="0 3 * * *", time_zone="Europe/Berlin", input={"n": 1})
    given = {"namespace": "t", "name": "s", **WHO}
    found = call(db, "update_schedule", **given, changes={"every": 3600, "overlap": "allow_all"})
    assert (found["every"], found["offset"], found["input"]) == (3600, 0, {"n": 1})
    assert not found.keys() & {"cron", "time_zone"}
    assert found["overlap"] == "allow_all"
    call(db, "update_schedule", **given, changes={"overlap": None})
    assert call(db, "get_schedule", namespace="t", name="s")["overlap"] == "skip"
    assert refused(db, "update_schedule", **given, changes={"every": -1})[0] == "TK002"
    assert (
        refused(db, "update_schedule", **given, changes={"at": "2020-01-01T00:00Z"})[0] == "TK002"
    )
    pass_by(db, 1)
    call(db, "update_schedule", **given, changes={"every": 60})
    tick(db)
    assert fires(db) == []


def test_delete_takes_what_waits_and_leaves_what_runs(db: Connection) -> None:
    create(db, overlap="buffer_all")
    pass_by(db, 2)
    tick(db)
    call(db, "delete_schedule", namespace="t", name="s", **WHO)
    assert rows(db, "list_schedules") == []
    assert one(db, "select count(*) from tasker.fire") == 0
    [task] = tasks(db)
    assert task_state(db, task) == "in_progress"
    verbs = db.execute(
        "select verb, actor from tasker.schedule_action order by action_id"
    ).fetchall()
    assert verbs[-1] == ("delete", "ann")
    assert create(db)["created"] is True


def test_old_fires_are_pruned_but_for_the_last_ten_and_what_lives(db: Connection) -> None:
    create(db, overlap="allow_all")
    pass_by(db, 30)
    tick(db)
    worker = register_worker(db)
    leases = sorted(claim(worker), key=lambda lease: lease.task_id)
    hand_in(worker, *[complete(lease) for lease in leases[1:]])
    db.execute("update tasker.fire set decided_at = now() - interval '8 days'")
    call(db, "trigger_schedule", namespace="t", name="s", **WHO)
    assert call(db, "prune_fires", older_than=timedelta(days=7), max_rows=5) == 5
    assert call(db, "prune_fires", older_than=timedelta(days=7)) == 15
    assert call(db, "prune_fires", older_than=timedelta(days=7)) == 0
    assert len(fires(db)) == 11
    assert fires(db)[0]["task_id"] == str(leases[0].task_id)


def test_a_task_that_was_pruned_is_over(db: Connection) -> None:
    create(db)
    pass_by(db, 1)
    tick(db)
    [task] = tasks(db)
    worker = register_worker(db)
    run_all(worker)
    db.execute("update tasker.task set completed_at = now() - interval '9 days'")
    db.execute("delete from tasker.task")
    assert call(db, "trigger_schedule", namespace="t", name="s", **WHO)["state"] == "started"
    [_, *_rest] = fires(db)
    assert fires(db)[0]["task_id"] == str(task) and fires(db)[0]["task_state"] is None
