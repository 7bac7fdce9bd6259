"""Defects by what is allowed at most."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import (
    TELL,
    Found,
    bounded,
    defect,
    insert,
    transform,
    with_event,
)
from tests.soundness.programs import Step, walk


@defect("B201")
def many_steps(chance: Random, case: Case) -> Found:
    return bounded(case, max_steps=len(list(walk(case.steps))) - 1) if len(case.steps) > 1 else None


@defect("B202")
def long_way(chance: Random, case: Case) -> Found:
    steps = [
        {"id": f"way_{n}", "kind": "transform", "value": f"[.way_{n - 1}]" if n else "1"}
        for n in range(5)
    ]
    bounds = case.bounds.model_copy(update={"max_depth": 4})
    return (
        check(insert(chance, replace(case, bounds=bounds), *steps)).findings
        if case.fragment
        else None
    )


@defect("B203")
def many_writes(chance: Random, case: Case) -> Found:
    gate = {"id": "asked", "kind": "gate", "title": '"well?"'}
    new = insert(chance, with_event(case), gate, {**TELL, "needs": ["asked"]})
    return bounded(new, max_writes=0)


@defect("B204")
def many_ways(chance: Random, case: Case) -> Found:
    choices = [
        {"id": f"choice_{n}", "kind": "decide", "cases": [{"when": "true", "then": []}], "else": []}
        for n in range(14)
    ]
    end = transform("1", needs=[step["id"] for step in choices])
    return check(insert(chance, case, *choices, end)).findings


@defect("B205")
def kind_not_allowed(chance: Random, case: Case) -> Found:
    kinds = sorted({step["kind"] for step in walk(case.steps)})
    gone = chance.choice(kinds)
    return bounded(case, kinds=tuple(kind for kind in kinds if kind != gone))


@defect("B206")
def wide(chance: Random, case: Case) -> Found:
    step = {"id": "extra", "kind": "fan_out", "over": "[1]", "max_items": 9, "result": "x",
        "steps": [{"id": "x", "kind": "transform", "value": ".item"}]}  # fmt: skip
    return bounded(insert(chance, case, step), max_fan_out=8)


@defect("B207")
def nested(chance: Random, case: Case) -> Found:
    step: Step = {"id": "x", "kind": "transform", "value": "1"}
    for _ in range(9):
        step = {
            "id": "x",
            "kind": "fan_out",
            "over": "[1]",
            "max_items": 1,
            "result": "x",
            "steps": [step],
        }
    return check(insert(chance, case, {**step, "id": "extra"}, top=True)).findings


@defect("B208")
def much_work(chance: Random, case: Case) -> Found:
    step = {"id": "extra", "kind": "fan_out", "over": "[1]", "max_items": 50, "result": "x",
        "steps": [{"id": "x", "kind": "transform", "value": ".item"}]}  # fmt: skip
    return bounded(insert(chance, case, step, top=True), max_work=50)
