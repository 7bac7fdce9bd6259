"""Which steps tasks under way still need: what a deployment must have."""

from __future__ import annotations

from typing import Any

from tests.engine.support import (
    Connection,
    call,
    claim_named,
    complete,
    exchange,
    fail,
    register,
    register_worker,
    run_all,
    step,
    submit,
    submit_many,
    template,
)
from tests.engine.test_plans import rows_read, write_history

CHAIN = template("chain", *[step(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(4)])


def needed(db: Connection) -> dict[str, int]:
    return {
        f"{row['template']}@{row['version']}.{row['step']}": row["tasks"]
        for row in call(db, "list_needed_steps")
    }


def do(worker: Any, name: str, result: Any = None, **more: Any) -> None:
    exchange(worker, [complete(claim_named(worker)[name], result) | more], want=0)


def test_steps_that_are_done_in_all_tasks_are_not_needed(db: Connection) -> None:
    register(db, template("x", step("a"), step("b", "a", handler="h.other")))
    assert needed(db) == {}
    submit_many(db, "x", [{}] * 3)
    assert needed(db) == {"x@1.a": 3, "x@1.b": 3}
    worker = register_worker(db)
    leases = [complete(lease) for lease in claim_all(worker)]
    exchange(worker, leases[:2], want=0)
    assert needed(db) == {"x@1.a": 1, "x@1.b": 3}
    exchange(worker, leases[2:], want=0)
    assert needed(db) == {"x@1.b": 3}
    [row] = call(db, "list_needed_steps")
    assert row == {
        "namespace": "t", "template": "x", "version": "1", "step": "b", "kind": "standard",
        "handler": "h.other", "tasks": 3,
    }  # fmt: skip
    run_all(worker)
    assert needed(db) == {}


def claim_all(worker: Any) -> list[Any]:
    from tests.engine.support import claim

    return claim(worker)


def test_a_step_that_failed_is_needed_and_each_version_by_itself(db: Connection) -> None:
    register(db, template("x", step("a")))
    submit(db, "x")
    worker = register_worker(db)
    exchange(worker, [fail(claim_named(worker)["a"])], want=0)
    register(db, {**template("x", step("a")), "version": "2"})
    submit(db, "x")
    assert needed(db) == {"x@1.a": 1, "x@2.a": 1}


def test_branches_are_needed_until_the_decision_is_made(db: Connection) -> None:
    register(
        db,
        template(
            "x",
            step("which", kind="decision"),
            step("left", "which"),
            step("right", "which"),
            step("behind", "right"),
            step("join", "left", "behind", kind="deferred_convergence"),
        ),
    )
    submit(db, "x")
    assert set(needed(db)) == {f"x@1.{n}" for n in ("which", "left", "right", "behind", "join")}
    worker = register_worker(db)
    do(worker, "which", ["left"])
    assert set(needed(db)) == {"x@1.left", "x@1.join"}


def test_the_workers_of_a_batch_and_what_gathers_them(db: Connection) -> None:
    register(
        db,
        template(
            "x",
            step("cut", kind="batchable"),
            step("work", "cut", kind="batch_worker"),
            step("sum", "work", kind="deferred_convergence"),
        ),
    )
    submit(db, "x")
    assert set(needed(db)) == {"x@1.cut", "x@1.work", "x@1.sum"}
    worker = register_worker(db)
    do(worker, "cut", [1, 2])
    assert needed(db) == {"x@1.work": 1, "x@1.sum": 1}
    exchange(worker, [complete(lease) for lease in claim_all(worker)], want=0)
    assert needed(db) == {"x@1.sum": 1}


def test_dynamic_steps_are_needed_while_somebody_may_ask_for_them(db: Connection) -> None:
    register(
        db,
        template(
            "x",
            step("ask", expands=["more"]),
            step("more", kind="dynamic", expands=["most"]),
            step("most", kind="dynamic"),
            step("end", "ask", "more", "most", kind="deferred_convergence"),
        ),
    )
    submit(db, "x")
    assert set(needed(db)) == {"x@1.ask", "x@1.more", "x@1.most", "x@1.end"}
    do(register_worker(db), "ask")
    assert set(needed(db)) == {"x@1.end"}


def test_compensations_are_needed_until_they_are_done(db: Connection) -> None:
    register(db, template("x", step("a", compensate={"handler": "u"}), step("b", "a")))
    task_id = submit(db, "x")
    worker = register_worker(db)
    do(worker, "a")
    assert needed(db) == {"x@1.b": 1, "x@1.undo:a": 1}
    call(db, "cancel_task", task_id=task_id, reason="r", actor="a", compensate=True)
    assert needed(db) == {"x@1.undo:a": 1}
    run_all(worker)
    assert needed(db) == {}


def test_finished_tasks_cost_nothing(db: Connection) -> None:
    register(db, CHAIN)
    write_history(db)
    submit_many(db, "chain", [{}] * 50)
    with rows_read(db) as read:
        assert needed(db) == {f"chain@1.s{n}": 50 for n in range(4)}
        seen = read()
    assert seen["task"] <= 200
    assert seen["step"] <= 400
