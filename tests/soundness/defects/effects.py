"""Defects in what is done to the outside."""

from __future__ import annotations

import copy
from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import (
    BRANCHES,
    TELL,
    Found,
    defect,
    insert,
    with_event,
    with_labels,
    with_more,
)
from tests.soundness.programs import Step
from tests.soundness.shapes import closed

from tasker_grammar.resources import Table


@defect("E401")
def no_gate(chance: Random, case: Case) -> Found:
    new = insert(chance, with_event(case), TELL, top=True)
    return check(new).findings if case.fragment else None


@defect("E401")
def gate_on_one_way(chance: Random, case: Case) -> Found:
    steps = copy.deepcopy(BRANCHES)
    steps[1] = {"id": "one", "kind": "gate", "title": '"well?"'}
    gather = {"id": "both", "kind": "converge", "mode": "created", "needs": ["one", "two"]}
    new = insert(chance, with_event(case), *steps, gather, {**TELL, "needs": ["both"]}, top=True)
    return check(new).findings if case.fragment else None


@defect("E402")
def no_key(chance: Random, case: Case) -> Found:
    row = closed({"id": {"type": ["string", "null"]}, "n": {"type": "integer"}},
        frozenset({"id", "n"}))  # fmt: skip
    new = replace(
        case, resources=with_more(case, tables={"loose": Table(table="t", row=row, key=("id",))})
    )
    step: Step = {"id": "extra", "kind": "persist", "resource": "loose", "mode": "upsert"}
    step |= chance.choice(({"row": "{n: 1}"}, {"row": "{id: null}"}, {"rows": "[{n: 1}]"}))
    return check(insert(chance, new, step)).findings


@defect("E403")
def leak(chance: Random, case: Case) -> Found:
    get = {"id": "got", "kind": "acquire", "resource": "leaky"}
    way = {"id": "way", "kind": "transform", "value": "[.got]"}
    tell = {**TELL, "event": "open", "payload": '{text: (.way | .[0] // "")}'}
    return check(insert(chance, with_labels(case), get, way, tell, top=True)).findings


def decide_by_secret(chance: Random, case: Case) -> Case:
    """Whether something is told, to everybody, depends on a secret."""
    get = {"id": "got", "kind": "acquire", "resource": "leaky"}
    choose = {
        "id": "choose",
        "kind": "decide",
        "cases": [{"when": "(.got | length) > 1", "then": ["told"]}],
        "else": [],
    }
    tell = {**TELL, "id": "told", "event": "open"}
    gather = {"id": "extra", "kind": "converge", "mode": "created", "needs": ["choose", "told"]}
    return insert(chance, with_labels(case), get, choose, tell, gather, top=True)


@defect("E403")
def leak_by_decision(chance: Random, case: Case) -> Found:
    return check(decide_by_secret(chance, case)).findings


@defect("E404")
def does_more(chance: Random, case: Case) -> Found:
    if case.fragment:
        return None
    new = insert(chance, with_labels(case), {"id": "extra", "kind": "acquire", "resource": "leaky"})
    return check(replace(new, more={"effect": "pure"})).findings
