"""Defects in the graph of steps."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import (
    BRANCHES,
    NONSENSE,
    TELL,
    Found,
    copied,
    defect,
    insert,
    levels,
    transform,
    with_event,
)
from tests.soundness.programs import Step

from tasker_grammar.composition import Composition


@defect("G101")
def doubled(chance: Random, case: Case) -> Found:
    level, _ = chance.choice(list(levels(case)))
    new = insert(chance, case, {**transform("1"), "id": level[0]["id"]}, top=level is case.steps)
    return check(new).findings if level is case.steps else None


@defect("G102")
def reserved(chance: Random, case: Case) -> Found:
    return check(insert(chance, case, {**transform("1"), "id": "input"})).findings


@defect("G102")
def taken(chance: Random, case: Case) -> Found:
    if not case.fragment:
        return None
    return check(copied(case, existing=(chance.choice(case.steps)["id"],))).findings


@defect("G103")
def unknown_need(chance: Random, case: Case) -> Found:
    return check(insert(chance, case, transform("1", needs=[NONSENSE]))).findings


@defect("G103")
def unknown_branch(chance: Random, case: Case) -> Found:
    step = {
        "id": "extra",
        "kind": "decide",
        "cases": [{"when": "true", "then": [NONSENSE]}],
        "else": [],
    }
    return check(insert(chance, case, step)).findings


@defect("G104")
def waits_for_itself(chance: Random, case: Case) -> Found:
    value, needs = chance.choice((("1", ["extra"]), (".extra", [])))
    return check(insert(chance, case, transform(value, needs=needs))).findings


@defect("G104")
def circle(chance: Random, case: Case) -> Found:
    one = {**transform("1"), "id": "one", "needs": ["extra"]}
    return check(insert(chance, case, one, transform(".one"))).findings


@defect("G104")
def circle_through_the_result(chance: Random, case: Case) -> Found:
    new = copied(case)
    level, result = chance.choice(list(levels(new)))
    others = [step for step in level if step["id"] != result]
    if not others:
        return None
    step = chance.choice(others)
    step["needs"] = [*step.get("needs", ()), result]
    last = next(each for each in level if each["id"] == result)
    last["needs"] = list({*last.get("needs", ()), step["id"]})
    return check(new).findings


@defect("G105")
def needed_twice(chance: Random, case: Case) -> Found:
    one = {**transform("1"), "id": "one"}
    return check(insert(chance, case, one, transform("2", needs=["one", "one"]))).findings


@defect("G106")
def no_result(chance: Random, case: Case) -> Found:
    return check(copied(case, result=NONSENSE)).findings


@defect("G107")
def dead(chance: Random, case: Case) -> Found:
    new = copied(case)
    chance.choice(list(levels(new)))[0].append(transform("1"))
    return check(new).findings


@defect("G108")
def not_waited_for(chance: Random, case: Case) -> Found:
    new = copied(with_event(case))
    new.steps.append(TELL)
    return check(new).findings if case.fragment else None


@defect("G109")
def never(chance: Random, case: Case) -> Found:
    both = {"id": "extra", "kind": "converge", "mode": "all", "needs": ["one", "two"]}
    return check(insert(chance, case, *BRANCHES, both)).findings


@defect("G109")
def never_by_reference(chance: Random, case: Case) -> Found:
    return check(insert(chance, case, *BRANCHES, transform("[.one, .two]"))).findings


@defect("G110")
def perhaps(chance: Random, case: Case) -> Found:
    together = {"id": "both", "kind": "converge", "needs": ["one", "two"]}
    new = insert(chance, case, *BRANCHES, together, transform(".both"))
    level, result = next(levels(new))
    if all(step["id"] != "extra" for step in level):
        return None
    level.append({"id": "end", "kind": "transform", "value": f"[.{result}, .one]"})
    return check(replace(new, result="end")).findings


@defect("G111")
def uses_itself(chance: Random, case: Case) -> Found:
    step = {"id": "extra", "kind": "compose", "composition": "loop", "input": "{}"}
    loop = Composition(name="loop", steps=(step,), result="extra")
    return check(
        insert(chance, replace(case, library={**case.library, "loop": loop}), step)
    ).findings


@defect("G112")
def gathering_branch(chance: Random, case: Case) -> Found:
    steps: list[Step] = [
        {"id": "one", "kind": "transform", "value": "1"},
        {"id": "extra", "kind": "converge", "mode": "created", "needs": ["one"]},
        {
            "id": "choose",
            "kind": "decide",
            "cases": [{"when": "true", "then": ["extra"]}],
            "else": [],
        },
    ]
    return check(insert(chance, case, *steps)).findings
