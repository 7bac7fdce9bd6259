"""What orchestrators do: fire timers, rescue, prune, and keep the low-water marks."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.engine.support import (
    Connection,
    Engine,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    claim_one,
    complete,
    fail,
    fire,
    hand_in,
    make_due,
    one,
    register,
    register_worker,
    retry,
    run_all,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}


def begin(db: Connection, *steps: dict[str, Any], **more: Any) -> tuple[UUID, Worker]:
    """Submit a task of a new template of these steps; its id, and a worker."""
    register(db, template("x", *steps, **more))
    return submit(db, "x"), register_worker(db)


def promote(connection: Connection, max_rows: int = 1000) -> int:
    return call(connection, "promote_due", max_rows=max_rows)["fired"]


# Timers


def test_no_timer_fires_before_its_time(db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    hand_in(worker, retry(claim_one(worker), delay=100))
    answer = call(db, "promote_due")
    assert answer["fired"] == 0
    now = one(db, "select extract(epoch from now())::float8")
    assert 98 < answer["next_due"] - now < 101
    assert step_states(db, task_id) == {"a": "waiting_for_retry"}
    assert fire(db) == 1
    assert call(db, "promote_due") == {"fired": 0, "next_due": None}


def delayed(db: Connection, count: int) -> None:
    """Submit tasks that start later, and let them be due."""
    register(db, template("x", step("a")))
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    submit_many(db, "x", [{"start_at": later}] * count)
    make_due(db)


def test_the_earliest_fire_first_up_to_a_limit(db: Connection) -> None:
    delayed(db, 25)
    db.execute(
        """update tasker.timer set fire_at = now() - n * interval '1 minute'
        from (select task_id, row_number() over () as n from tasker.task) as t
        where t.task_id = timer.task_id"""
    )
    earliest = one(
        db,
        """select array_agg(task_id) from
            (select task_id from tasker.timer order by fire_at limit 10) t""",
    )
    assert promote(db, 10) == 10
    started = one(db, "select array_agg(task_id) from tasker.task where state = 'in_progress'")
    assert set(started) == set(earliest)
    assert [promote(db, 10) for _ in range(3)] == [10, 5, 0]
    assert broken(db) == []


def test_the_limit_holds_for_many_timers_of_one_task(db: Connection) -> None:
    task_id, worker = begin(db, *(step(f"s{n}") for n in range(50)))
    hand_in(worker, *map(retry, claim(worker)))
    make_due(db)
    assert promote(db, 20) == 20
    counts = call(db, "get_task", task_id=task_id)["steps"]
    assert (counts["enqueued"], counts["waiting_for_retry"]) == (20, 30)
    assert broken(db) == []
    assert [promote(db, 20) for _ in range(3)] == [20, 10, 0]
    assert broken(db) == []


def test_promoters_share_what_is_due_and_wait_for_nobody(engine: Engine, db: Connection) -> None:
    delayed(db, 20)
    with engine.connect() as one_side, engine.connect() as other_side:
        one_side.autocommit = False
        other_side.execute("set lock_timeout = '200ms'")
        assert promote(one_side, 5) == 5
        # What the first holds stays due; the second looks at the earliest and steps over those.
        assert promote(other_side, 12) == 7
        one_side.commit()
    assert promote(db) == 8
    assert one(db, "select count(*) from pgmq.q_tasker_t") == 20
    assert broken(db) == []


def test_a_timer_of_a_held_task_fires_later(engine: Engine, db: Connection) -> None:
    task_id, worker = begin(db, step("a"))
    hand_in(worker, retry(claim_one(worker)))
    make_due(db)
    with engine.connect() as other:
        other.autocommit = False
        other.execute("select from tasker.task for no key update")
        assert promote(db) == 0
        assert claim(worker) == [], "nor does an exchange wait for it"
        other.rollback()
    assert step_states(db, task_id) == {"a": "waiting_for_retry"}
    assert promote(db) == 1


def test_a_timer_of_nothing_is_taken_away(db: Connection) -> None:
    register(db, template("x", step("a")))
    db.execute(
        "insert into tasker.timer (fire_at, task_id, step_no, kind) values (now(), %s, 1, 'retry')",
        [uuid4()],
    )
    promote(db)
    assert one(db, "select count(*) from tasker.timer") == 0


def test_timers_of_nothing_do_not_stand_before_others(db: Connection) -> None:
    delayed(db, 1)
    for _ in range(5):
        db.execute(
            """insert into tasker.timer (fire_at, task_id, step_no, kind)
            values (now() - interval '1 day', %s, 1, 'retry')""",
            [uuid4()],
        )
    assert promote(db, 3) + promote(db, 3) == 1


# Rescue


def age(db: Connection) -> None:
    """Let every step have been enqueued a while ago, so that the rescuer looks at it."""
    db.execute("update tasker.step set enqueued_at = enqueued_at - interval '2 minutes'")


def test_a_healthy_database_needs_no_rescue(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b"), step("c"), step("d"), step("e", "a"))
    held = claim_named(worker, want=3)
    hand_in(worker, retry(held["a"]), fail(held["b"]))
    submit(db, "x", start_at=datetime.now(UTC) + timedelta(hours=1))
    age(db)
    before = step_states(db, task_id)
    assert call(db, "rescue") == {"rescued": 0, "next": None}
    assert step_states(db, task_id) == before


def test_a_purged_queue_is_filled_again(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", "a"), step("c", queue="gpu")))
    tasks = [submit(db, "x") for _ in range(5)]
    worker = register_worker(db, "t", "gpu")
    claim(worker, want=3)
    db.execute("select pgmq.purge_queue('tasker_t'), pgmq.purge_queue('tasker_gpu')")
    assert call(db, "rescue")["rescued"] == 0, "nothing is old enough yet"
    age(db)
    assert len(broken(db)) == 10
    assert call(db, "rescue")["rescued"] == 10
    assert broken(db) == []
    assert call(db, "rescue")["rescued"] == 0
    assert run_all(worker) == 15
    assert {task_state(db, t) for t in tasks} == {"complete"}
    assert broken(db) == []


def test_rescuing_goes_page_by_page(db: Connection) -> None:
    register(db, template("x", step("a")))
    submit_many(db, "x", [{}] * 25)
    db.execute("select pgmq.purge_queue('tasker_t')")
    age(db)
    found, after = [], None
    while True:
        answer = call(db, "rescue", after=after, max_rows=10)
        found.append(answer["rescued"])
        after = answer["next"] and UUID(answer["next"])
        if after is None:
            break
    assert found == [10, 10, 5]
    assert broken(db) == []


def test_what_is_ready_but_was_never_enqueued_is(db: Connection) -> None:
    task_id, worker = begin(db, step("a"), step("b", "a", step_time_limit=100))
    hand_in(worker, complete(claim_one(worker)))
    db.execute("update tasker.step set state = 'pending', msg_id = null where step_no = 2")
    db.execute("update tasker.task set live = 0")
    db.execute("delete from pgmq.q_tasker_t")
    db.execute("delete from tasker.timer")
    assert call(db, "rescue")["rescued"] == 1
    assert broken(db) == []
    assert run_all(worker) == 1
    assert task_state(db, task_id) == "complete"


def test_a_retry_whose_timer_is_gone_is_enqueued(db: Connection) -> None:
    _, worker = begin(db, step("a"))
    hand_in(worker, retry(claim_one(worker)))
    db.execute("delete from tasker.timer")
    assert call(db, "rescue")["rescued"] == 1
    assert broken(db) == []
    assert claim_one(worker).attempt == 2


def test_a_rescuer_waits_for_nobody(engine: Engine, db: Connection) -> None:
    begin(db, step("a"))
    age(db)
    db.execute("select pgmq.purge_queue('tasker_t')")
    with engine.connect() as other:
        other.autocommit = False
        other.execute("select from tasker.task for no key update")
        db.execute("set lock_timeout = '200ms'")
        assert call(db, "rescue")["rescued"] == 0
        other.rollback()
    assert call(db, "rescue")["rescued"] == 1


# Prune


ID_TABLES = ("task", "step", "attempt", "timer", "action", "idempotency_key")


def backdate(db: Connection, days: int) -> None:
    """Let all tasks be so many days older. Their ids tell their age, too."""
    for table in ID_TABLES:
        db.execute(
            f"""update tasker.{table} set task_id = overlay(replace(task_id::text, '-', '')
                placing lpad(to_hex(('x0000' || left(replace(task_id::text, '-', ''), 12))::bit(64)
                    ::bigint - {days} * 86400000::bigint), 12, '0') from 1 for 12)::uuid"""
        )
    db.execute(
        f"""update tasker.task set created_at = created_at - interval '{days} days',
        completed_at = completed_at - interval '{days} days'"""
    )


def prune(db: Connection, days: int = 30, after: str | None = None, max_rows: int = 1000) -> Any:
    return call(db, "prune", older_than=timedelta(days=days), after=after, max_rows=max_rows)


def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(db: Connection) -> None:
    _, worker = begin(db, step("a"), step("b", "a", step_time_limit=100))
    submit(db, "x", idempotency_key="k")
    leases = claim(worker)
    hand_in(worker, complete(leases[0]), retry(leases[1]))
    fire(db, "retry")
    run_all(worker)
    for (task_id,) in db.execute("select task_id from tasker.task").fetchall():
        db.execute(
            "insert into tasker.action (task_id, verb, reason, actor) values (%s, 'v', 'r', 'a')",
            [task_id],
        )
    assert prune(db)["pruned"] == 0
    backdate(db, 31)
    assert prune(db, days=32)["pruned"] == 0
    assert prune(db) == {"pruned": 2, "next": None}
    for table in ID_TABLES:
        assert one(db, f"select count(*) from tasker.{table}") == 0, table


def test_open_and_blocked_tasks_stay_however_old(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", "a")))
    tasks = [submit(db, "x") for _ in range(6)]
    worker = register_worker(db)
    by_task = {lease.task_id: lease for lease in claim(worker, want=5)}
    hand_in(worker, fail(by_task[tasks[0]]), retry(by_task[tasks[1]]), complete(by_task[tasks[2]]))
    call(db, "cancel_task", task_id=tasks[3], **WHO)
    submit(db, "x", start_at=datetime.now(UTC) + timedelta(days=90))
    backdate(db, 31)
    before = one(db, "select count(*) from tasker.step")
    assert prune(db)["pruned"] == 1
    assert one(db, "select count(*) from tasker.task where state = 'cancelled'") == 0
    assert one(db, "select count(*) from tasker.step") == before - 2


def test_a_task_that_ended_lately_stays_though_it_began_long_ago(db: Connection) -> None:
    _, worker = begin(db, step("a"))
    backdate(db, 31)
    db.execute(
        """update pgmq.q_tasker_t set message = jsonb_build_object(
            'task_id', (select task_id from tasker.task), 'step_no', 1)"""
    )
    assert run_all(worker) == 1
    assert prune(db)["pruned"] == 0


def test_pruning_goes_page_by_page_and_past_what_stays(db: Connection) -> None:
    register(db, template("x", step("a")))
    ids = [t for _, t, _ in submit_many(db, "x", [{}] * 30)]
    for task_id in sorted(ids)[5:25]:
        call(db, "cancel_task", task_id=task_id, **WHO)
    backdate(db, 31)
    submit(db, "x")
    found, after = [], None
    while True:
        answer = prune(db, after=after, max_rows=8)
        found.append(answer["pruned"])
        after = answer["next"]
        if after is None:
            break
    assert found == [3, 8, 8, 1]
    assert one(db, "select count(*) from tasker.task") == 11


def test_pruning_does_not_look_at_what_is_younger(db: Connection) -> None:
    """However many tasks there are: it reads a handful of pages."""
    register(db, template("x", step("a")))
    submit_many(db, "x", [{}] * 5000)
    db.execute("update tasker.task set state = 'cancelled', live = 0, completed_at = now()")
    db.execute("vacuum analyze tasker.task")
    assert buffers(db, "select tasker.prune('1 day')") > 0  # fills the caches
    assert buffers(db, "select tasker.prune('1 day')") < 20


def buffers(db: Connection, query: str) -> int:
    """Run a query; how many pages it read."""
    [(plan,)] = db.execute(f"explain (analyze, buffers, format json) {query}").fetchall()
    return plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]


def test_pruners_share_and_wait_for_nobody(engine: Engine, db: Connection) -> None:
    register(db, template("x", step("a")))
    ids = [t for _, t, _ in submit_many(db, "x", [{}] * 10)]
    for task_id in ids:
        call(db, "cancel_task", task_id=task_id, **WHO)
    backdate(db, 31)
    with engine.connect() as other:
        other.autocommit = False
        db.execute("set lock_timeout = '200ms'")
        assert prune(other, max_rows=4)["pruned"] == 4
        assert prune(db)["pruned"] == 6
        other.commit()
    assert one(db, "select count(*) from tasker.step") == 0


# Upkeep


def upkeep(connection: Connection, name: str = "o") -> int:
    given = {"orchestrator_id": uuid4(), "name": name}
    return call(connection, "upkeep", **given)["workers_forgotten"]


def test_who_does_not_report_any_more_is_forgotten(db: Connection) -> None:
    worker, gone = register_worker(db, "t"), register_worker(db, "t")
    upkeep(db, "gone")
    for table in "worker", "orchestrator":
        db.execute(f"update tasker.{table} set seen_at = now() - interval '2 minutes'")
    db.execute("update tasker.worker set seen_at = now() where worker_id = %s", [worker.id])
    assert upkeep(db, "here") == 1
    assert one(db, "select array_agg(worker_id) from tasker.worker") == [worker.id]
    assert [
        o["name"] for o in db.execute("select tasker.list_orchestrators()").fetchone() or ()
    ] == ["here"]
    assert gone.id != worker.id


def test_an_orchestrator_reports_under_one_entry(db: Connection) -> None:
    given = {"orchestrator_id": uuid4(), "name": "o"}
    for _ in range(3):
        call(db, "upkeep", **given)
    assert one(db, "select count(*) from tasker.orchestrator") == 1


# The low-water mark


def low_water(db: Connection) -> int:
    return one(db, "select low_water[1] from tasker.queue where name = 't'")


def raise_mark(db: Connection) -> int:
    """Raise the mark as far as it will go; where it stands."""
    for _ in range(3):
        upkeep(db)
    return low_water(db)


def test_the_mark_follows_what_is_done(db: Connection) -> None:
    register(db, template("x", step("a")))
    submit_many(db, "x", [{}] * 20)
    worker = register_worker(db)
    assert raise_mark(db) == 1, "the first message"
    leases = claim(worker)
    hand_in(worker, *map(complete, leases[:15]))
    assert raise_mark(db) == 16
    hand_in(worker, *map(complete, leases[16:]))
    assert raise_mark(db) == 16
    hand_in(worker, complete(leases[15]))
    assert raise_mark(db) == 20
    submit(db, "x")
    assert [lease.msg_id for lease in claim(worker)] == [21]


@pytest.mark.parametrize("traffic", [True, False], ids=["busy", "quiet"])
def test_messages_committed_after_the_mark_moved_are_above_it(
    engine: Engine, db: Connection, traffic: bool
) -> None:
    """Their transaction took the ids before, and perhaps nothing else has ended meanwhile."""
    register(db, template("x", step("a")))
    worker = register_worker(db)
    with engine.connect() as slow:
        slow.autocommit = False
        late = {task_id for _, task_id, _ in submit_many(slow, "x", [{}] * 20)}
        for _ in range(5):
            if traffic:
                submit(db, "x")
                assert run_all(worker) == 1
            upkeep(db)
            assert low_water(db) <= 1
        slow.commit()
    assert {lease.task_id for lease in claim(worker)} == late


def test_two_messages_of_one_slow_transaction(engine: Engine, db: Connection) -> None:
    """Its xid is older than the position that is put down; ids it takes later are newer."""
    register(db, template("x", step("a")))
    worker = register_worker(db)
    with engine.connect() as slow:
        slow.autocommit = False
        slow.execute("select pg_current_xact_id()")
        upkeep(db)
        submit(db, "x")
        run_all(worker)
        late = [submit(slow, "x")]
        upkeep(db)
        submit(db, "x")
        run_all(worker)
        late.append(submit(slow, "x"))
        raise_mark(db)
        slow.commit()
    assert [lease.task_id for lease in claim(worker)] == late


OPEN = ("begin", "submit", "submit many", "commit", "rollback")
ALONE = ("submit", "run", "upkeep", "upkeep", "tick")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(OPEN))
        | st.tuples(st.just(-1), st.sampled_from(ALONE)),
        min_size=10,
        max_size=40,
    )
)
@example([(0, "submit many"), (-1, "upkeep"), (-1, "upkeep"), (0, "commit")])
@example(
    [(0, "submit"), (1, "submit"), (-1, "upkeep"), (1, "commit"), (-1, "upkeep"), (0, "commit")]
)
def test_no_message_that_is_or_may_come_is_below_the_mark(
    shared_engine: Engine, program: list[tuple[int, str]]
) -> None:
    """Whatever transactions are under way, and however they end."""
    db = shared_engine.owner
    register(db, template("x", step("a")))
    worker = register_worker(db)
    under_way: dict[int, set[UUID]] = {}
    expected: set[UUID] = set()
    with ExitStack() as stack:
        slow = [stack.enter_context(shared_engine.connect()) for _ in range(3)]
        for connection in slow:
            connection.autocommit = False
        for who, what in [
            *program,
            (0, "commit"),
            (1, "commit"),
            (2, "commit"),
            (-1, "upkeep"),
            (-1, "upkeep"),
        ]:
            match what:
                case "begin":
                    slow[who].execute("select pg_current_xact_id()")
                case "submit" | "submit many":
                    connection, tasks = (
                        (db, expected) if who < 0 else (slow[who], under_way.setdefault(who, set()))
                    )
                    count = 1 if what == "submit" else 5
                    tasks |= {
                        task_id for _, task_id, _ in submit_many(connection, "x", [{}] * count)
                    }
                case "commit":
                    slow[who].commit()
                    expected |= under_way.pop(who, set())
                case "rollback":
                    slow[who].rollback()
                    under_way.pop(who, None)
                case "run":
                    leases = claim(worker)
                    assert {lease.task_id for lease in leases} == expected
                    hand_in(worker, *map(complete, leases))
                    expected = set()
                case "tick":
                    db.execute("select pg_current_xact_id()")
                case _:
                    upkeep(db)
    assert {lease.task_id for lease in claim(worker)} == expected
    db.execute("delete from pgmq.q_tasker_t")
    db.execute("delete from tasker.task")


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param("select count(*) from tasker.task", id="reader"),
        pytest.param("select pg_current_xact_id(), count(*) from tasker.task", id="writer"),
    ],
)
def test_a_transaction_that_has_drawn_no_id_holds_no_mark_back(
    engine: Engine, db: Connection, begun: str
) -> None:
    """It is left open, and its snapshot keeps dead rows, which is what the mark is for."""
    register(db, template("x", step("a")))
    worker = register_worker(db)
    with engine.connect() as forgotten:
        forgotten.execute("begin isolation level repeatable read")
        forgotten.execute(begun.encode())
        submit_many(db, "x", [{}] * 20)
        assert run_all(worker) == 20
        assert raise_mark(db) == 20


def test_a_restored_database_is_not_held_back_by_old_transaction_ids(db: Connection) -> None:
    """A dump carries transaction ids of another server, which this one may reach in years."""
    register(db, template("x", step("a")))
    submit_many(db, "x", [{}] * 20)
    run_all(register_worker(db))
    db.execute("update tasker.queue set low_water_xid = '9000000000', low_water_next = 5")
    assert raise_mark(db) == 20


def test_a_claim_does_not_step_over_dead_rows(engine: Engine, db: Connection) -> None:
    """200,000 messages are gone, but an open snapshot elsewhere keeps them from being vacuumed."""
    register(db, template("x", step("a")))
    worker = register_worker(db)
    db.execute(
        """insert into pgmq.q_tasker_t (vt, message)
        select now(), jsonb_build_object('task_id', gen_random_uuid(), 'step_no', 1) from generate_series(1, 200000)"""
    )
    with engine.connect() as reader:
        reader.execute("begin isolation level repeatable read")
        reader.execute("select count(*) from tasker.task")
        db.execute("delete from pgmq.q_tasker_t")
        submit_many(db, "x", [{}] * 100)
        query = f"select tasker.exchange('{worker.id}', array{worker.queue_ids}, '[]', 1, 15)"
        stepped_over = buffers(db, query)
        assert raise_mark(db) == 200_001
        assert buffers(db, query) < stepped_over / 20
