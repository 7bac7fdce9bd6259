"""Growth is all or nothing: the server process is killed at each statement that makes a task grow."""

from __future__ import annotations

import pytest
from tests.engine.crashing import dies_at, everything
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    broken,
    claim,
    complete,
    exchange,
    lapse,
    register,
    register_worker,
    run_all,
    step,
    submit,
    task_state,
    template,
)

GROWTH: dict[str, tuple[list[Json], Json, Json]] = {
    "decision": (
        [
            step("a", kind="decision"), step("b", "a"), step("c", "a"),
            step("d", "b", "c", kind="deferred_convergence"),
        ],
        ["b", "c"],
        None,
    ),
    "batch": (
        [
            step("a", kind="batchable"), step("b", "a", kind="batch_worker", batch={"parallelism": 2}),
            step("c", "b", kind="deferred_convergence"),
        ],
        [1, 2, 3],
        None,
    ),
    "expansion": (
        [
            step("a", expands=["b"]), step("b", kind="dynamic", step_time_limit=60),
            step("c", "b", kind="deferred_convergence"),
        ],
        None,
        [{"step": "b"}, {"step": "b", "takes": {"x": 0}}, {"step": "b", "after": [0, 1]}],
    ),
}  # fmt: skip


def crash(engine: Engine, worker: Worker, lease: Lease, done: Json, at: int) -> bool:
    """Hand in an outcome over a connection that dies at a statement; whether it did."""
    return dies_at(
        engine, at, lambda c: exchange(Worker(c, worker.id, worker.queue_ids), [done], want=0)
    )


@pytest.mark.parametrize("kind", GROWTH)
def test_a_crash_at_any_statement_leaves_nothing_half_done(
    engine: Engine, crashing: Connection, kind: str
) -> None:
    steps, result, expansion = GROWTH[kind]
    register(crashing, template(kind, *steps))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, kind)
    [lease] = claim(worker)
    done = complete(lease, result) | ({} if expansion is None else {"expansion": expansion})
    before = everything(crashing)
    at = 1
    while crash(engine, worker, lease, done, at):
        assert everything(crashing) == before, f"after a crash at statement {at}"
        at += 1
    assert at > 5, "the triggers did not fire"
    assert everything(crashing) != before
    assert broken(crashing) == []
    assert exchange(worker, [done], want=0).accepted == [], "it was accepted already"
    run_all(worker)
    assert task_state(crashing, task_id) == "complete"


def test_after_a_crash_another_worker_makes_it_grow(engine: Engine, crashing: Connection) -> None:
    steps, result, _ = GROWTH["batch"]
    register(crashing, template("batch", *steps))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, "batch")
    [lease] = claim(worker)
    assert crash(engine, worker, lease, complete(lease, result), 3)
    lapse(crashing, lease)
    [again] = claim(register_worker(crashing, "t"))
    assert exchange(worker, [complete(lease, [1])], want=0).accepted == []
    assert exchange(worker, [complete(again, result)], want=0).accepted == [1]
    run_all(worker)
    assert task_state(crashing, task_id) == "complete"
    assert broken(crashing) == []
