"""Growth is all or nothing: the server process is killed at each statement that makes a task grow, of each kind, and
whoever brings it about: a worker, a handler's own transaction, or an operator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from tests.engine.crashing import dies_at, everything
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    broken,
    call,
    claim,
    claim_named,
    complete,
    exchange,
    fail,
    fire,
    lapse,
    register,
    register_worker,
    run_all,
    step,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}

Act = Callable[[Connection, Worker, Mapping[str, Lease]], Any]


def kind(name: str, of: str, *parents: str, **more: Json) -> dict[str, Json]:
    """Define a step of a kind."""
    return step(name, *parents, kind=of, **more)


def saying(**said: Json) -> Act:
    """A worker's exchange: what handlers return, by their steps, each a result and perhaps an expansion."""

    def act(connection: Connection, worker: Worker, held: Mapping[str, Lease]) -> Any:
        outcomes = [{**complete(held[name]), **more} for name, more in said.items()]
        return exchange(Worker(connection, worker.id, worker.queue_ids), outcomes, want=0)

    return act


def committing(name: str, **more: Json) -> Act:
    """A handler's own transaction, in which it writes something as well."""

    def act(connection: Connection, worker: Worker, held: Mapping[str, Lease]) -> Any:
        with connection.transaction():
            connection.execute("insert into public.effect values (1)")
            assert call(connection, "commit_outcome", outcome={**complete(held[name]), **more})

    return act


def failing(name: str) -> Act:
    """A worker's exchange in which a step fails for good."""

    def act(connection: Connection, worker: Worker, held: Mapping[str, Lease]) -> Any:
        return exchange(Worker(connection, worker.id, worker.queue_ids), [fail(held[name])], want=0)

    return act


def by_hand(verb: str, **more: Any) -> Act:
    """What an operator does."""

    def act(connection: Connection, worker: Worker, held: Mapping[str, Lease]) -> Any:
        [task_id] = {lease.task_id for lease in held.values()}
        given = {k: Jsonb(v) if k == "result" else v for k, v in more.items()}
        return call(connection, verb, task_id=task_id, **given, **WHO)

    return act


@dataclass(frozen=True)
class Case:
    """What grows: a template's steps, what was said before, and what makes it grow."""

    steps: list[Json]
    act: Act
    before: Mapping[str, Json] = field(default_factory=dict[str, Json])


ASKED = [{"step": "b"}, {"step": "b", "takes": {"x": 0}}, {"step": "b", "after": [0, 1, "a"]}]
UNDO = {"compensate": {"handler": "undo", "step_time_limit": 60}}

DECISION = [
    kind("a", "decision"), step("b", "a"), step("c", "a", step_time_limit=60),
    kind("d", "deferred_convergence", "b", "c"),
]  # fmt: skip
BATCH = [
    kind("a", "batchable"), kind("b", "batch_worker", "a", batch={"parallelism": 2}),
    kind("c", "deferred_convergence", "b"),
]  # fmt: skip
EXPANSION = [
    step("a", expands=["b"]), kind("b", "dynamic", step_time_limit=60),
    kind("c", "deferred_convergence", "b"),
]  # fmt: skip
CONVERGENCE = [
    kind("a", "decision"), kind("b", "decision", "a"), step("c", "b"), kind("d", "decision"), step("e", "d"),
    kind("f", "deferred_convergence", "c", "e", step_time_limit=60), step("g", "f"),
]  # fmt: skip
TOLERANT = [
    kind("a", "batchable"), kind("b", "batch_worker", "a", batch={"on_failure": "continue"}),
    kind("c", "deferred_convergence", "b"), step("d", "c"),
]  # fmt: skip

CASES = {
    "decision": Case(DECISION, saying(a={"result": ["b", "c"]})),
    "decision for none": Case([*DECISION, step("e")], saying(a={"result": []})),
    "batch": Case(BATCH, saying(a={"result": [1, 2, 3]})),
    "batch of none": Case(BATCH, saying(a={"result": []})),
    "expansion": Case(EXPANSION, saying(a={"expansion": ASKED})),
    "convergence of two decisions": Case(
        CONVERGENCE, saying(b={"result": []}), {"d": ["e"], "e": 1, "a": ["b"]}
    ),
    "convergence of an expansion": Case(EXPANSION, saying(**{"b/3": {"result": 3}}), {
        "a": ASKED, "b/1": 1, "b/2": 2,
    }),
    "convergence without one that failed": Case(TOLERANT, failing("b/2"), {"a": [1, 2], "b/1": 1}),
    "all at once": Case(
        [
            *(s | {"name": f"{s['name']}{n}", "depends_on": [f"{p}{n}" for p in s["depends_on"]],
                   "expands": [f"{x}{n}" for x in s.get("expands", [])]}
              for n, steps in enumerate((DECISION, BATCH, EXPANSION)) for s in steps),
            kind("end", "deferred_convergence", "d0", "c1", "c2"),
        ],
        saying(
            a0={"result": ["b0"]}, a1={"result": [1, 2]}, a2={"expansion": [{"step": "b2"}, {"step": "b2"}]}
        ),
    ),
    "decision in a handler's transaction": Case(DECISION, committing("a", result=["c"])),
    "expansion in a handler's transaction": Case(EXPANSION, committing("a", expansion=ASKED)),
    "decision by hand": Case(DECISION, by_hand("resolve_step", step_name="a", result=["b"])),
    "batch by hand": Case(BATCH, by_hand("complete_step", step_name="a", result=[1, 2])),
    "what undoes it": Case(
        [step("a", **UNDO), step("b", "a", **UNDO), step("c", "b")],
        by_hand("cancel_task", compensate=True), {"a": 1, "b": 2},
    ),
}  # fmt: skip


def bring_to(worker: Worker, said: Mapping[str, Json]) -> dict[str, Lease]:
    """Complete steps, one after the other, until what was said before is said; the leases that are held then."""
    held = claim_named(worker)
    for name, result in said.items():
        more = {"expansion": result} if result == ASKED else {}
        assert exchange(
            worker, [{**complete(held.pop(name), result), **more}], want=0
        ).accepted == [1]
        held |= claim_named(worker)
    return held


@pytest.mark.parametrize("name", CASES)
def test_a_crash_at_any_statement_leaves_nothing_half_done(
    engine: Engine, crashing: Connection, name: str
) -> None:
    case = CASES[name]
    register(crashing, template("case", *case.steps))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, "case")
    held = bring_to(worker, case.before)
    before = everything(crashing)
    at = 1
    while dies_at(engine, at, lambda connection: case.act(connection, worker, held)):
        assert everything(crashing) == before, f"after a crash at statement {at}"
        at += 1
    assert at > 3, "the triggers did not fire"
    assert everything(crashing) != before
    assert broken(crashing) == []
    again = [complete(lease) for lease in held.values()]
    exchange(worker, again, want=0)  # what was accepted already is not accepted again
    lapse(crashing, *held.values())
    assert broken(crashing) == []
    fire(crashing, "retry")  # what undoes it waits for the end of the leases
    run_all(worker, lambda lease: [])
    assert task_state(crashing, task_id) == ("cancelled" if "undoes" in name else "complete")
    assert broken(crashing) == []


def test_after_a_crash_another_worker_makes_it_grow(engine: Engine, crashing: Connection) -> None:
    register(crashing, template("batch", *BATCH))
    worker = register_worker(crashing, "t")
    task_id = submit(crashing, "batch")
    [lease] = claim(worker)
    grow = saying(a={"result": [1, 2, 3]})
    assert dies_at(engine, 3, lambda connection: grow(connection, worker, {"a": lease}))
    lapse(crashing, lease)
    [again] = claim(register_worker(crashing, "t"))
    assert exchange(worker, [complete(lease, [1])], want=0).accepted == []
    assert exchange(worker, [complete(again, [1, 2, 3])], want=0).accepted == [1]
    run_all(worker)
    assert task_state(crashing, task_id) == "complete"
    assert broken(crashing) == []
