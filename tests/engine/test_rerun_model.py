"""Random graphs, run in part, and run again from random steps: what is kept and what runs is what the graph says.

TASKER_MODEL_EXAMPLES sets how many are tried.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.engine.model_drawing import draw_plans
from tests.engine.model_world import QUEUES
from tests.engine.oracle_steps import PASSED, StepPlan
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    call,
    claim,
    complete,
    fail,
    hand_in,
    one,
    register,
    register_worker,
    rows,
    step,
    submit,
    task_state,
    template,
)

WHO = {"reason": "because", "actor": "ann"}
# One that fails is made smaller only when more are asked for: it takes minutes.
PHASES = [Phase.explicit, Phase.generate] + [Phase.shrink] * ("TASKER_MODEL_EXAMPLES" in os.environ)
NUMBERS = count()
Plans = Mapping[int, StepPlan]


def define(db: Connection, plans: Plans) -> str:
    """Register the graph; its name."""
    name = f"graph{next(NUMBERS)}"
    steps = [
        step(
            plan.name,
            *(f"s{parent}" for parent in sorted(plan.parents)),
            kind=plan.kind,
            batch={"parallelism": plan.parallelism, "on_failure": plan.on_failure},
        )
        for _, plan in sorted(plans.items())
    ]
    register(db, template(name, *steps))
    return name


def name_of(db: Connection, lease: Lease) -> str:
    query = "select tasker.step_name(name, %s) from tasker.step_definition where definition_id = %s"
    return one(db, query, lease.instance, lease.definition_id)


def answer(plans: Plans, name: str) -> Json:
    """What a step returns: the same in every task."""
    number = int(name.partition("/")[0][1:])
    match plans[number].kind:
        case "decision":
            branches = sorted(plan.name for plan in plans.values() if number in plan.parents)
            return [branch for bit, branch in enumerate(branches) if (number * 5) >> bit & 1]
        case "batchable":
            return list(range(number % 5))
        case _:
            return {"by": name}


def run(worker: Worker, plans: Plans, most: int, failing: Collection[str] = ()) -> list[str]:
    """Let up to `most` steps run; which did."""
    ran: list[str] = []
    while len(ran) < most and (leases := claim(worker, want=min(3, most - len(ran)))):
        for lease in leases:
            name = name_of(worker.connection, lease)
            ran.append(name)
            done = fail(lease) if name in failing else complete(lease, answer(plans, name))
            hand_in(worker, done)
    return ran


def steps_of(db: Connection, task_id: UUID | str) -> dict[str, tuple[str, Json]]:
    return {s["name"]: (s["state"], s["result"]) for s in rows(db, "list_steps", task_id=task_id)}


def expect_kept(plans: Plans, there: Collection[str], done: Collection[str]) -> set[str]:
    """What is done, and has no ancestor that is not. `there` are the steps of the whole task."""

    def parents(name: str) -> list[str]:
        wanted = {f"s{parent}" for parent in plans[int(name.partition("/")[0][1:])].parents}
        return [each for each in there if each.partition("/")[0] in wanted]

    kept = set(done)
    while lost := {name for name in kept if not kept.issuperset(parents(name))}:
        kept -= lost
    return kept


@settings(
    max_examples=int(os.environ.get("TASKER_MODEL_EXAMPLES", "60")),
    deadline=None,
    derandomize=True,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_what_is_kept_and_what_runs_is_what_the_graph_says(
    shared_engine: Engine, data: st.DataObject
) -> None:
    db = shared_engine.owner
    worker = register_worker(db, *QUEUES)
    plans = draw_plans(data, data.draw(st.integers(2, 9)), 0)
    name = define(db, plans)
    whole = submit(db, name)
    run(worker, plans, 1000)
    everything = steps_of(db, whole)
    assert task_state(db, whole) == "complete"

    task_id = submit(db, name)
    failing = data.draw(st.sets(st.sampled_from(sorted(everything)), max_size=2))
    run(worker, plans, data.draw(st.integers(0, len(everything) + 1)), failing)
    if task_state(db, task_id) == "in_progress":
        call(db, "cancel_task", task_id=task_id, **WHO)
    part = steps_of(db, task_id)
    chosen = set(data.draw(st.lists(st.sampled_from(sorted(everything)), min_size=1, max_size=3)))
    tolerated = {each for each, (state, _) in part.items() if state == "tolerated"}
    begin = sorted((chosen & part.keys() or {min(part)}) | tolerated)

    again = call(db, "rerun_task", task_id=task_id, from_steps=begin, **WHO)
    assert rows(db, "verify", task_id=again["task_id"]) == []
    done = {each for each, (state, _) in part.items() if state in PASSED} - set(begin)
    kept = expect_kept(plans, everything, done)
    assert set(again["kept"]) == kept
    assert sorted(run(worker, plans, 1000)) == sorted(everything.keys() - kept)
    assert steps_of(db, again["task_id"]) == everything
    assert task_state(db, UUID(again["task_id"])) == "complete"
    assert rows(db, "verify", task_id=again["task_id"]) == []
