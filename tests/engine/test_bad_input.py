"""What a function is given wrong, it names: which element, what is wrong with it; and nothing is done."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Json,
    Worker,
    beat,
    broken,
    call,
    claim,
    claim_one,
    complete,
    hand_in,
    message,
    one,
    outcome,
    register,
    register_worker,
    rows,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
)

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def worker(db: Connection) -> Worker:
    register(db, template("one", step("a"), step("b", "a")))
    return register_worker(db, "t")


def refusal(db: Connection, function: str, **arguments: Any) -> str:
    """What a call is refused with, which has a hint."""
    with pytest.raises(psycopg.Error) as refused:
        rows(db, function, **arguments)
    assert refused.value.sqlstate == "TK002", refused.value
    assert refused.value.diag.message_hint
    return refused.value.diag.message_primary or ""


PLACES: list[tuple[Json, str]] = [
    ({"msg_id": "x"}, 'its msg_id is "x"'),
    ({"msg_id": 1.5}, "its msg_id is 1.5"),
    ({"msg_id": 10**30}, f"its msg_id is {10**30}"),
    ({"queue_id": []}, "its queue_id is []"),
    ({"read_ct": None}, "it has no read_ct"),
    ({"task_id": "me"}, 'its task_id is "me"'),
    ({"step_no": 2**31}, "its step_no is 2147483648"),
]
OUTCOMES: list[tuple[Json, str]] = [
    *PLACES,
    ({"outcome": None}, "its outcome is missing"),
    ({"outcome": "done"}, "its outcome is 'done'"),
    ({"outcome": "retry", "delay": "soon"}, 'its delay is "soon"'),
    ({"outcome": "wait"}, "its wait is no object, but null"),
    ({"outcome": "wait", "wait": 3}, "its wait is no object, but number"),
    ({"outcome": "wait", "wait": {"name": ""}}, "the name of its wait must be a text"),
    ({"outcome": "wait", "wait": {"event": "e" * 256}}, "must be a name of 1 to 255 characters"),
    ({"outcome": "wait", "wait": {"task": "me"}}, "must be a UUID"),
    ({"outcome": "wait", "wait": {"until_blocked": "maybe"}}, "must be true or false"),
    ({"outcome": "wait", "wait": {"seconds": "soon"}}, "must be a number"),
    ({"outcome": "wait", "wait": {"approval": [1]}}, "must have a name"),
    ({"outcome": "wait", "wait": {"approval": {"title": "?"}}}, "must have a name"),
    ({"outcome": "wait", "wait": {"approval": {"name": "q", "who": "ann"}}}, "an array of names"),
    ({"outcome": "wait", "wait": {"approval": {"name": "q", "who": [1]}}}, "an array of names"),
]


@pytest.mark.parametrize(("wrong", "said"), OUTCOMES)
def test_an_outcome_that_cannot_be_read_is_named_and_none_takes_effect(
    db: Connection, worker: Worker, wrong: Json, said: str
) -> None:
    submit(db, "one")
    submit(db, "one")
    first, second = claim(worker)
    given = [complete(first), {**complete(second), **wrong}]
    told = refusal(
        db, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids, outcomes=Jsonb(given),
        want=1, lease_seconds=15.0,
    )  # fmt: skip
    assert told.startswith("outcome 2: ")
    assert said in told
    assert step_states(db, first.task_id)["a"] == "in_progress"
    assert hand_in(worker, complete(first), complete(second)) == [1, 2]


def test_an_outcome_that_is_no_object_is_named(db: Connection, worker: Worker) -> None:
    submit(db, "one")
    given = Jsonb([complete(claim_one(worker)), 7])
    told = refusal(
        db, "exchange", worker_id=worker.id, queue_ids=worker.queue_ids, outcomes=given,
        want=1, lease_seconds=15.0,
    )  # fmt: skip
    assert told == "outcome 2: it is no object, but number"


def test_an_outcome_that_is_committed_is_named_as_well(db: Connection, worker: Worker) -> None:
    submit(db, "one")
    given = {**complete(claim_one(worker)), "read_ct": "x"}
    assert refusal(db, "commit_outcome", outcome=given) == 'outcome 1: its read_ct is "x"'


@pytest.mark.parametrize(("wrong", "said"), PLACES)
def test_a_lease_that_cannot_be_read_is_named_and_none_is_extended(
    db: Connection, worker: Worker, wrong: Json, said: str
) -> None:
    submit(db, "one")
    lease = claim_one(worker)
    _, before = message(db, lease) or (0, 0.0)
    given = [outcome(lease, ""), {**outcome(lease, ""), **wrong}]
    told = refusal(
        db, "heartbeat", worker_id=worker.id, running=1, leases=Jsonb(given), lease_seconds=600.0
    )
    assert told == f"lease 2: {said}"
    _, after = message(db, lease) or (0, 0.0)
    assert after <= before
    assert beat(worker, lease)["lost"] == []


def test_a_grant_is_good_for_its_own_step_only(db: Connection, worker: Worker) -> None:
    """The message of one step, handed in under the name of another: stale, and neither is lost."""
    submit(db, "one")
    submit(db, "one")
    first, second = claim(worker)
    mixed = {**complete(first), "task_id": str(second.task_id)}
    other = {**complete(first), "step_no": 2}
    assert hand_in(worker, mixed, other) == []
    assert message(db, first) is not None
    assert broken(db) == []
    assert hand_in(worker, complete(first), complete(second)) == [1, 2]
    run_all(worker)
    assert {task_state(db, each.task_id) for each in (first, second)} == {"complete"}


@pytest.mark.parametrize("most", [-1, None])
def test_a_list_of_no_rows_is_no_error(db: Connection, worker: Worker, most: int | None) -> None:
    task_id = submit(db, "one")
    assert rows(db, "list_approvals", max_rows=most) == []
    assert rows(db, "list_children", task_id=task_id, max_rows=most) == []
    assert call(db, "due_schedules", max_rows=most)["due"] == []


@pytest.mark.parametrize(
    ("function", "arguments", "said"),
    [
        ("promote_due", {"max_rows": 0}, "at least one row"),
        ("rescue", {"max_rows": -1}, "at least one row"),
        ("release_fires", {"max_rows": -1}, "at least one row"),
        ("prune_fires", {"older_than": "1 day", "max_rows": -1}, "at least one row"),
        ("prune_fires", {"older_than": None}, "at most 1,000 years, not null"),
        ("prune", {"older_than": "178000000 years"}, "at most 1,000 years, not 178000000 years"),
        ("upkeep", {"orchestrator_id": None, "name": "o"}, "an id and a name"),
        ("upkeep", {"orchestrator_id": NOBODY, "name": None}, "an id and a name"),
        (
            "fire_schedule",
            {"schedule_id": 1, "revision": 1, "fires": None, "next_fire_at": None},
            "an array of times",
        ),
        (
            "fire_schedule",
            {"schedule_id": 1, "revision": 1, "fires": ["now", None], "next_fire_at": None},
            "an array of times",
        ),
        (
            "fire_schedule",
            {"schedule_id": 1, "revision": 1, "fires": [], "next_fire_at": "infinity"},
            "an array of times",
        ),
    ],
)
def test_maintenance_says_what_it_takes(
    db: Connection, function: str, arguments: dict[str, Any], said: str
) -> None:
    kinds = {"older_than": "interval", "fires": "timestamptz[]", "next_fire_at": "timestamptz"}
    given = ", ".join(f"{k} => %({k})s::{kinds.get(k, 'text')}" for k in arguments)
    given = given.replace("id => %(orchestrator_id)s::text", "id => %(orchestrator_id)s::uuid")
    for number in ("max_rows", "schedule_id", "revision"):
        given = given.replace(f"%({number})s::text", f"%({number})s::integer")
    with pytest.raises(psycopg.Error) as refused:
        db.execute(f"select tasker.{function}({given})", arguments)  # type: ignore[arg-type]
    assert refused.value.sqlstate == "TK002"
    assert said in str(refused.value)


def test_a_backfill_of_another_schedule_is_not_fired(db: Connection, worker: Worker) -> None:
    who = {"reason": "because", "actor": "ann"}
    for name in ("s", "r"):
        definition = {"template": "one", "every": 60}
        call(db, "create_schedule", namespace="t", name=name, definition=definition)
    call(
        db,
        "backfill_schedule",
        namespace="t",
        name="s",
        start_at="2026-01-01",
        end_at="2026-01-02",
        **who,
    )
    [backfill] = [each for each in call(db, "due_schedules")["due"] if each["backfill_id"]]
    other = one(db, "select schedule_id from tasker.schedule where name = 'r'")
    for schedule_id, backfill_id in ((other, backfill["backfill_id"]), (other, -1)):
        fired = one(
            db, "select tasker.fire_schedule(%s, (select revision from tasker.schedule where schedule_id = %s), "
            "array['2026-01-01 UTC'::timestamptz], null, %s)", schedule_id, schedule_id, backfill_id,
        )  # fmt: skip
        assert fired is False
    assert one(db, "select count(*) from tasker.fire") == 0
    assert one(db, "select count(*) from tasker.backfill") == 1


def test_other_things_that_are_missing_or_wrong(db: Connection, worker: Worker) -> None:
    task_id = submit(db, "one")
    lease = claim_one(worker)
    place = {
        k: v for k, v in vars(lease).items() if k in ("queue_id", "msg_id", "read_ct", "step_no")
    }
    save = {**place, "task_id": task_id, "name": "n", "value": Jsonb(1)}
    for wrong in ({"name": None}, {"name": ""}, {"name": "n" * 301}, {"value": None}):
        assert "a name of 1 to 300 characters" in refusal(
            db, "save_checkpoint", **{**save, **wrong}
        )
    assert call(db, "save_checkpoint", **{**save, "queue_id": 99}) is False
    child = {**place, "task_id": task_id, "queue_id": 99, "name": "kid"}
    assert call(db, "start_task", **child, child={"namespace": "t", "template": "one"}) is None
    assert "how many handlers are running" in refusal(
        db, "heartbeat", worker_id=worker.id, running=None, leases=Jsonb([]), lease_seconds=15.0
    )
    assert "names of queues" in refusal(
        db, "register_worker", worker_id=NOBODY, name="w", queues=["t", None], slots=1,
        handlers=[], version="1",
    )  # fmt: skip
    assert "a start_at must be a text" in refusal(
        db, "submit_tasks", namespace="t", template="one", tasks=Jsonb([{"start_at": [None]}])
    )
