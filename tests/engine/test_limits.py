"""Limits: fair turns between keys, so many at once, so many in a time; of steps, tasks, queues; shared and changed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    Exchanged,
    Lease,
    Worker,
    broken,
    call,
    claim,
    complete,
    exchange,
    fail,
    fire,
    hand_in,
    in_background,
    lapse,
    one,
    outcome,
    queue_table,
    register,
    register_worker,
    retry,
    rows,
    run_all,
    step,
    step_states,
    submit,
    submit_many,
    task_state,
    template,
)

KEY = "$.k"


@pytest.fixture
def worker(db: Connection) -> Worker:
    return register_worker(db, "t")


def keyed(db: Connection, name: str, *keys: str, **more: Any) -> list[UUID]:
    """Submit a task of each key; their ids."""
    given = [{"input": {"k": key}, **more} for key in keys]
    return [task_id for _, task_id, _ in submit_many(db, name, given)]


def keys_of(answer: Exchanged) -> Counter[str]:
    return Counter(answer.tasks[lease.task_id]["input"]["k"] for lease in answer.leases)


def in_line(db: Connection) -> int:
    return one(db, "select count(*) from tasker.line")


def upkeep(db: Connection) -> None:
    call(db, "upkeep", orchestrator_id=uuid4(), name="o")


def set_limit(db: Connection, name: str, **more: Any) -> Any:
    given = {"concurrency": None, "rate": None, "period_seconds": None, **more}
    return call(db, "set_limit", name=name, reason="test", actor="ann", **given)


def ask(worker: Worker, want: int = 100) -> Any:
    """Exchange; the answer as it stands."""
    return call(
        worker.connection, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids,
        outcomes=Jsonb([]), want=want, lease_seconds=15.0,
    )  # fmt: skip


# Turns


def test_keys_take_turns_however_many_stand_in_front(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *["noisy"] * 300, "b", "c", "d")
    assert keys_of(exchange(worker, want=4)) == {"noisy": 1, "b": 1, "c": 1, "d": 1}
    assert keys_of(exchange(worker, want=10)) == {"noisy": 10}
    assert broken(db) == []


def test_a_share_that_one_key_leaves_goes_to_the_others(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *["a"] * 50, *["b"] * 50, *["c"] * 2)
    found = keys_of(exchange(worker, want=30))
    assert found["c"] == 2
    assert sorted([found["a"], found["b"]]) == [14, 14]


def test_turns_go_on_from_claim_to_claim(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *[key for key in "abcde" for _ in range(20)])
    seen = [key for _ in range(25) for key in keys_of(exchange(worker, want=1))]
    assert Counter(seen) == dict.fromkeys("abcde", 5)
    assert all(set(seen[n : n + 5]) == set("abcde") for n in range(0, 25, 5))


def test_more_keys_than_are_looked_at_all_have_their_turn(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *[f"k{n}" for n in range(700)])
    seen = {key for _ in range(70) for key in keys_of(exchange(worker, want=10))}
    assert len(seen) == 700
    assert broken(db) == []


def test_of_one_key_the_first_comes_first(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    ids = keyed(db, "x", *["a"] * 20)
    assert [claim(worker, want=1)[0].task_id for _ in range(20)] == ids


def test_a_class_of_priority_comes_before_all_turns(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *["a"] * 5, "b")
    keyed(db, "x", *["a"] * 5, priority=1)
    assert keys_of(exchange(worker, want=5)) == {"a": 5}
    assert keys_of(exchange(worker, want=2)) == {"a": 1, "b": 1}


def test_steps_without_a_limit_in_the_same_queue_have_a_turn_as_well(
    db: Connection, worker: Worker
) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    register(db, template("free", step("a")))
    keyed(db, "x", *["a"] * 50)
    keyed(db, "free", *["f"] * 50)
    assert keys_of(exchange(worker, want=10)) == {"a": 5, "f": 5}


def test_the_key_is_any_path_also_into_items_and_context(db: Connection, worker: Worker) -> None:
    limits = [{"key": "$item.who", "concurrency": 1}]
    register(
        db,
        template("x", step("b", kind="batchable"), step("w", "b", kind="batch_worker", limits=limits)),
    )  # fmt: skip
    register(db, template("y", step("a", limits=[{"key": "$context.org", "concurrency": 1}])))
    submit(db, "x")
    [lease] = claim(worker)
    hand_in(worker, complete(lease, [{"who": "a"}, {"who": "a"}, {"who": "b"}]))
    submit_many(db, "y", [{"context": {"org": 1}}, {"context": {"org": 1}}, {}])
    assert len(claim(worker)) == 2 + 2


# At once


def test_a_key_that_cannot_be_followed_is_empty_and_stops_nobody(
    db: Connection, worker: Worker
) -> None:
    """It is looked for in the exchange that completes the step before, which would be refused for ever."""
    date = '$.k.datetime() < "2020-01-01T00:00:00+00".datetime()'
    limits = [{"name": "date", "key": date}]
    if db.info.server_version >= 170000:  # which knows it
        limits.append({"name": "number", "key": "$.n.decimal(0)"})
    register(db, template("x", step("a"), step("b", "a", limits=limits)))
    keyed(db, "x", "2019-12-31")
    submit(db, "x", {"k": "2019-12-31", "n": 1})
    assert run_all(worker) == 4
    assert broken(db) == []


def test_the_keys_of_a_batch_do_not_cost_by_what_its_task_was_given(
    db: Connection, worker: Worker
) -> None:
    """An input that is read for each item is 2 MB read 2,000 times, of which the statement would time out."""
    limits = [{"name": "item", "key": "$item.k"}, {"name": "task", "key": "$.k"}, {"name": "both",
        "key": "$context.k"}, {"name": "all", "concurrency": 100_000}]  # fmt: skip
    register(db, template("x", step("b", kind="batchable"), step("w", "b", kind="batch_worker", limits=limits),
        step("c", "w", kind="deferred_convergence")))  # fmt: skip
    submit(db, "x", {"k": "a", "long": [random.Random(n).random() for n in range(100_000)]})
    db.execute("set statement_timeout = '10s'")
    assert hand_in(worker, complete(claim(worker)[0], [{"k": n % 2} for n in range(2000)])) == [1]
    assert sorted(db.execute("select distinct keys from tasker.line").fetchall()) == [
        (["0", "a", "", ""],), (["1", "a", "", ""],)]  # fmt: skip
    assert in_line(db) == 2000


def test_no_more_of_a_key_run_than_its_limit_says(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY, "concurrency": 2}])))
    keyed(db, "x", *["a"] * 5, *["b"] * 1)
    answer = exchange(worker)
    assert keys_of(answer) == {"a": 2, "b": 1}
    assert claim(worker) == []
    first = next(g for g in answer.leases if answer.tasks[g.task_id]["input"]["k"] == "a")
    assert keys_of(exchange(worker, [complete(first)])) == {"a": 1}
    assert claim(worker) == []


@pytest.mark.parametrize(
    "how", ["retry", "lost", "wait", "release", "error", "cancel", "lost for good"]
)
def test_whatever_ends_an_attempt_gives_its_place_back(
    db: Connection, worker: Worker, how: str
) -> None:
    retrying = {"max_attempts": 1 if how == "lost for good" else 3, "backoff": "none"}
    register(db, template("x", step("a", limits=[{"concurrency": 1}], retry=retrying)))
    submit_many(db, "x", [{}] * 2)
    [lease] = claim(worker)
    match how:
        case "cancel":
            call(db, "cancel_task", task_id=lease.task_id, reason="r", actor="a")
        case "lost for good":
            lapse(db, lease)
            assert claim(worker) == []
        case "wait":
            hand_in(worker, outcome(lease, "wait", wait={"name": "w", "seconds": 3600}))
        case "retry":
            hand_in(worker, retry(lease, delay=3600))
        case "lost" | "release":
            hand_in(worker, outcome(lease, how, delay=3600))
        case _:
            hand_in(worker, fail(lease))
    [other] = claim(worker)
    assert other.task_id != lease.task_id
    if how in ("retry", "lost", "wait", "release"):
        fire(db)
        assert claim(worker) == []
        hand_in(worker, complete(other))
        assert claim(worker)[0].task_id == lease.task_id
    assert broken(db) == []


def test_a_lost_lease_keeps_its_place(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"concurrency": 1}])))
    submit_many(db, "x", [{}] * 2)
    [lease] = claim(worker)
    lapse(db, lease)
    [again] = claim(worker)
    assert (again.task_id, again.attempt) == (lease.task_id, 2)
    assert claim(worker) == []


def test_a_limit_of_a_queue_counts_all_of_its_steps(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a")))
    register(db, template("y", step("a")))
    before = submit_many(db, "x", [{}] * 2)
    assert set_limit(db, "queue:t", concurrency=3)["concurrency"] == 3
    submit_many(db, "x", [{}] * 5)
    submit_many(db, "y", [{}] * 5)
    found = claim(worker)
    assert len(found) == len(before) + 3  # what was in the queue before is not counted
    set_limit(db, "queue:t")
    assert len(claim(worker)) == 7
    assert broken(db) == []


def test_a_limit_of_a_queue_counts_what_stands_in_line_for_others_already(
    db: Connection, worker: Worker
) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY}])))
    keyed(db, "x", *"abcdef")
    set_limit(db, "queue:t", concurrency=2)
    assert len(claim(worker)) == 2
    assert len(claim(worker)) == 0


def test_one_limit_serves_several_templates_and_queues(db: Connection) -> None:
    shared = [{"name": "api", "concurrency": 2}]
    register(db, template("x", step("a", limits=shared)))
    register(db, template("y", step("a", queue="other", limits=shared)))
    both = register_worker(db, "t", "other")
    submit_many(db, "x", [{}] * 3)
    submit_many(db, "y", [{}] * 3)
    done = 0
    while leases := claim(both):
        assert len(leases) == 2
        done += len(hand_in(both, *map(complete, leases)))
    assert done == 6
    assert [(x["name"], x["running"], x["in_line"]) for x in rows(db, "list_limits")] == [
        ("t/api", 0, 0)
    ]


def test_several_limits_hold_at_once(db: Connection, worker: Worker) -> None:
    limits = [{"name": "all", "concurrency": 3}, {"name": "each", "key": KEY, "concurrency": 2}]
    register(db, template("x", step("a", limits=limits)))
    keyed(db, "x", *["a"] * 5, *["b"] * 5)
    found = keys_of(exchange(worker))
    assert sum(found.values()) == 3
    assert max(found.values()) <= 2


# Tasks


SERIAL = [{"key": KEY, "concurrency": 1, "unit": "task"}]


def test_tasks_of_one_key_run_one_after_the_other(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a"), step("b"), step("c", "a", "b"), limits=SERIAL))
    ids = keyed(db, "x", "a", "a", "a", "b")
    order: list[UUID] = []
    answer = exchange(worker)
    while answer.leases:
        running = {g.task_id for g in answer.leases}
        assert len(running & set(ids[:3])) <= 1
        order += [g.task_id for g in answer.leases if g.task_id != ids[3]]
        answer = exchange(worker, [complete(g) for g in answer.leases])
    assert list(dict.fromkeys(order)) == ids[:3]
    assert {task_state(db, i) for i in ids} == {"complete"}
    assert broken(db) == []


def test_a_task_that_waits_keeps_its_place_and_one_that_is_blocked_does_not(
    db: Connection, worker: Worker
) -> None:
    register(db, template("x", step("a"), limits=SERIAL))
    first, second, third = keyed(db, "x", "a", "a", "a")
    [lease] = claim(worker)
    hand_in(worker, outcome(lease, "wait", wait={"name": "w", "event": "e"}))
    assert claim(worker) == []
    call(db, "send_event", task_id=first, name="e", payload=Jsonb(1))
    [lease] = claim(worker)
    assert lease.task_id == first
    hand_in(worker, fail(lease))
    [lease] = claim(worker)
    assert lease.task_id == second
    call(db, "retry_task", task_id=first, reason="r", actor="a")
    assert claim(worker) == []  # the other has the place now
    hand_in(worker, complete(lease))
    [lease] = claim(worker)
    assert lease.task_id == third  # it stood there first
    hand_in(worker, complete(lease))
    assert run_all(worker) == 1
    assert task_state(db, first) == "complete"
    assert broken(db) == []


def test_a_batch_of_a_task_that_has_its_place_needs_no_other(
    db: Connection, worker: Worker
) -> None:
    register(
        db,
        template(
            "x",
            step("b", kind="batchable"),
            step("w", "b", kind="batch_worker"),
            step("c", "w", kind="deferred_convergence"),
            limits=SERIAL,
        ),
    )
    first, second = keyed(db, "x", "a", "a")
    [lease] = claim(worker)
    answer = exchange(worker, [complete(lease, [1, 2, 3])])
    assert {g.task_id for g in answer.leases} == {first}
    assert len(answer.leases) == 3
    hand_in(worker, *map(complete, answer.leases))
    assert run_all(worker, lambda _: [1]) == 4
    assert task_state(db, second) == "complete"


# In a time


def test_no_more_start_than_fit_into_any_period(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"rate": 3, "period": 60}])))
    submit_many(db, "x", [{}] * 5)
    answer = ask(worker)
    assert len(answer["granted"]["steps"]) == 3
    answer = ask(worker)
    assert answer["granted"] is None
    assert 50 < answer["again"] <= 60
    db.execute("update tasker.start set over_at = over_at - interval '1 minute'")
    answer = ask(worker)
    assert len(answer["granted"]["steps"]) == 2
    assert ask(worker)["again"] is None


def test_a_retry_is_a_start_too(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"rate": 2, "period": 60}])))
    submit(db, "x")
    for _ in range(2):
        [lease] = claim(worker)
        hand_in(worker, retry(lease, delay=0))
        fire(db)
    assert claim(worker) == []


def test_one_limit_of_a_template_and_its_step_counts_a_start_once(
    db: Connection, worker: Worker
) -> None:
    twice = [{"name": "api", "rate": 4, "period": 60}]
    register(db, template("x", step("a", limits=twice), limits=twice))
    submit_many(db, "x", [{}] * 10)
    assert [len(claim(worker, want=2)) for _ in range(3)] == [2, 2, 0]


def test_a_rate_of_tasks_counts_each_once(db: Connection, worker: Worker) -> None:
    limits = [{"rate": 2, "period": 60, "unit": "task"}]
    register(db, template("x", step("a"), step("b", "a"), limits=limits))
    ids = [i for _, i, _ in submit_many(db, "x", [{}] * 3)]
    assert run_all(worker) == 4
    assert [task_state(db, i) for i in ids] == ["complete", "complete", "in_progress"]


# Beside everything else


def test_what_stands_in_line_can_be_paused_cancelled_and_resumed(
    db: Connection, worker: Worker
) -> None:
    register(db, template("x", step("a", limits=[{"concurrency": 1}])))
    first, second, third, fourth = (i for _, i, _ in submit_many(db, "x", [{}] * 4))
    call(db, "cancel_task", task_id=first, reason="r", actor="a")
    call(db, "pause_task", task_id=second, reason="r", actor="a")
    assert broken(db) == []
    [lease] = claim(worker)
    assert lease.task_id == third
    call(db, "resume_task", task_id=second, reason="r", actor="a")
    hand_in(worker, complete(lease))
    assert [g.task_id for g in claim(worker)] == [fourth]
    assert step_states(db, second) == {"a": "enqueued"}
    assert broken(db) == []


def test_the_rescuer_leaves_it_alone(db: Connection) -> None:
    register(db, template("x", step("a", limits=[{"concurrency": 1}])))
    submit_many(db, "x", [{}] * 3)
    db.execute("update tasker.step set enqueued_at = now() - interval '1 hour'")
    assert call(db, "rescue")["rescued"] == 0
    db.execute("delete from tasker.line")
    assert call(db, "rescue")["rescued"] == 3
    assert in_line(db) == 3
    assert broken(db) == []


def test_what_stood_long_is_not_below_the_low_water(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY, "concurrency": 1}])))
    keyed(db, "x", "a", "a")
    [lease] = claim(worker)
    for _ in range(50):
        keyed(db, "x", "b")
        hand_in(worker, *map(complete, claim(worker)))
    for _ in range(3):
        upkeep(db)
    assert one(db, "select low_water[1] from tasker.queue") <= lease.msg_id + 1
    hand_in(worker, complete(lease))
    assert len(claim(worker)) == 1
    for _ in range(3):
        upkeep(db)
    assert one(db, "select low_water[1] from tasker.queue") > lease.msg_id


def test_an_idle_worker_is_woken_when_a_full_one_makes_room(engine: Engine) -> None:
    register(engine.owner, template("x", step("a", limits=[{"concurrency": 1}])))
    submit_many(engine.owner, "x", [{}] * 2)
    with engine.connect() as one_end, engine.connect() as other_end:
        full, idle = register_worker(one_end, "t"), register_worker(other_end, "t")
        [lease] = claim(full)
        other_end.execute(f"listen tasker_queue_{idle.queue_ids[0]}")
        assert claim(idle) == []
        hand_in(full, complete(lease))
        assert next(other_end.notifies(timeout=5)).channel.startswith("tasker_queue_")
        assert len(claim(idle)) == 1


def test_why_a_step_stands_in_line_can_be_seen(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"key": KEY, "concurrency": 1}])))
    ids = keyed(db, "x", "acme", "acme", "acme")
    claim(worker)
    said = call(db, "explain_step", task_id=ids[2], step_name="a")["reason"]
    assert said == (
        "it stands in line, with 1 before it, under limit t/x.a, key acme (at most 1 at once)"
    )
    [limit] = rows(db, "list_limits")
    assert (limit["name"], limit["running"], limit["in_line"]) == ("t/x.a", 1, 2)
    [key] = rows(db, "list_limit_keys", name="t/x.a")
    assert (key["key"], key["running"], key["in_line"]) == ("acme", 1, 2)
    [queue] = rows(db, "queue_stats")
    assert (queue["leased"], queue["in_line"]) == (1, 2)


def test_changing_a_limit_says_who_and_why(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a", limits=[{"name": "api", "concurrency": 1}])))
    submit_many(db, "x", [{}] * 4)
    assert len(claim(worker)) == 1
    answer = set_limit(db, "t/api", concurrency=3)
    assert (answer["concurrency"], answer["last_change"]["actor"]) == (3, "ann")
    assert len(claim(worker)) == 2
    with pytest.raises(psycopg.Error, match="no limit t/nope") as raised:
        set_limit(db, "t/nope", concurrency=3)
    assert raised.value.sqlstate == "TK001"
    for wrong in ({"concurrency": 0}, {"rate": 5}, {"rate": 1, "period_seconds": 1e6}):
        with pytest.raises(psycopg.Error, match="limit") as raised:
            set_limit(db, "t/api", **wrong)
        assert raised.value.sqlstate == "TK002"
    with pytest.raises(psycopg.Error, match="a reason and an actor"):
        call(
            db, "set_limit", name="t/api", concurrency=1, rate=None, period_seconds=None,
            reason=" ", actor="a",
        )  # fmt: skip


def test_a_new_version_says_the_numbers_anew_and_not_what_is_counted(
    db: Connection, worker: Worker
) -> None:
    def version(number: str, **limit: Any) -> None:
        limits = [{"name": "api", **limit}]
        register(db, template("x", step("a"), limits=limits) | {"version": number})

    version("1", concurrency=1)
    version("2", concurrency=2)
    version("1", concurrency=1)  # is registered: no change
    submit_many(db, "x", [{}] * 4)
    assert len(claim(worker)) == 2
    with pytest.raises(psycopg.Error, match="counts steps, not tasks") as raised:
        version("3", concurrency=2, unit="task")
    assert raised.value.sqlstate == "TK003"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("x", "limits must be an array"),
        ([{}] * 9, "limits must be an array of at most 8"),
        ([1], "a limit must be"),
        ([{"name": "a/b", "key": "$.a"}], "limit.name"),
        ([{"concurrency": 0}], "limit.concurrency"),
        ([{"concurrency": "many"}], "limit.concurrency"),
        ([{"rate": 1}], "limit.rate needs limit.period"),
        ([{"rate": 1, "period": 0}], "limit.rate needs limit.period"),
        ([{"period": 1}], "limit.rate needs limit.period"),
        ([{"key": "$.["}], "is no JSON path"),
        ([{"key": 1}], "limit.key"),
        ([{"unit": "day", "key": "$"}], "limit.unit"),
        ([{"name": "a"}], "must have a concurrency, a rate or a key"),
        ([{"key": "$.a"}, {"key": "$.b"}], "each needs a name"),
        ([{"key": "$item.a", "unit": "task"}], "must not name"),
        ([{"key": '$"item".a', "unit": "task"}], "must not name"),
        ([{"key": "$tenant"}], r"names \$tenant: there are"),
        ([{"key": '$.a ? (@ == "$x" && @ != $y)'}], r"names \$y: there are"),
    ],
)
@pytest.mark.parametrize("where", ["template", "step"])
def test_a_limit_that_means_nothing_is_refused(
    shared_db: Connection, limits: Any, message: str, where: str
) -> None:
    given = {"limits": limits}
    definition = template("x", step("a", **given if where == "step" else {}))
    with pytest.raises(psycopg.Error, match=message) as raised:
        register(shared_db, definition | (given if where == "template" else {}))
    assert raised.value.sqlstate == "TK002"
    assert one(shared_db, "select count(*) from tasker.flow_limit") == 0


def test_a_step_cannot_count_tasks(shared_db: Connection) -> None:
    """Two tasks that each took a place midway could wait for each other's for ever."""
    limits = [{"concurrency": 1, "unit": "task"}]
    with pytest.raises(psycopg.Error, match="belongs to the template") as raised:
        register(shared_db, template("x", step("a", limits=limits)))
    assert raised.value.sqlstate == "TK002"


def test_what_limits_leave_behind_is_swept(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a"), limits=[
        {"name": "t", "unit": "task", "key": KEY, "concurrency": 2},
        {"name": "s", "key": KEY, "concurrency": 2, "rate": 100, "period": 60}]))  # fmt: skip
    keyed(db, "x", *[f"k{n}" for n in range(20)], "held")
    leases = claim(worker)
    hand_in(worker, *map(complete, leases[:20]))
    db.execute("update tasker.start set over_at = now() - interval '1 second'")
    db.execute("update tasker.lane set served_at = now() - interval '2 hours'")
    upkeep(db)
    assert one(db, "select count(*) from tasker.permit") == 2
    assert one(db, "select count(*) from tasker.start") == 0
    assert one(db, "select count(*) from tasker.lane") == 0


def test_a_long_line_is_not_read(db: Connection, worker: Worker) -> None:
    """20,000 of a noisy key stand in front, and statistics know nothing of it; an exchange reads what it lets out."""
    register(db, template("x", step("a", limits=[{"key": KEY, "concurrency": 50}])))
    for _ in range(2):
        submit_many(db, "x", [{"input": {"k": "noisy"}}] * 10_000)
    keyed(db, "x", *[f"k{n}" for n in range(50)])
    count = """select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer
        from pg_stat_xact_user_tables where schemaname in ('tasker', 'pgmq')"""
    with db.transaction():
        before = one(db, count)
        assert len(exchange(worker, want=51).leases) == 51
        read = one(db, count) - before
    assert read < 51 * 100


def test_what_is_cancelled_in_line_delays_nobody(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a"), limits=SERIAL))
    for task_id in keyed(db, "x", *["a"] * 100):
        call(db, "cancel_task", task_id=task_id, reason="r", actor="a")
    keyed(db, "x", "a")
    assert len(claim(worker)) == 1
    assert in_line(db) == 0


# Two at once


def test_a_place_that_the_next_attempt_took_over_is_not_swept(engine: Engine) -> None:
    """The sweep's snapshot has it without an owner; when the sweep comes to it, behind many, it has one again."""
    db = engine.owner
    worker = register_worker(db, "t")
    register(db, template("x", step("a", limits=[{"key": KEY, "concurrency": 2}])))
    keyed(db, "x", "a", "b")
    first, second = claim(worker)
    db.execute(
        """with mine as (delete from tasker.permit where task_id = %s returning *), many as (
            insert into tasker.permit select 99, n::text, %s, 0 from generate_series(1, 400000) n)
        select from mine""",
        [second.task_id, first.task_id],
    )
    db.execute(
        "insert into tasker.permit select 1, 'b', %s, %s, %s",
        [second.task_id, second.step_no, second.msg_id],
    )
    hand_in(worker, retry(second))
    with engine.connect() as other:
        pid, asked = other.info.backend_pid, "select state from pg_stat_activity where pid = %s"
        with in_background(lambda: other.execute("select tasker.sweep_limits(1000)")) as swept:
            while not swept.done() and one(db, asked, pid) != "active":
                pass
            fire(db, "retry")
            [again] = claim(worker)
            swept.result()
    kept = db.execute("select key, msg_id from tasker.permit where task_id = %s", [second.task_id])
    assert kept.fetchall() == [("b", again.msg_id)]


def test_keys_of_tasks_that_only_take_turns_keep_no_other_queue_waiting(engine: Engine) -> None:
    turns = [{"name": "turns", "key": KEY, "unit": "task"}]
    most = [{"concurrency": 9}]
    register(engine.owner, template("x", step("a", limits=most),
        step("b", queue="other", limits=most), limits=turns))  # fmt: skip
    keyed(engine.owner, "x", "a")
    with engine.connect() as one_, engine.connect() as two:
        two.execute("set lock_timeout = '2s'")
        here, there = register_worker(one_, "t"), register_worker(two, "other")
        with one_.transaction():
            assert len(claim(here)) == 1
            assert len(claim(there)) == 1


def test_no_limit_is_passed_by_any_number_of_workers(engine: Engine) -> None:
    """Six workers at once; what runs is counted outside of the database, before it is handed in."""
    limits = [
        {"name": "key", "key": KEY, "concurrency": 3},
        {"name": "all", "concurrency": 7},
        {"name": "task", "key": KEY, "concurrency": 2, "unit": "task"},
    ]
    register(engine.owner, template("x", step("a"), step("b"), step("c", "a", "b"), limits=limits))
    ids = keyed(engine.owner, "x", *[f"k{n % 4}" for n in range(120)])
    guard, running, most = threading.Lock(), Counter[str](), Counter[str]()
    left = threading.Semaphore(0)
    total = 3 * len(ids)

    def work(seed: int) -> None:
        draw = random.Random(seed)
        with engine.connect() as connection:
            worker = register_worker(connection, "t")
            held: list[tuple[str, Lease]] = []
            while left._value < total:  # pyright: ignore[reportAttributeAccessIssue]
                draw.shuffle(held)
                done, held = held[:4], held[4:]
                with guard:
                    running.subtract(key for key, _ in done)
                    running["all"] -= len(done)
                answer = exchange(worker, [complete(lease) for _, lease in done], want=5)
                for _ in answer.accepted:
                    left.release()
                granted = [(answer.tasks[g.task_id]["input"]["k"], g) for g in answer.leases]
                with guard:
                    running.update(key for key, _ in granted)
                    running["all"] += len(granted)
                    for key, count in running.items():
                        most[key] = max(most[key], count)
                held += granted

    threads = [threading.Thread(target=work, args=[n]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert {task_state(engine.owner, i) for i in ids} == {"complete"}
    assert most.pop("all") <= 7
    assert max(most.values()) <= 3
    assert broken(engine.owner) == []
    assert in_line(engine.owner) == 0


def test_the_tables_of_unlimited_queues_are_never_in_line(db: Connection, worker: Worker) -> None:
    register(db, template("x", step("a"), step("b", "a")))
    submit_many(db, "x", [{}] * 10)
    assert one(db, f"select count(*) from {queue_table(db, worker.queue_ids[0])}") == 10
    assert run_all(worker) == 20
    assert in_line(db) == 0


Act = Callable[[], None]


@pytest.mark.parametrize("seed", range(25))
def test_random_limits_hold_and_nothing_is_left_standing(engine: Engine, seed: int) -> None:
    """What runs under each limit is recounted after each event, and in the end all is done."""
    draw = random.Random(seed)
    db = engine.owner
    names = ["one", "two", "three"]
    numbers = {name: draw.choice([1, 2, 5]) for name in names}
    units = {name: draw.choice(["step", "step", "task"]) for name in names}

    def limits(*counted: str) -> list[dict[str, Any]]:
        choice = [name for name in names if units[name] in counted]
        return [
            {"name": name, "concurrency": numbers[name], "unit": units[name],
                **({"key": draw.choice([KEY, "$.other"])} if draw.random() < 0.7 else {})}
            for name in draw.sample(choice, min(len(choice), draw.choice([0, 1, 1, 2])))
        ]  # fmt: skip

    for n in range(3):
        given = [step(f"s{k}", *draw.sample([f"s{j}" for j in range(k)], min(k, draw.choice([0, 1, 2]))),
            queue=draw.choice(["t", "q2"]), limits=limits("step")) for k in range(draw.randint(1, 4))]  # fmt: skip
        register(db, template(f"x{n}", *given, limits=limits("step", "task")))
    worker = register_worker(db, "t", "q2")
    ids: list[UUID] = []
    held: list[Lease] = []

    def more() -> None:
        given = {"k": draw.choice("ab"), "other": draw.choice("xyz")}
        ids.append(submit(db, f"x{draw.randrange(3)}", given, priority=draw.choice([0, 0, 0, 1])))

    def turn(all_: bool = False) -> None:
        draw.shuffle(held)
        count = len(held) if all_ else draw.randint(0, len(held))
        done = [held.pop() for _ in range(count)]
        kinds = [complete] if all_ else [complete, complete, complete, retry, fail]
        answer = exchange(
            worker, [draw.choice(kinds)(g) for g in done], want=draw.randint(0, 6) + 6 * all_
        )
        held.extend(answer.leases)

    def operate() -> None:
        verb = draw.choice(
            ["pause_task", "resume_task", "retry_task", "cancel_task", "resume_task"]
        )
        try:
            call(db, verb, task_id=draw.choice(ids), reason="r", actor="a")
        except psycopg.Error as error:
            assert error.sqlstate in ("TK004", "TK001"), error

    def recount() -> None:
        for name, running in db.execute(
            """select split_part(f.name, '/', 2), count(*) from tasker.flow_limit f
            cross join lateral tasker.list_permits(f.limit_id) as p group by f.name, p.key"""
        ).fetchall():
            assert running <= numbers[name]
        assert broken(db) == []

    acts: list[Act] = [more, more, turn, turn, turn, operate, lambda: fire(db) and None,
        lambda: lapse(db, *held[:1]) if draw.random() < 0.3 else None, lambda: upkeep(db)]  # fmt: skip
    for _ in range(40):
        if not ids:
            more()
        draw.choice(acts)()
        recount()
    for task_id in ids:
        for verb in ("resume_task", "retry_task"):
            try:
                call(db, verb, task_id=task_id, reason="r", actor="a")
            except psycopg.Error as error:
                assert error.sqlstate == "TK004", error
    for _ in range(200):
        fire(db)
        turn(all_=True)
        if not held and not in_line(db) and not one(db, "select count(*) from tasker.timer"):
            break
    assert not held
    states = Counter(task_state(db, i) for i in ids)
    assert set(states) <= {"complete", "cancelled"}, states
    recount()
