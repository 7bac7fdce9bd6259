"""Random templates of the model, and what they are as definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from tests.engine.model_world import QUEUES, TemplatePlan
from tests.engine.oracle_steps import STEP_TIME_LIMIT, TASK_TIME_LIMIT, StepPlan, Undoing
from tests.engine.support import step, template

STEP_KINDS = (
    *["standard"] * 4,
    *["decision"] * 2,
    *["deferred_convergence"] * 2,
    *["batchable"] * 2,
    *["batch_worker"] * 4,
)
ON_FAILURE = ("wait", "continue", "fail_task")
UNDOING = (None, None, "complete", "complete", "started")

Plans = dict[int, StepPlan]


def draw_template(data: st.DataObject, count: int) -> TemplatePlan:
    """Draw a template of some steps, and perhaps dynamic ones beside them."""
    plans = draw_plans(data, count, data.draw(st.sampled_from((0, 0, 1, 2))))
    undoing = draw_undoing(data, plans)
    compensates = data.draw(st.sampled_from((False, False, True)))
    return TemplatePlan(plans, undoing, compensates, data.draw(st.sampled_from(((6, 3), (9, 9)))))


def draw_plans(data: st.DataObject, count: int, dynamic: int) -> Plans:
    """Draw a graph. Numbers are drawn too, so that parents may stand below children."""
    plans = draw_dynamic(data, range(count + 1, count + dynamic + 1))
    order = data.draw(st.permutations(range(1, count + 1)))
    for position, no in enumerate(order):
        plans[no] = draw_step(data, no, plans, order[:position])
    plans = {no: settle_kind(no, plans) for no in plans}
    ask_for_the_rest(plans)
    return {no: replace(plan, guards=guards(plan, plans)) for no, plan in plans.items()}


def draw_dynamic(data: st.DataObject, numbers: Sequence[int]) -> Plans:
    """Draw dynamic steps."""
    more = st.sets(st.sampled_from(numbers)) if numbers else st.just(set[int]())
    return {
        no: StepPlan(
            f"s{no}", frozenset(), data.draw(st.sampled_from(QUEUES)), data.draw(st.integers(1, 3)),
            data.draw(st.booleans()), "dynamic", expands=frozenset(data.draw(more)),
        )
        for no in numbers
    }  # fmt: skip


def draw_step(data: st.DataObject, no: int, plans: Plans, before: Sequence[int]) -> StepPlan:
    """Draw a step behind some others."""
    kind = data.draw(st.sampled_from(STEP_KINDS))
    batches = [p for p in before if plans[p].kind == "batchable"]
    taken = {next(iter(p.parents)) for p in plans.values() if p.kind == "batch_worker"}
    waiting = [p for p in batches if p not in taken]
    if kind == "batch_worker" and waiting:
        parents = {waiting[0]}
    else:
        kind = "standard" if kind == "batch_worker" else kind
        gathers = kind == "deferred_convergence"
        may = [p for p in before if gathers or plans[p].kind != "batch_worker"]
        may += [p for p in plans if gathers and plans[p].kind == "dynamic"]
        parents = data.draw(st.sets(st.sampled_from(may), max_size=4)) if may else set[int]()
    plan = StepPlan(
        f"s{no}", frozenset(parents), data.draw(st.sampled_from(QUEUES)), data.draw(st.integers(1, 3)),
        data.draw(st.booleans()), kind,
        data.draw(st.sampled_from((None, 1, 2))) if kind == "batch_worker" else None,
        data.draw(st.sampled_from(ON_FAILURE)) if kind == "batch_worker" else "wait",
    )  # fmt: skip
    may_ask = sorted(expandable({**plans, no: plan}))
    if kind in ("standard", "deferred_convergence") and may_ask:
        plan = replace(plan, expands=frozenset(data.draw(st.sets(st.sampled_from(may_ask)))))
    return plan


def ask_for_the_rest(plans: Plans) -> None:
    """Add a step that asks for what no other brings, since somebody must."""
    asking = [d for plan in plans.values() if plan.kind != "dynamic" for d in plan.expands]
    brought = {no for d in asking for no in brings(d, plans)}
    left = {no for no, plan in plans.items() if plan.kind == "dynamic"} - brought
    if left:
        no = len(plans) + 1
        plans[no] = StepPlan(f"s{no}", frozenset(), "t", 2, False, expands=frozenset(left))


def expandable(plans: Plans) -> set[int]:
    """Dynamic steps that can be asked for without a circle: none of what they may bring is gathered as yet."""
    gathered = {parent for plan in plans.values() for parent in plan.parents}
    return {
        no for no, p in plans.items() if p.kind == "dynamic" and not brings(no, plans) & gathered
    }


def brings(no: int, plans: Plans) -> set[int]:
    """A dynamic step, and all that it may bring, and those may."""
    found, left = set[int](), [no]
    while left:
        if (number := left.pop()) not in found:
            found.add(number)
            left += plans[number].expands
    return found


def guards(plan: StepPlan, plans: Plans) -> frozenset[int]:
    """What may bring something that a step gathers."""
    gathered = {no for no in plan.parents if plans[no].kind == "dynamic"}
    return frozenset(
        no for no, other in plans.items() if any(brings(d, plans) & gathered for d in other.expands)
    )


def settle_kind(no: int, plans: Plans) -> StepPlan:
    """A step that nothing stands behind is no decision, and without a worker no batch."""
    children = [plan for plan in plans.values() if no in plan.parents]
    workers = [plan for plan in children if plan.kind == "batch_worker"]
    plan = plans[no]
    if (plan.kind == "decision" and not children) or (plan.kind == "batchable" and not workers):
        return replace(plan, kind="standard")
    return plan


def draw_undoing(data: st.DataObject, plans: Plans) -> dict[int, Undoing]:
    """Draw how steps are undone."""
    may = sorted(no for no, plan in plans.items() if plan.kind != "dynamic")
    chosen = {no: data.draw(st.sampled_from(UNDOING)) for no in may}
    undoing: dict[int, Undoing] = {}
    for no in (no for no, when in chosen.items() if when):
        plan = StepPlan(
            f"undo:{plans[no].name}", frozenset(), data.draw(st.sampled_from(QUEUES)),
            data.draw(st.integers(1, 3)), data.draw(st.booleans()), "compensation",
        )  # fmt: skip
        undoing[no] = Undoing(len(plans) + len(undoing) + 1, plan, chosen[no] == "started")
    return undoing


def define(name: str, drawn: TemplatePlan, timed: bool) -> dict[str, Any]:
    """Return a template's definition."""
    steps = [define_step(no, drawn) for no in sorted(drawn.plans)]
    most, deepest = drawn.bounds
    return template(
        name,
        *steps,
        time_limit=TASK_TIME_LIMIT if timed else None,
        on_failure="compensate" if drawn.compensates else "wait",
        expansion={"max_steps": most, "max_depth": deepest},
    )


def define_step(no: int, drawn: TemplatePlan) -> dict[str, Any]:
    """Return a step's definition."""
    plan, undoing = drawn.plans[no], drawn.undoing.get(no)
    undone = undoing and {
        "handler": "undo",
        "when": "started" if undoing.started else "complete",
        **how_to_run(undoing.plan),
    }
    return step(
        plan.name,
        *(f"s{p}" for p in sorted(plan.parents)),
        kind=plan.kind,
        **how_to_run(plan),
        compensate=undone,
        batch={"parallelism": plan.parallelism, "on_failure": plan.on_failure},
        expands=[f"s{d}" for d in sorted(plan.expands)],
    )


def how_to_run(plan: StepPlan) -> Mapping[str, Any]:
    """What a step and a compensation have both."""
    return {
        "queue": plan.queue,
        "retry": {"max_attempts": plan.max_attempts, "permanent_errors": ["Fatal"]},
        "step_time_limit": STEP_TIME_LIMIT if plan.timed else None,
    }
