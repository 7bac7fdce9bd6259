"""Defects in what is named: resources, compositions, schemas."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import (
    NONSENSE,
    Found,
    add,
    bounded,
    defect,
    insert,
    with_labels,
    with_more,
)
from tests.soundness.programs import walk
from tests.soundness.shapes import closed

from tasker.actions.resources_check import check_resources
from tasker_grammar.resources import Table

add("R501", "acquire", resource=NONSENSE)
add("R501", "persist", resource=NONSENSE, mode="upsert", row="{}")
add("R501", "validate", value="1", schema=NONSENSE)
add("R501", "acquire", resource="table_0")
add("R502", "emit", event=NONSENSE, payload="{}")
add("R502", "emit", event="source_0", payload="{}")
add("R503", "invoke", action=NONSENSE, input="{}")
add("R504", "compose", composition=NONSENSE)
add("R504", "compose", composition="dedupe@99", **{"with": {"items": "[]"}})


@defect("R505")
def unusable_entry(chance: Random, case: Case) -> Found:
    row = closed({"id": {"type": "string"}})
    table = Table(table="t", row=row, key=(NONSENSE,))
    return list(check_resources(with_more(case, tables={"keyless": table})))


@defect("R509")
def not_for_this(chance: Random, case: Case) -> Found:
    new = insert(chance, with_labels(case), {"id": "extra", "kind": "acquire", "resource": "leaky"})
    names = {step.get(key) for step in walk(case.steps) for key in ("resource", "event", "action")}
    return bounded(new, resources=tuple(name for name in names if name))


@defect("R510")
def other_mode(chance: Random, case: Case) -> Found:
    table = Table(
        table="t", row=closed({"id": {"type": "string"}}), key=("id",), modes=("insert_once",)
    )
    new = replace(case, resources=with_more(case, tables={"once": table}))
    step = {
        "id": "extra",
        "kind": "persist",
        "resource": "once",
        "mode": "upsert",
        "row": '{id: "a"}',
    }
    return check(insert(chance, new, step)).findings


@defect("S601")
def bad_schema(chance: Random, case: Case) -> Found:
    schema = chance.choice(
        ({"type": "strnig"}, {"$ref": "https://example.com/x"}, {"minimum": "a"})
    )
    if case.fragment:
        schema = {"type": "object"}
    step = {"id": "extra", "kind": "validate", "value": "1", "schema": schema}
    return check(insert(chance, case, step)).findings


@defect("S602")
def large_schema(chance: Random, case: Case) -> Found:
    schema = {
        "type": "object",
        "properties": {f"field_{n}": {"type": "string"} for n in range(5_000)},
    }
    step = {"id": "extra", "kind": "validate", "value": "1", "schema": schema}
    return None if case.fragment else check(insert(chance, case, step)).findings
