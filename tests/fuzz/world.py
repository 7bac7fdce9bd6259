"""A database with one of everything in it, in every state, for hostile calls. Touches the database it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.engine.support import (
    Connection,
    Worker,
    call,
    claim,
    claim_named,
    complete,
    fail,
    hand_in,
    one,
    outcome,
    register,
    register_worker,
    retry,
    step,
    submit,
    submit_many,
    template,
)

WHO = {"reason": "because", "actor": "ann"}

EVERYTHING = template(
    "everything",
    step(
        "a",
        retry={"max_attempts": 4, "backoff": "linear", "base": 2, "cap": 9, "permanent_errors": ["Gone"]},
        attempt_time_limit=30, step_time_limit=900, config={"x": [1]}, description="first",
        result_schema={"type": "object"}, expands=["extra"],
        compensate={"handler": "undo.a", "when": "started", "takes": [], "retry": {"max_attempts": 2}, "config": {}},
        limits=[{"key": "$.k", "concurrency": 2}, {"name": "shared", "rate": 9, "period": 2.5}],
    ),
    step("choose", "a", kind="decision", input_schema={"type": "object", "properties": {"a": True}, "required": ["a"]}),
    step("left", "choose", compensate={"handler": "undo.left", "queue": "undo", "attempt_time_limit": 3}),
    step("right", "choose", queue="other"),
    step("cut", "a", kind="batchable"),
    step("work", "cut", kind="batch_worker"),
    step("sum", "work", kind="deferred_convergence"),
    step("extra", kind="dynamic", expands=["extra"]),
    step("close", "left", "right", "extra", kind="deferred_convergence"),
    input_schema={"type": "object"}, time_limit=86400, metadata={"owner": "me"}, on_failure="compensate",
    expansion={"max_steps": 20, "max_depth": 5}, description="all kinds",
    limits=[{"unit": "task", "concurrency": 500}],
)  # fmt: skip

SCHEDULES = [
    {"template": "everything", "cron": "*/5 * * * *", "time_zone": "Europe/Berlin", "overlap": "buffer_one"},
    {"template": "wild", "every": 60, "offset": 3, "input": {"k": 1}, "tags": ["x"], "priority": 1, "jitter": 2},
    {"template": "wild", "at": "2027-01-01T00:00:00Z", "catchup_window": 50, "context": {}, "version": "1"},
    {"template": "wild", "every": 1.5, "start_at": "2026-01-01T00:00:00Z", "end_at": "2099-01-01T00:00:00Z"},
]  # fmt: skip

FILTERS = [
    {"state": ["in_progress", "complete"], "namespace": "t", "tag": ["x"], "priority": [0, 1]},
    {"template": "t/wild@1", "failed": "a", "error": "Broken", "message": "no", "fingerprint": "f"},
    {"created": {"after": "2d", "before": "2030-01-01T00:00:00Z"}, "started": {"after": "1h"}},
    {"correlation_id": str(uuid4()), "parent": str(uuid4()), "rerun_of": [str(uuid4())], "completed": {"before": "1d"}},
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """What there is. `good` maps a name of an argument to values that are right for it, `calls` a name of a function to
    arguments that are right together.
    """

    db: Connection
    good: dict[str, list[Any]]
    calls: dict[str, list[dict[str, Any]]]


def make_world(db: Connection) -> World:
    """Fill a database."""
    register(db, EVERYTHING)
    register(db, template("wild", step("a"), step("b", "a")))
    register(db, template("kid", step("a")))
    register(db, {**template("foreign", step("a")), "namespace": "abroad"})
    for at, definition in enumerate(SCHEDULES):
        call(db, "create_schedule", namespace="t", name=f"s{at}", definition=definition)
    call(db, "trigger_schedule", namespace="t", name="s1", **WHO)
    worker = register_worker(db, "t", "other", "undo", "abroad")
    ended = _end_some(db, worker)
    waiting = _let_wait(db, worker)
    outcomes, leases = _hold_some(db, worker)
    ready = [submit(db, "everything", {"k": 1}), submit(db, "wild", tags=["x"])]
    later = submit(db, "wild", start_at="2099-01-01 UTC")
    abroad = submit(db, "foreign", namespace="abroad")
    paused = submit(db, "everything", {"k": 2}, idempotency_key="key")
    call(db, "pause_task", task_id=paused, **WHO)
    call(db, "pause_queue", name="undo", **WHO)
    call(db, "pause_schedule", namespace="t", name="s2", **WHO)
    call(db, "pause_template", namespace="t", name="kid", **WHO)
    backfill = call(
        db, "backfill_schedule", namespace="t", name="s1", start_at="2026-01-01 UTC", end_at="2026-01-02 UTC", **WHO
    )  # fmt: skip
    backfilled = {
        "backfill_id": backfill["backfill_id"],
        "schedule_id": one(db, "select schedule_id from tasker.schedule where name = 's1'"),
        "revision": one(db, "select revision from tasker.schedule where name = 's1'"),
    }
    held = [lease["task_id"] for lease in leases]
    tasks = [*ended, *waiting, *map(str, (*ready, later, abroad, paused)), *held]
    together = _calls(*(str(task) for task in (paused, *ended, *waiting)), backfilled)
    return World(db, _good(db, worker, tasks, outcomes, leases), together)


def _end_some(db: Connection, worker: Worker) -> list[str]:
    """Tasks that are complete, cancelled, blocked, and being undone."""
    done, cancelled, blocked = (submit(db, "wild") for _ in range(3))
    undone = submit(db, "everything", {"k": 3})
    call(db, "cancel_task", task_id=cancelled, **WHO)
    for lease in claim(worker, lease=86400):
        extra = {"expansion": [{"step": "extra"}]} if lease.task_id == undone else {}
        hand_in(
            worker, fail(lease) if lease.task_id == blocked else {**complete(lease, {}), **extra}
        )
    call(db, "cancel_task", task_id=undone, compensate=True, **WHO)
    hand_in(
        worker, *[complete(lease) for lease in claim(worker, lease=86400) if lease.task_id == done]
    )
    return [str(task) for task in (done, cancelled, blocked, undone)]


def _let_wait(db: Connection, worker: Worker) -> list[str]:
    """Tasks that wait for an event, for people, for a retry."""
    event, people, again = (submit(db, "wild") for _ in range(3))
    waits = {
        event: {"name": "event:e", "event": "e", "seconds": 86400},
        people: {
            "name": "ask:q",
            "approval": {"name": "q", "title": "?", "data": 1, "who": ["ann"], "form": {}},
        },
    }
    for lease in claim(worker, lease=86400):
        if lease.task_id in waits:
            hand_in(worker, outcome(lease, "wait", wait=waits[lease.task_id]))
        elif lease.task_id == again:
            hand_in(worker, retry(lease, delay=86400))
        else:
            hand_in(worker, complete(lease, []))
    return [str(task) for task in (event, people, again)]


def _hold_some(db: Connection, worker: Worker) -> tuple[list[Any], list[Any]]:
    """Good leases of steps of each kind, as outcomes of each kind, and as a heartbeat reports them."""
    submit_many(db, "everything", [{"input": {"k": 4 + n}} for n in range(2)])
    first = claim_named(worker)
    del first
    tasks = submit_many(db, "everything", [{"input": {"k": 40 + n}} for n in range(3)])
    granted = [g for g in claim(worker, lease=86400) if g.task_id in {t for _, t, _ in tasks}]
    hand_in(worker, *[complete(g, {}) for g in granted])
    growing = claim(worker, lease=86400)
    submit_many(db, "everything", [{"input": {"k": 50 + n}} for n in range(3)])
    submit_many(db, "wild", [{} for _ in range(6)])
    plain = claim(worker, lease=86400)
    other = str(submit(db, "kid"))
    said = [
        {"outcome": "complete", "result": {"x": 1}},
        {"outcome": "complete", "result": ["left"]},
        {"outcome": "complete", "result": [1, {"x": 2}]},
        {"outcome": "complete", "result": {}, "expansion": [
            {"step": "extra", "values": {"v": 1}}, {"step": "extra", "after": [0], "takes": {"x": 0}}]},
        {"outcome": "retry", "error": {"type": "Flaky", "message": "m", "kinds": ["Flaky"]}, "delay": 3},
        {"outcome": "error", "error": {"type": "Gone", "message": "m", "traceback": "t"}},
        {"outcome": "lost", "error": {"type": "ChildDied", "message": "m"}},
        {"outcome": "release", "delay": 1},
        {"outcome": "wait", "wait": {"name": "sleep", "seconds": 5}},
        {"outcome": "wait", "wait": {"name": "event:e", "event": "e", "seconds": 5.5}},
        {"outcome": "wait", "wait": {"name": "task:kid", "task": other, "until_blocked": True}},
        {"outcome": "wait", "wait": {"name": "ask:q", "seconds": 9, "approval": {
            "name": "q", "title": "?", "data": {}, "form": {"type": "object"}, "who": ["ann", "bob"]}}},
    ]  # fmt: skip
    places = [{k: v for k, v in outcome(g, "").items() if k != "outcome"} for g in growing + plain]
    leases = [{**place, "progress": {"done": n}} for n, place in enumerate(places)]
    return [{**place, **what} for place in places for what in said], leases


def _good(
    db: Connection, worker: Worker, tasks: list[str], outcomes: list[Any], leases: list[Any]
) -> dict[str, list[Any]]:
    """Values that are right, by the names of arguments."""
    schedules = db.execute(
        "select schedule_id, revision from tasker.schedule order by 1"
    ).fetchall()
    fingerprints = [g["fingerprint"] for g in call(db, "list_dead_letters")["groups"]]
    given = db.execute("select definition_id from tasker.step_definition order by 1").fetchall()
    correlation = str(uuid4())
    submit(db, "wild", correlation_id=correlation)
    return {
        "task_id": tasks,
        "before": tasks,
        "after": tasks,
        "parent": tasks,
        "correlation_id": [correlation],
        "worker_id": [str(worker.id)],
        "orchestrator_id": [str(uuid4())],
        "namespace": ["t", "abroad"],
        "template": ["everything", "wild", "kid", "foreign"],
        "name": ["s0", "s1", "s2", "q", "t", "other", "everything", "wild", "e", "t/shared", "queue:t", "kid"],
        "step_name": ["a", "choose", "cut", "left", "extra[1]", "b"],
        "from_steps": [["a"], ["b"], ["work"], ["a", "b"]],
        "version": ["1"],
        "definition": [EVERYTHING, *SCHEDULES],
        "changes": [*SCHEDULES, {"cron": None, "every": 5}],
        "filter": FILTERS,
        "verb": ["cancel", "compensate", "retry", "pause", "resume", "resolve"],
        "reason": ["because"],
        "actor": ["ann"],
        "on_conflict": ["reject", "return_existing", "update"],
        "on_parent_end": ["cancel", "leave"],
        "overlap": ["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"],
        "tasks": [[{"input": {"k": 1}, "idempotency_key": "k", "priority": 1, "correlation_id": correlation,
            "tags": ["x"], "trace_context": {"traceparent": "x"}, "start_at": "2030-01-01T00:00:00Z",
            "context": {"c": 1}}, {}, {"input": [1], "idempotency_key": "key"}]],
        "child": [{"namespace": "t", "template": "kid", "version": "1", "input": {}, "priority": 1,
            "tags": ["x"], "correlation_id": correlation, "context": {}, "trace_context": {}}],
        "outcomes": [[each] for each in outcomes] + [outcomes[:1] + outcomes[15:17]],
        "outcome": [each for each in outcomes if each["outcome"] == "complete"],
        "leases": [leases, leases[:1]],
        "queue_ids": [worker.queue_ids],
        "queues": [["t", "other"]],
        "handlers": [["h.a"]],
        "definition_ids": [[each for (each,) in given]],
        "schedule_id": [each for each, _ in schedules],
        "revision": [max(each for _, each in schedules)],
        "fires": [["2026-01-01 UTC", "2026-01-02 UTC"], ["yesterday", "now"]],
        "fingerprint": fingerprints,
        "want": [0, 10, 100],
        "slots": [1, 100],
        "running": [0, 3],
        "lease_seconds": [15.0],
        "max_rows": [1, 10, 1000],
        "look_at": [100],
        "priority": [0, 1, -2],
        "roles": [["ann"], []],
        "who": [["ann"], None],
        "answer": [{"x": 1}],
        "result": [{}, ["left"], None],
        "concurrency": [1, None],
        "rate": [1, None],
        "period_seconds": [1.0, None],
        "idempotency_key": ["key", "new"],
        "older_than": ["1 second", "0"],
        "payload": [{"x": 1}],
        "input": [{"k": 1}],
        "context": [{}],
        "trace_context": [{}],
        "tags": [["x"]],
        "start_at": ["now", "2026-01-01 UTC", "2030-01-01 UTC"],
        "end_at": ["now", "2026-01-01 UTC", "2030-01-01 UTC"],
        "next_fire_at": ["2026-01-03 UTC", "2030-01-01 UTC"],
        **_place(leases),
    }  # fmt: skip


def _calls(
    paused: str, done: str, cancelled: str, blocked: str, undone: str, event: str, people: str, again: str,
    backfilled: dict[str, Any],
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Arguments that are right together, for functions that chance alone would seldom reach."""
    schedule = {"namespace": "t", "name": "s1", **WHO}
    fires = {"fires": ["2026-01-01 00:01 UTC"], "next_fire_at": "2026-01-01 00:02 UTC"}
    steps = [{"task_id": blocked, "step_name": "a"}, {"task_id": again, "step_name": "a"}]
    return {
        "answer_approval": [
            {"task_id": people, "name": "q", "approved": True, "roles": ["ann"], **WHO}
        ],
        "get_approval": [{"task_id": people, "name": "q"}],
        "send_event": [{"task_id": event, "name": "e", "payload": "{}"}],
        "resume_task": [{"task_id": paused, **WHO}],
        "resume_queue": [{"name": "undo", **WHO}],
        "resume_schedule": [{"namespace": "t", "name": "s2", **WHO}],
        "resume_template": [{"namespace": "t", "name": "kid", **WHO}],
        "retry_task": [{"task_id": blocked, **WHO}],
        "retry_step": [{**each, **WHO} for each in steps],
        "resolve_step": [{**each, "result": "{}", **WHO} for each in steps],
        "complete_step": [{**each, "result": "[]", **WHO} for each in steps],
        "rerun_task": [{"task_id": each, **WHO} for each in (done, cancelled, blocked, undone)],
        "plan_rerun": [{"task_id": done, "from_steps": ["b"]}, {"task_id": blocked}],
        "cancel_task": [{"task_id": each, "compensate": True, **WHO} for each in (blocked, event)],
        "backfill_schedule": [
            {**schedule, "start_at": "2026-01-01 UTC", "end_at": "2026-01-02 UTC"}
        ],
        "fire_schedule": [{**backfilled, **fires}, {**backfilled, **fires, "backfill_id": None}],
        "set_limit": [
            {"name": "t/shared", "concurrency": 1, "rate": None, "period_seconds": None, **WHO},
            {"name": "queue:t", "concurrency": None, "rate": 5, "period_seconds": 1.0, **WHO},
        ],
        "change_tasks": [
            {"verb": verb, "filter": '{"namespace": "t"}', **WHO}
            for verb in ("cancel", "compensate", "retry", "pause", "resume", "resolve")
        ],
    }


def _place(leases: list[Any]) -> dict[str, list[Any]]:
    """The parts of one good lease, for functions that take them one by one."""
    return {key: [leases[-1][key]] for key in ("queue_id", "msg_id", "read_ct", "step_no")}


@contextmanager
def undone(db: Connection) -> Iterator[None]:
    """Undo all that is done within."""
    with db.transaction(force_rollback=True):
        yield
