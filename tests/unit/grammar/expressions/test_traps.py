"""Where expressions, jq and JSON are known to bite: each is as in jq, or rejected."""

from __future__ import annotations

import json
from typing import Any

import jq
import pytest
from tests.unit.grammar.expressions.judged import same

from tasker_grammar.expressions import Budget, DataError, Expression, check
from tasker_grammar.findings import Finding
from tasker_grammar.type_algebra import type_of_value, widen
from tasker_grammar.types import Anything, Field, Null, Object, Type

BIG = 2**53
TEXTS = ["1", "1.5", "100", "0.1", "3.0", str(BIG + 1), "0.0001"]
MIXED = [{}, [], "a", 0, True, False, None, {"a": 1}, [1], "A", -1]


def evaluate(source: str, value: Any = None) -> Any:
    expression = check(source, widen(type_of_value(value)))
    assert isinstance(expression, Expression), expression
    return expression.evaluate(value, Budget())


def findings(source: str, given: Type) -> list[Finding]:
    checked = check(source, given)
    assert not isinstance(checked, Expression), f"{source} is accepted"
    return checked


@pytest.mark.parametrize(
    ("source", "value", "result"),
    [
        # numbers
        ("5 % -2", None, 1),
        ("-5 % 3", None, -2),
        (".a % .b", {"a": 5.9, "b": 2.1}, 1),
        (".a / .b", {"a": 1, "b": 3}, 1 / 3),
        ("10 / 2", None, 5),
        (".a + .b", {"a": 0.1, "b": 0.2}, 0.1 + 0.2),
        ("map(round)", [0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994], [1, 2, 3, -1, -2, 0]),
        ("map(ceil)", [0.5, -0.5, 2], [1, 0, 2]),
        ("map(abs)", [-1, 1, -0.5], [1, 1, 0.5]),
        (". == 1", 1.0, True),
        ("unique", [1, 1.0, 2], [1, 2]),
        (".", BIG + 1, BIG + 1),
        (". == 9007199254740991", BIG - 1, True),
        ("map(tostring)", [1, 1.5, 100, 0.1, 3.0, BIG + 1, 0.0001], TEXTS),
        ("tojson", [1.5, {"a": "\x7f\u2028é"}], '[1.5,{"a":"\\u007f\u2028é"}]'),
        (".a * .b | tostring", {"a": 1.5, "b": 2}, "3"),
        ("-(1)", None, -1),
        ("map(-. | tostring)", [3.0, -3.0, 1.5, 2], ["-3.0", "3.0", "-1.5", "-2"]),
        ("map(abs | tostring)", [3.0, -3.0, -2], ["3.0", "3.0", "2"]),
        ('"\\(-3.0)"', None, "-3.0"),
        ("(-3.0 + 1) | tostring", None, "-2"),
        ("-(1.5 * 2) | tostring", None, "-3"),
        ("1 - -1", None, 2),
        ("[range(2.5)]", None, [0, 1, 2]),
        ("[range(0; 10; 0)]", None, []),
        ("[range(3; 0)]", None, []),
        ("[range(1; 0; -0.5)]", None, [1, 0.5]),
        ("[limit(0; 1, 2)]", None, []),
        ("tonumber", "12", 12),
        ("tonumber", "-1.5e1", -15),
        # null, false and nothing
        ("map(. // 0)", [False, None, 1, ""], [0, 0, 1, ""]),
        ("[(false, null, 1, 2) // 9]", None, [1, 2]),
        ("[(false, null) // (8, 9)]", None, [8, 9]),
        ("[empty // 1]", None, [1]),
        ("first(empty) // 3", None, 3),
        ("[.[] | select(. != null)]", [None, 1], [1]),
        ("[if . > 1 then . else empty end]", 1, []),
        ("map(not)", [None, False, 0, "", []], [True, True, False, False, False]),
        ("[any, all]", [], [False, True]),
        ("map(if . then 1 end)", [True, False], [1, False]),
        # lists
        (".[-1]", [1, 2, 3], 3),
        (".[-5]", [1, 2, 3], None),
        (".[5]", [1, 2, 3], None),
        (".[1:]", [1, 2, 3], [2, 3]),
        (".[:-1]", [1, 2, 3], [1, 2]),
        (".[-2:]", [1, 2, 3], [2, 3]),
        (".[2:1]", [1, 2, 3], []),
        (". - [2]", [1, 2, 2, 3], [1, 3]),
        ("add", [], None),
        ("[min_by(.a), max_by(.a)]", [], [None, None]),
        ("[first, last]", [], [None, None]),
        ("max_by(.a).b", [{"a": 1, "b": 1}, {"a": 1, "b": 2}], 2),
        ("min_by(.a).b", [{"a": 1, "b": 1}, {"a": 1, "b": 2}], 1),
        ("unique_by(.a)", [{"a": 1, "b": 2}, {"a": 1, "b": 1}], [{"a": 1, "b": 2}]),
        ("group_by(.a) | map(length)", [{"a": 2}, {"a": 1}, {"a": 2}], [1, 2]),
        ("sort", MIXED, [None, False, True, -1, 0, "A", "a", [], [1], {}, {"a": 1}]),
        ("sort", [{"b": 1}, {"a": 2}, {"a": 1, "b": 0}], [{"a": 2}, {"a": 1, "b": 0}, {"b": 1}]),
        ("sort_by(-.)", [1, 3, 2], [3, 2, 1]),
        ("flatten", [1, [2, [3, [[]]]]], [1, 2, 3]),
        ("flatten(0)", [1, [2]], [1, [2]]),
        ("flatten(1)", [1, [2, [3]]], [1, 2, [3]]),
        # texts
        ("length", "aéb𝒳c", 5),
        (".[2:4]", "aéb𝒳c", "b𝒳"),
        (".[-2:]", "aéb𝒳c", "𝒳c"),
        ("length", "e\u0301", 2),
        ('split("")', "aé𝒳", ["a", "é", "𝒳"]),
        ('split("")', "", []),
        ('split(",")', "", []),
        ('split(",")', ",a,", ["", "a", ""]),
        ('. / ","', "a,b", ["a", "b"]),
        ('join("-")', [1, None, "a", True, 1.5], "1--a-true-1.5"),
        ('join(",")', [], ""),
        ("ascii_downcase", "ÀÉİB", "ÀÉİb"),
        ("ascii_upcase", "ßàb", "ßàB"),
        ('ltrimstr("a")', "aab", "ab"),
        ('rtrimstr("b")', "abb", "ab"),
        ('rtrimstr("")', "ab", "ab"),
        ("trim", "\u00a0\t a \u3000\x1c", "a \u3000\x1c"),
        ("sort", ["𝒳", "\uffee", "z"], ["z", "\uffee", "𝒳"]),
        ('"\\u00e9\\ud834\\udd1e\\n\\/"', None, "é𝄞\n/"),
        ('"a\tb\nc"', None, "a\tb\nc"),
        ('"\\("a" + "\\("b")")"', None, "ab"),
        ('startswith("")', "a", True),
        ('contains("")', "", True),
        # objects
        ("keys", {"b": 1, "a": 2, "é": 0, "B": 3}, ["B", "a", "b", "é"]),
        ("to_entries | map(.key)", {"b": 1, "a": 2}, ["b", "a"]),
        ("[.[]]", {"b": 1, "a": 2}, [1, 2]),
        ("tojson", {"b": 1, "a": 2}, '{"b":1,"a":2}'),
        (". + {a: 3}", {"b": 1, "a": 2}, {"b": 1, "a": 3}),
        (". * {a: {y: 2}, c: 1}", {"a": {"x": 1}, "b": 1}, {"a": {"x": 1, "y": 2}, "b": 1, "c": 1}),
        (". * {a: 1}", {"a": {"x": 1}}, {"a": 1}),
        ('[has("a"), has("b")]', {"a": None}, [True, False]),
        ("from_entries", [{"key": "a", "value": None}, {"key": "a", "value": 1}], {"a": 1}),
        ("with_entries(select(.value > 1))", {"a": 1, "b": 2}, {"b": 2}),
        ("del(.a, .b.c)", {"a": 1, "b": {"c": 2}}, {"b": {}}),
        ('{"a b": 1, if: 2, and: 3}."a b"', None, 1),
        (".if + .and", {"if": 1, "and": 2}, 3),
        (".[.k]", {"k": "v", "v": "x"}, "x"),
        ("add", {"a": 1, "b": 2}, 3),
        ("map(. + 1)", {"a": 1}, [2]),
        # precedence
        ("1 + 2 * 3 - 4 / 2", None, 5),
        ("1 - 2 - 3", None, -4),
        ("[1, 2 | . * 2]", None, [2, 4]),
        ("null // 1 + 1", None, 2),
        ("[1 as $x | $x, 2]", None, [1, 2]),
        ("true or false and false", None, True),
        ("1 as $x | 2 as $x | $x", None, 2),
        ("[.[] as $x | .[] as $y | $x * $y]", [1, 2], [1, 2, 2, 4]),
        ("# a note\n1 # another", None, 1),
        ("{a: 1 | 2, b: -1}", None, {"a": 2, "b": -1}),
    ],
)  # fmt: skip
def test_it_is_as_in_jq(source: str, value: Any, result: Any) -> None:
    assert same(evaluate(source, value), result)
    [theirs] = jq.compile(f"({source}\n) | tojson").input_text(json.dumps(value)).all()
    assert same(json.loads(theirs), result)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1e999", "X002"),
        ("1e3", "X002"),
        ("9007199254740992", "X002"),
        ("9007199254740991.5", "X002"),
        ("0.10", "X002"),
        ("0.1234567890123456789", "X002"),
        ("01", "X002"),
        (".5", "X002"),
        ("1.", "X002"),
        ('"\\ud800"', "X002"),
        ('"\\udc00\\ud800"', "X002"),
        ('"\ud800"', "X002"),
        ('"\\u12"', "X002"),
        ('"\\u0000"', "X002"),
        ('"\0"', "X002"),
        ('"\\x"', "X002"),
        ('"a', "X002"),
        ('"a\\', "X002"),
        ('"\\(1', "X002"),
        ("'a'", "X002"),
        ("1 == 1 == 1", "X002"),
        ("1 + 2 as $x | $x", "X002"),
        ("-1 as $x | $x", "X002"),
        ("{a: 1 as $x | $x}", "X002"),
        ("1 # \\\n+ 1", "X002"),
        ("if . then end", "X002"),
        ("", "X002"),
        ("[1,]", "X002"),
        ("nan", "X003"),
        ("now", "X003"),
        ("env", "X003"),
        ("$ENV.PATH", "X003"),
        ("input", "X003"),
        ("debug", "X003"),
        ('error("x")', "X003"),
        ("try 1", "X003"),
        (".a?", "X003"),
        ("..", "X003"),
        ("recurse", "X003"),
        ("def f: f; f", "X003"),
        ("reduce .[] as $x (0; . + $x)", "X003"),
        ("foreach .[] as $x (0; .)", "X003"),
        ("label $x | 1", "X003"),
        ('import "a" as a; 1', "X003"),
        ("until(true; .)", "X003"),
        (".a = 1", "X003"),
        (".a |= 1", "X003"),
        (".a += 1", "X003"),
        (". as [$a] | $a", "X003"),
        (". as {a: $x} | $x", "X003"),
        ("{(.a): 1}", "X003"),
        ('{"\\(1)": 1}', "X003"),
        ("@base64", "X003"),
        ('@csv "a"', "X003"),
        ('test("a")', "X003"),
        ('"a" | fromjson', "X003"),
        ("[65] | implode", "X003"),
        ("path(.a)", "X003"),
        ("[1] | nosuch", "X003"),
        ("[1] | del(.[0])", "X103"),
        ("{a: \"a\"} | del(.[.a])", "X003"),
        ('"ab" * 2', "X104"),
        ("{} - {}", "X104"),
        ("null + {}", "X104"),
        ("null + 1", "X104"),
        ('"1" < 2', "X104"),
        ('1 == "1"', "X104"),
        ("1 | length", "X103"),
        ("null | keys", "X103"),
        ("null | .[]", "X103"),
        ("[[1]] | join(\",\")", "X103"),
        ("1 | ltrimstr(\"a\")", "X103"),
        ("\"a\" | ltrimstr(1)", "X103"),
        ("[1] | has(0)", "X103"),
        ("[1] | contains([1])", "X103"),
        ("[1] | .[:1.5]", "X103"),
        ("[1] | .[0.5]", "X103"),
        ("[{key: 1, value: 2}] | from_entries", "X103"),
        ("[{name: \"a\", value: 2}] | from_entries", "X103"),
        ("[1] | flatten(-1)", "X103"),
        ("[limit(-1; 1)]", "X103"),
        ("[limit(1 + 1; 1)]", "X103"),
        ("\"a\" | .[0]", "X103"),
        ("1, 2", "X105"),
        ("empty", "X105"),
        ("(1, 2) + 1", "X105"),
        ("{a: (1, 2)}", "X105"),
        ("\"\\(1, 2)\"", "X105"),
        ("if (true, false) then 1 else 2 end", "X105"),
        ("[1] | sort_by(., .)", "X105"),
        ("{a: 1} | map_values(empty)", "X105"),
        ("$x", "X106"),
        ("1 as $x | $y", "X106"),
        ("{a: 1, a: 2}", "X107"),
        ("{a: 1, \"a\": 2}", "X107"),
    ],
)  # fmt: skip
def test_it_is_rejected(source: str, code: str) -> None:
    assert findings(source, Null())[0].code == code


def test_each_rejection_of_what_jq_has_says_what_to_do() -> None:
    for source in (
        "def f: 1; f",
        "..",
        ".a?",
        "now",
        ".a = 1",
        "@csv",
        "{(1): 2}",
        "$ENV",
        "implode",
    ):
        finding = findings(source, Anything())[0]
        assert finding.code == "X003", source
        assert finding.hint and not finding.hint[0].islower(), source


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 / .", 0),
        ("1 / .", 0.0),
        ("5 % .", 0),
        ("5 % .", 0.5),
        ("tonumber", "a"),
        ("tonumber", " 1"),
        ("tonumber", ""),
        # jq answers these with a number that it rounded, or with a text that tells how the number was written
        (". + 1", BIG - 1),
        (". + 1", BIG + 1),
        (". * .", 10**8),
        (". * .", 1e300),
        (". - 1", -BIG),
        ("floor", 1e300),
        ("abs", -(2**60)),
        ("add", [BIG - 1, 1]),
        ("tostring", 1e-7),
        ("tostring", 1e300),
        ('"\\(.)"', 1e-7),
        ("tojson", [1e17]),
        ('join(",")', [1e-7]),
        ("tonumber", "1e999"),
        ("tonumber", "9007199254740993"),
        ("tonumber", "nan"),
        ("tonumber", "0x10"),
        ("tonumber", "01"),
        ("tonumber", "١"),
    ],
)
def test_it_fails_by_its_data(source: str, value: Any) -> None:
    expression = check(source, widen(type_of_value(value)))
    assert isinstance(expression, Expression)
    assert expression.can_fail
    with pytest.raises(DataError) as failed:
        expression.evaluate(value, Budget())
    assert failed.value.code == "DATA_ERROR"


def test_zero_has_no_sign() -> None:
    """The one known difference: jq writes `-0` here."""
    for source in (".a * .b | tostring", "-.a | tostring", '"\\(.a / .b)"'):
        assert evaluate(source, {"a": 0, "b": -1}) == "0"


def test_what_is_given_is_not_changed_and_may_be_shared() -> None:
    given = {"a": [3, 1, 2], "b": {"c": 1}}
    before = json.dumps(given)
    result = evaluate(
        "{s: (.a | sort), r: (.a | reverse), m: (.b + {d: 1}), x: (.b | del(.c)), a, b}", given
    )
    assert json.dumps(given) == before
    assert result["a"] is given["a"]


def test_an_input_of_any_depth_ends_in_an_answer() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    expression = check("[., .] | tojson", Anything())
    assert isinstance(expression, Expression)
    with pytest.raises(DataError) as failed:
        expression.evaluate(value, Budget())
    assert failed.value.code == "OVER_BUDGET"


def test_what_nothing_is_known_of_can_only_be_moved_or_asked_for_its_kind() -> None:
    given = Object({"x": Field(Anything())})
    for source in (
        ".x",
        "[.x]",
        "{y: .x}",
        ".x == 1",
        ".x | type",
        ".x | tojson",
        "[.x | strings]",
    ):
        assert isinstance(check(source, given), Expression), source
    for source in (
        ".x.y",
        ".x[]",
        ".x[0]",
        ".x + 1",
        ".x | length",
        ".x | sort",
        ".x[:1]",
        ".x < 1",
    ):
        assert findings(source, given)[0].code in ("X102", "X104"), source
