"""An expression is bounded in its text, its work and what it gives; no text and no data is met with anything else."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from tasker_grammar.expressions import Budget, DataError, Expression, check, references
from tasker_grammar.expressions.lexer import tokens
from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import Anything, Array, Null, Number, String

LONG = 3.0  # seconds of this process; half a second is usual, and machines may be busy


def fail(source: str, value: Any, given: Any, budget: Budget) -> tuple[str, float]:
    """The code of the failure, and how long it took to come."""
    expression = check(source, given)
    assert isinstance(expression, Expression), expression
    before = time.process_time()
    with pytest.raises(DataError) as failed:
        expression.evaluate(value, budget)
    return failed.value.code, time.process_time() - before


NUMBERS = Array(Number())
DOUBLED = " | ".join(["[., .]"] * 25)
TEXT_DOUBLED = " | ".join([". + ."] * 30)
LIST_DOUBLED = " | ".join([". + ."] * 30)


@pytest.mark.parametrize(
    ("source", "given", "value"),
    [
        (". as $a | map(. as $x | $a | map(. as $y | $a | map($x * $y + .)))", NUMBERS, [1] * 300),
        ("[range(1000000000000)]", Null(), None),
        ("[range(9) | range(1000000)] | length", Null(), None),
        ("isempty(range(1000000000000) | empty)", Null(), None),
        ("last(range(1000000000000)) // 0", Null(), None),
        ("first(range(1000000000000) | select(. < 0)) // 0", Null(), None),
        (DOUBLED, Null(), None),
        (f"{DOUBLED} | tojson", Null(), None),
        (f"{DOUBLED} | . == .", Null(), None),
        (f"{DOUBLED} | flatten | length", Null(), None),
        (TEXT_DOUBLED, String(), "abcdefghijklmnop" * 16),
        (LIST_DOUBLED, NUMBERS, [1, 2]),
        (". as $a | map($a) | sort | length", NUMBERS, [1] * 2000),
        (". as $a | map($a) | group_by(.) | length", NUMBERS, [1] * 2000),
        (". as $a | map($a | tojson) | add", NUMBERS, [1] * 2000),
        ('. as $a | map($a | map(tostring) | join("-"))', NUMBERS, [1] * 2000),
        (". as $t | split(\"\") | map($t) | join($t)", String(), "ab" * 20_000),
        (". as $a | map($a - $a)", NUMBERS, [1] * 2000),
        (". as $a | map($a | reverse) | length", NUMBERS, [1] * 2000),
        (". as $a | map($a[1:]) | length", NUMBERS, [1] * 2000),
        (". as $a | map($a | unique | min) | length", NUMBERS, [1] * 2000),
    ],
)  # fmt: skip
def test_a_bomb_is_stopped_early(source: str, given: Any, value: Any) -> None:
    code, seconds = fail(source, value, given, Budget())
    assert code == "OVER_BUDGET"
    assert seconds < LONG


@pytest.mark.parametrize(
    "source",
    [
        "[range(1000) as $i | .one == .other] | length",
        "[range(1000) as $i | .one < .other] | length",
        "[range(1000) as $i | .one | IN($x[])] | length",
        "[range(1000) as $i | [.one] - [.other]] | length",
        "[range(1000) as $i | .named[$other]] | length",
        "[range(1000) as $i | .named | has($other)] | length",
        "[range(1000) as $i | .named | keys] | length",
        "[range(1000) as $i | .named == .alike] | length",
        "[range(1000) as $i | .named + .alike] | length",
        "[range(1000) as $i | .named * .alike] | length",
        "[range(1000) as $i | [.named, .alike] | add] | length",
        "[range(1000) as $i | [.one, .other] | map({key: ., value: 1}) | from_entries] | length",
        "[range(1000) as $i | [.one, .other] | unique] | length",
    ],
)
def test_long_texts_and_names_cost_their_length(source: str) -> None:
    one, other = ("a" * 300_000 + end for end in "xx")
    assert one is not other  # else that they are equal would be seen at once
    texts = {"type": "object", "additionalProperties": {"type": "integer"}}
    fields = {
        "one": {"type": "string"},
        "other": {"type": "string"},
        "named": texts,
        "alike": texts,
    }
    given = type_of({"type": "object", "properties": fields, "required": [*fields]})
    value = {"one": one, "other": other, "named": {one: 1, one[1:]: 1}, "alike": {other: 2}}
    bound = f"[.other] as $x | .other as $other | {source}"
    code, seconds = fail(bound, value, given, Budget())
    assert code == "OVER_BUDGET"
    assert seconds < LONG


def test_the_budget_is_what_is_said() -> None:
    expression = check("map(. + 1)", NUMBERS)
    assert isinstance(expression, Expression)
    assert expression.evaluate([1] * 100, Budget(work=1_000, size=101)) == [2] * 100
    for budget in (Budget(work=99), Budget(size=100)):
        with pytest.raises(DataError):
            expression.evaluate([1] * 100, budget)
    whole = check(".", String())
    assert isinstance(whole, Expression)
    assert fail(".", "a" * 3_300, String(), Budget(size=200))[0] == "OVER_BUDGET"
    assert whole.evaluate("a" * 3_000, Budget(size=200))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1" + " " * 4_096, "X001"),
        ("[" * 39 + "]" * 39, None),
        ("[" * 41 + "]" * 41, "X004"),
        ("(" * 1_000 + "1" + ")" * 1_000, "X004"),
        ("-" * 1_000 + "1", "X004"),
        ("[" + ", ".join(["1"] * 39) + "]", None),
        (" + ".join(["1"] * 42), "X004"),
        ("[" + "[1], " * 150 + "[1]]", "X004"),
        ("{" + ", ".join(f"a{n}: [1, 2]" for n in range(90)) + "}", None),
        ("{" + ", ".join(f"a{n}: [1, 2]" for n in range(110)) + "}", "X004"),
        ("if true then " * 200 + "1" + " end" * 200, "X004"),
        ("if true then 1 " + "elif true then 1 " * 200 + "end", "X004"),
        ('"\\(' * 100 + "1" + ')"' * 100, "X004"),
        (" | ".join(["."] * 100), "X004"),
        ("1 as $x | " * 100 + "1", "X004"),
    ],
)
def test_a_text_is_bounded(source: str, code: str | None) -> None:
    checked = check(source, Null())
    found = None if isinstance(checked, Expression) else checked[0].code
    assert found == code


PIECES = [
    *(name for name, _ in FUNCTIONS),
    *("|", ",", "//", "and", "or", "==", "<", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ":", ";"),
    *(".", "..", ".a", ".b", "$x", "$ENV", "as", "if", "then", "else", "elif", "end", "def", "reduce", "?", "?//"),
    *("1", "0.5", "1e9", '"', '"a"', '"\\(', ")\"", "\\", "'", "#", "\n", "@csv", "é", "\0", "\ud800", "=", "|=", " "),
]  # fmt: skip


@pytest.mark.parametrize("part", range(4))
def test_no_text_is_met_with_anything_but_findings(part: int) -> None:
    random = Random(f"texts {part}")
    given = type_of(
        {"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": "integer"}}}
    )
    for _ in range(2_500):
        source = random.choice(("", " ")).join(random.choices(PIECES, k=random.randint(0, 12)))
        checked = check(source, random.choice((given, Anything())))
        names = references(source)
        if isinstance(checked, Expression):
            assert isinstance(names, frozenset) and names <= checked.references
            continue
        assert checked, source
        for finding in checked:
            assert finding.at is not None, source
            assert 0 <= finding.at[0] <= finding.at[1] <= len(source), (source, finding)
            assert finding.code.startswith("X") and finding.message and str(finding), source


def test_the_places_of_tokens_are_those_of_the_text() -> None:
    source = '.a + "x\\(.b)y" # note\n| $z'
    assert [source[t.at[0] : t.at[1]] for t in tokens(source)] == [
        ".a",
        "+",
        '"x\\(.b)y"',
        "|",
        "$z",
        "",
    ]
