"""Defects in expressions."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import Case, check
from tests.soundness.defects.seeding import Found, copied, defect, insert, transform, with_more
from tests.soundness.programs import walk

from tasker_grammar.resources import Endpoint


def add_expression(code: str, *sources: str) -> None:
    """A defect that lies in an expression, alone or in the midst of one that there is already."""

    @defect(code)
    def alone(chance: Random, case: Case) -> Found:
        return check(insert(chance, case, transform(chance.choice(sources)))).findings

    @defect(code)
    def within(chance: Random, case: Case) -> Found:
        new = copied(case)
        short = [s for s in walk(new.steps) if s["kind"] == "transform" and len(s["value"]) < 500]
        if not short:
            return None
        step = chance.choice(short)
        step["value"] = (
            f"(if ({chance.choice(sources)}) == 1 then {step['value']} else {step['value']} end)"
        )
        return check(new).findings


add_expression("X001", f'"{"x" * 5000}"', " " * 5000 + "1")
add_expression("X002", "(", "1 +", '"abc', "}", "if true then 1", "[1")
add_expression(
    "X003",
    "now",
    "env",
    "def f: 1; f",
    "input",
    ".. | 1",
    "reduce .input[] as $x (0; 1)",
    "@base64",
)
add_expression("X004", "[" * 60 + "]" * 60, " + ".join(["1"] * 500))
add_expression("X101", "{a: 1} | .b", '{"abc": 1} | .["abd"]')
add_expression("X103", "1 | .[]", "1 | .a", '"a" | map(.)', "{} | .[0]", "5 | keys")
add_expression("X104", '1 - "a"', "{} * 2", "null * 2", "true + 1", "[] / 2")
add_expression("X105", "1, 2", "[1, 2][]", "empty", "[1, 2] | .[]", '"a" | select(. == "b")')
add_expression("X106", "$never", "1 as $x | $y", "([1][] as $z | [$z]) | $z")
add_expression("X107", "{a: 1, a: 2}", '{a: 1, "a": 2}')


@defect("X102")
def looked_into(chance: Random, case: Case) -> Found:
    endpoint = Endpoint(base_url="https://example.com", result=True)
    new = replace(case, resources=with_more(case, endpoints={"untyped": endpoint}))
    get = {"id": "got", "kind": "acquire", "resource": "untyped"}
    value = chance.choice((".got.x", ".got | length", ".got | keys", "[.got[0]]", ".got | map(.)"))
    return check(insert(chance, new, get, transform(value))).findings
