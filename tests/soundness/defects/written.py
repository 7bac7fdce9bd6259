"""Defects in what was written, as such, and in parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import NONSENSE, Found, add, copied, defect, insert, transform

from tasker.grammar_files import read_file, read_problems
from tasker_grammar.catalog import bundled, extend
from tasker_grammar.composition import Composition, Parameter
from tasker_grammar.filling import find_parameter_faults

add("P001", "transmogrify")
add("P001", "transform", value="1", colour="red")
add("P001", "transform")
add("P001", "transform", value={"id": ".input.id"})
add("P001", "wait")
add("P001", "wait", **{"for": "1s", "until": '"2030-01-01T00:00:00Z"'})
add("P001", "gate", title='"well?"', timeout="soon")
add("P001", "decide", cases=[])
add("P001", "fan_out", over="[1]", steps=[], result="x", max_items=3)
add(
    "P001",
    "fan_out",
    over="[1]",
    steps=[{"id": "x", "kind": "transform", "value": "1"}],
    result="x",
)
add("P001", "assert", that="true", code="not a code")
add("P001", "persist", resource="table_0", mode="append", row="{}")
add("P101", "compose", composition="dedupe", **{"with": {"items": "[]", NONSENSE: 1}})
add("P102", "compose", composition="dedupe")
add("P103", "compose", composition="dedupe", **{"with": {"items": [5]}})


@defect("P001")
def no_steps(chance: Random, case: Case) -> Found:
    return check(replace(case, steps=[])).findings


@defect("P001")
def not_an_object(chance: Random, case: Case) -> Found:
    new = copied(case)
    new.steps.append(chance.choice((5, "step", None, [])))
    return check(new).findings


@defect("P001")
def not_json(chance: Random, case: Case) -> Found:
    bad = chance.choice((float("nan"), float("inf"), "\0", "\ud800", {1: 2}, {"a"}, 2**70))
    return check(insert(chance, case, transform("1", description=bad))).findings


@defect("P002")
def other_version(chance: Random, case: Case) -> Found:
    return check(copied(case, more={"version": "2"})).findings if case.fragment else None


@defect("P003")
def much_text(chance: Random, case: Case) -> Found:
    return check(insert(chance, case, transform("1", description="x" * 1_100_000))).findings


@defect("P003")
def deep(chance: Random, case: Case) -> Found:
    nested: Any = {}
    for _ in range(200):
        nested = {"items": nested}
    return check(insert(chance, case, transform("1", output=nested))).findings


@defect("P004")
def no_file(chance: Random, case: Case) -> Found:
    file = Path(f"{NONSENSE}.{chance.choice(('yaml', 'json'))}")
    [document] = read_file(file)
    return [each.finding for each in read_problems(document, file)]


@defect("P104")
def no_such_parameter(chance: Random, case: Case) -> Found:
    if case.fragment:
        return None
    return check(insert(chance, case, transform({"$param": NONSENSE}))).findings  # type: ignore[arg-type]


@defect("P105")
def unused_parameter(chance: Random, case: Case) -> Found:
    idle = {"idle": Parameter(kind="text", default="x")}
    return find_parameter_faults(_composition("mine").model_copy(update={"parameters": idle}))


def _composition(name: str) -> Composition:
    return Composition(name=name, steps=(transform("1"),), result="extra")


@defect("P106")
def twice(chance: Random, case: Case) -> Found:
    both = [_composition("mine"), _composition("mine")]
    return [finding for _, finding in extend(bundled(), both)[1]]


@defect("P107")
def shadowed(chance: Random, case: Case) -> Found:
    own = _composition(chance.choice(bundled().names))
    return [finding for _, finding in extend(bundled(), [own])[1]]
