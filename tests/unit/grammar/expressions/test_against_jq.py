"""Expressions made by chance evaluate as jq does, and what they give is of the type that was inferred.

`TASKER_EXPRESSIONS` says how many accepted ones are looked at: few in the suite, 100,000 in `make soundness`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from tests.unit.grammar.expressions.judged import Judge
from tests.unit.grammar.expressions.made import Maker, make_any, make_schema, make_value

from tasker_grammar.expressions import Expression, check
from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.expressions.parser import MOST_CHARACTERS, parse
from tasker_grammar.expressions.syntax import Call, Node, children
from tasker_grammar.schema_types import type_of

FEW = 3_000
EXPRESSIONS = int(os.environ.get("TASKER_EXPRESSIONS", FEW))
PARTS = 4
VALUES = 4  # for each expression


def accepted(seed: str) -> Iterator[tuple[Random, dict[str, Any], Expression]]:
    """Ever more expressions that pass the check, with the schema of what they are given."""
    count = 0
    while True:
        random = Random(f"{seed} {count}")
        count += 1
        schema = make_schema(random)
        given = type_of(schema)
        depth = random.choice((2, 3, 4, 5, 6))
        source = make_any(random) if random.random() < 0.15 else Maker(random, given).make(depth)
        expression = check(source, given) if len(source) <= MOST_CHARACTERS else []
        if isinstance(expression, Expression):
            yield random, schema, expression


@pytest.mark.timeout(36_000)
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_accepted_is_as_in_jq(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    seen: Counter[str] = Counter()
    for random, schema, expression in accepted(f"part {part}"):
        judge = Judge(expression)
        seen.update(judge.judge(make_value(random, schema)) for _ in range(VALUES))
        seen["accepted"] += 1
        if seen["accepted"] == EXPRESSIONS // PARTS:
            break
    with capsys.disabled():
        print(f"\npart {part}:", ", ".join(f"{n} {what}" for what, n in sorted(seen.items())))
    assert seen["equal"] > 0.9 * VALUES * seen["accepted"]
    assert seen["both fail"] > 0


def functions_in(node: Node) -> Iterator[str]:
    if isinstance(node, Call):
        yield node.name
    for child in children(node):
        yield from functions_in(child)


def test_what_is_made_uses_every_function() -> None:
    used: Counter[str] = Counter()
    many = accepted("functions")
    for _ in range(3_000):
        _, _, expression = next(many)
        used.update(functions_in(parse(expression.source)))
    assert {name for name, _ in FUNCTIONS} - used.keys() == set()
