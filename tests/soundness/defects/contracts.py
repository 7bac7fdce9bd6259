"""Defects in what fits what."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import (
    NONSENSE,
    TELL,
    Found,
    add,
    copied,
    defect,
    insert,
    transform,
    with_event,
)
from tests.soundness.shapes import closed

from tasker_grammar.composition import Composition

add("C303", "assert", that="5")
add("C303", "assert", that='if true then true else "yes" end')
add("C303", "decide", cases=[{"when": '"yes"', "then": []}])
add("C304", "gate", title="5")
add("C304", "gate", title='if true then "well?" else null end')
add(
    "C307",
    "fan_out",
    over="{}",
    steps=[{"id": "x", "kind": "transform", "value": "1"}],
    result="x",
    max_items=3,
)
add("C311", "wait", until="true")
add("C312", "validate", value="{}", schema="shape_0", on_failure="partition")


@defect("C301")
def wrong_params(chance: Random, case: Case) -> Found:
    name = chance.choice(sorted(case.resources.endpoints))
    step = {
        "id": "extra",
        "kind": "acquire",
        "resource": name,
        "params": chance.choice(("5", "[]", "null")),
    }
    return check(insert(chance, case, step)).findings


@defect("C302")
def wrong_output(chance: Random, case: Case) -> Found:
    name = chance.choice(sorted(case.resources.schemas))
    return check(
        insert(chance, case, transform(chance.choice(("5", "[]", "null")), output=name))
    ).findings


@defect("C305")
def wrong_row(chance: Random, case: Case) -> Found:
    fields = chance.choice(
        (
            {"row": "5"},
            {"rows": "{}"},
            {"rows": "[5]"},
            {"row": f'{{"id": 1, {NONSENSE}: 2}}'},
            {"row": "[]"},
        )
    )
    step = {"id": "extra", "kind": "persist", "resource": "table_0", "mode": "upsert", **fields}
    return check(insert(chance, case, step)).findings


@defect("C306")
def wrong_payload(chance: Random, case: Case) -> Found:
    step = {
        "id": "extra",
        "kind": "emit",
        "event": "event_0",
        "payload": chance.choice(("5", "[]", '"x"')),
    }
    return check(insert(chance, case, step)).findings


@defect("C306")
def wrong_key(chance: Random, case: Case) -> Found:
    return check(insert(chance, with_event(case), {**TELL, "key": "5"})).findings


@defect("C308")
def wrong_input(chance: Random, case: Case) -> Found:
    inner = Composition(name="strict", input=closed({"n": {"type": "integer"}}), steps=(transform(".input.n"),),
        result="extra")  # fmt: skip
    new = replace(case, library={**case.library, "strict": inner})
    value = chance.choice(("5", "{}", '{n: "1"}', "{n: 1.5}", "{n: 1, m: 2}"))
    step = {"id": "extra", "kind": "compose", "composition": "strict", "input": value}
    return check(insert(chance, new, step)).findings


@defect("C309")
def wrong_result(chance: Random, case: Case) -> Found:
    return check(
        copied(case, contract=chance.choice(({"type": "null"}, {"type": "string"}, False)))
    ).findings


@defect("C310")
def wrong_action_input(chance: Random, case: Case) -> Found:
    name = chance.choice(sorted(case.resources.actions))
    step = {"id": "extra", "kind": "invoke", "action": name, "input": chance.choice(("5", "[]"))}
    return check(insert(chance, case, step)).findings
