"""What is known of what an expression gives, and what a condition adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_grammar.expressions import Expression, check, references
from tasker_grammar.findings import Finding
from tasker_grammar.schema_types import schema_of, type_of
from tasker_grammar.type_words import describe
from tasker_grammar.types import Anything, Field, Object, Type


def record(**fields: Any) -> dict[str, Any]:
    """The schema of a closed object; a name that ends with _ is optional."""
    return {
        "type": "object",
        "properties": {name.rstrip("_"): schema for name, schema in fields.items()},
        "required": [name for name in fields if not name.endswith("_")],
        "additionalProperties": False,
    }


NUMBER, INTEGER, TEXT, NULL = ({"type": t} for t in ("number", "integer", "string", "null"))
CARD = record(kind={"const": "card"}, number=TEXT)
CASH = record(kind={"const": "cash"}, coins={"type": "array", "items": INTEGER})
GIVEN = type_of(
    record(
        n=NUMBER,
        i={"type": "integer", "minimum": 1, "maximum": 9},
        t={"type": "string", "minLength": 1, "pattern": "^a"},
        status={"enum": ["open", "paid", "late"]},
        maybe={"type": ["number", "null"]},
        opt_=NUMBER,
        both={"type": ["integer", "string"]},
        flag={"type": "boolean"},
        any=True,
        pay={"anyOf": [CARD, CASH]},
        pays={"type": "array", "items": {"anyOf": [CARD, CASH]}},
        xs={"type": "array", "items": {"type": "integer", "minimum": 0}},
        some={"type": "array", "items": record(k=TEXT, v_=NUMBER), "minItems": 1},
        pair={"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
        dict={"type": "object", "additionalProperties": INTEGER},
        open={"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
        deep_=record(x_=record(y=INTEGER)),
        nil=NULL,
    )
)


def check_one(source: str, given: Type = GIVEN) -> Expression:
    checked = check(source, given)
    assert isinstance(checked, Expression), f"{source}: {checked}"
    return checked


def find(source: str, given: Type = GIVEN) -> list[Finding]:
    checked = check(source, given)
    assert not isinstance(checked, Expression), f"{source} is accepted"
    return checked


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (".n + .i", "number"),
        (".i + 1", "integer"),
        (".i / 2", "number"),
        (".opt", "null|number"),
        (".opt // 0", "number"),
        (".deep.x.y", "null|integer"),
        (".deep.x.y // 1", "integer"),
        (".dict.anything", "null|integer"),
        (".dict[.t]", "null|integer"),
        (".open.a", "string"),
        (".xs[0]", "null|integer"),
        (".pair[1]", "number"),
        (".pair[2]", "null|number"),
        (".pair[-1]", "null|number"),
        (".some[0].v", "null|number"),
        (".some | first.k", "string"),
        ("first(.some[]).k", "string"),
        ("first(.xs[])", None),
        (".xs | add", "null|integer"),
        (".pair | add", "number"),
        (".some | map(.v // 0) | add", "number"),
        ("[.some[] | .v // 0] | max", "number"),
        (".xs | max_by(.)", "null|integer"),
        (".some | group_by(.k) | map({k: first.k, n: length})", "[{k: string, n: integer}]"),
        (".some | group_by(.k) | map(map(.v // 0) | add)", "[number]"),
        (".some | unique_by(.k) | first.k", "string"),
        ("[1, 2] | first", "integer"),
        ("[.xs[] | select(. > 1)] | first", "null|integer"),
        ("{a: .t} + {b: .n}", "{a: string, b: number}"),
        ("{a: .t, b: 1} + {b: .t}", "{a: string, b: string}"),
        ("{a: {x: 1}} * {a: {y: .t}}", "{a: {x: integer, y: string}}"),
        (".dict + {a: .t}", "{a: string, *: integer}"),
        (".pay.kind", '"card"|"cash"'),
        (".pay.number", "null|string"),
        ("del(.pay, .pays, .some, .deep, .xs, .pair, .dict, .open, .any) | keys", "[string]"),
        ("{a: 1, b: 2} | del(.a)", "{b: integer}"),
        (".open | del(.a) | .a", "null"),
        ("{a: 1, b: .n} | keys", '["a"|"b"]'),
        ("{a: 1, b: .n} | to_entries", '[{key: "a"|"b", value: number}]'),
        ("{a: 1, b: .n} | with_entries(select(.value > 1))", "{a?: number, b?: number}"),
        (".some | map({key: .k, value: .v}) | from_entries", "{*: null|number}"),
        ("{a: 1, b: .t} | map_values(tostring)", '{a: string, b: string}'),
        (".status", '"late"|"open"|"paid"'),
        (".status | ascii_upcase", "string"),
        (".both | tostring", "string"),
        (".both | numbers", None),
        ("[.both | numbers]", "[integer]"),
        (".any | type", '"array"|"boolean"|"null"|"number"|"object"|"string"'),
        (".both | type", '"number"|"string"'),
        ("[.pays[] | .kind] | unique", '["card"|"cash"]'),
        ("[.xs, [.xs]] | flatten", "[integer]"),
        ("if .flag then 1 else .t end", "integer|string"),
        (".nil // .t", "string"),
        ("[.xs[] as $x | .some[] as $y | {$x, k: $y.k}]", "[{x: integer, k: string}]"),
    ],
)  # fmt: skip
def test_the_type_that_is_inferred(source: str, words: str | None) -> None:
    if words is None:
        assert find(source)[0].code == "X105"
    else:
        assert describe(check_one(source).type) == words


@pytest.mark.parametrize(
    "source",
    [
        "if .opt != null then .opt + 1 else 0 end",
        "if .opt == null then 0 else .opt + 1 end",
        "if null != .opt then .opt + 1 else 0 end",
        "if .opt then .opt + 1 else 0 end",
        "if (.opt | not) then 0 else .opt + 1 end",
        'if has("opt") then .opt + 1 else 0 end',
        "if (.opt == null) or (.maybe == null) then 0 else .opt + .maybe end",
        "if .opt != null and .maybe != null then .opt + .maybe else 0 end",
        "if .opt != null and .opt > 1 then 1 else 0 end",
        "if .opt == null or .opt > 1 then 1 else 0 end",
        "if .deep.x.y != null then .deep.x.y + 1 else 0 end",
        "if .deep != null and .deep.x != null then .deep.x.y + 1 else 0 end",
        'if .pay.kind == "card" then .pay.number + "" else (.pay.coins | add // 0 | tostring) end',
        'if .pay.kind != "card" then (.pay.coins | length) else (.pay.number | length) end',
        '[.pays[] | select(.kind == "cash") | .coins[]]',
        '[.pays[] | if .kind == "card" then .number + "!" else "\\(.coins | length)" end]',
        '[.pays[] as $p | if $p.kind == "cash" then ($p.coins | length) else ($p.number | length) end]',
        'if (.both | type) == "string" then .both + "a" else "\\(.both + 1)" end',
        'if (.any | type) == "object" then (.any | keys | length) else 0 end',
        "[.some[] | select(.v) | .v * 2]",
        "[.some[] | select(.v != null and .v > 0) | .v * 2]",
        "[.some[].v | values | . * 2]",
        "[.some[].v | select(.) | . * 2]",
        "[.some[].v | numbers | . * 2]",
        ".opt as $o | if $o != null then $o + 1 else 0 end",
        'if .status == "open" then 1 elif .status == "paid" then 2 else ({late: 3}[.status]) end',
    ],
)  # fmt: skip
def test_what_a_condition_tells(source: str) -> None:
    check_one(source)


@pytest.mark.parametrize(
    "source",
    [
        "if .opt != null then 0 else .opt + 1 end",
        "if .opt != null or .flag then .opt + 1 else 0 end",
        "if (.opt != null and .flag) | not then .opt + 1 else 0 end",
        "if .n != null then .opt + 1 else 0 end",
        '[.pays[] | select(.kind == "cash") | .number + ""]',
        ".opt as $o | if .opt != null then $o + 1 else 0 end",
        "[.some[] | select(.k != null) | .v * 2]",
        "[.some[] | select(.v == null) | .v * 2]",
        "if .deep.x != null then .deep.x.y + 1 else .deep.x.y + 1 end",
    ],
)
def test_what_a_condition_does_not_tell(source: str) -> None:
    assert {finding.code for finding in find(source)} <= {"X104", "X101"}


@pytest.mark.parametrize(
    ("source", "facets"),
    [
        (".t", {"minLength": 1, "pattern": "^a"}),
        ("{x: .t} | .x", {"minLength": 1, "pattern": "^a"}),
        (".t as $t | [$t][0]", {"minLength": 1, "pattern": "^a"}),
        ("[.t] | map(.) | sort | first", {"minLength": 1, "pattern": "^a"}),
        ("if .flag then .t else .t end", {"minLength": 1, "pattern": "^a"}),
        (".t | tostring", {"minLength": 1, "pattern": "^a"}),
        (".t | ascii_upcase", {}),
        (".t + .t", {}),
        (".t[1:]", {}),
        ('"\\(.t)"', {}),
        (".i", {"minimum": 1, "maximum": 9}),
        (".i + 1", {}),
        ("-.i", {}),
        (".xs | min // 5", {}),
        ("([.xs[] | select(. > 1)] | unique | first) // .i", {"minimum": 0}),
        (".pair", {"minItems": 2, "maxItems": 2}),
        (".pair | sort", {"minItems": 2, "maxItems": 2}),
        (".pair | map(. + 1)", {"minItems": 2, "maxItems": 2}),
        (".pair | map(., .)", {"minItems": 4, "maxItems": 4}),
        (".pair | unique", {"minItems": 1, "maxItems": 2}),
        (".pair | map(select(. > 1))", {"maxItems": 2}),
        ("[.n, .i, .t]", {"minItems": 3, "maxItems": 3}),
        ("[.pair[], .n]", {"minItems": 3, "maxItems": 3}),
        (".pair[1:]", {}),
        (".pair + .pair", {}),
        (".some | reverse", {"minItems": 1}),
        ("[.xs[]]", {}),
        ("[]", {"maxItems": 0}),
        ("[limit(2; .xs[])]", {}),
    ],
)
def test_the_rules_of_a_contract_hold_for_what_is_moved_alone(
    source: str, facets: dict[str, Any]
) -> None:
    schema = schema_of(check_one(source).type)
    assert isinstance(schema, dict)
    assert {k: v for k, v in schema.items() if k not in ("type", "items", "enum")} == facets


@pytest.mark.parametrize(
    ("source", "code", "place", "hint"),
    [
        (".statuss", "X101", ".statuss", 'Did you mean "status"?'),
        (".deep.z", "X101", ".z", ""),
        ("{a: .t}.b", "X101", ".b", ""),
        (".pay.coin", "X101", ".coin", 'Did you mean "coins"?'),
        (".open.b", "X101", ".b", "Declare it in the schema that it comes with, or validate it first."),
        (".any.x", "X102", ".x", "Declare it in the schema that it comes with, or validate it first."),
        (".t.x", "X103", ".x", ""),
        (".opt + 1", "X104", ".opt + 1", "Use `// default` to remove null."),
        (".n + .t", "X104", ".n + .t", 'Make a text of the number: "\\(.number)", or a number of the text: tonumber.'),
        ('.status == "payed"', "X104", '.status == "payed"', 'Did you mean "paid"?'),
        ('.t == 1', "X104", '.t == 1', "So '==' has always the same answer; look for a slip."),
        (".xs[]", "X105", ".xs[]", "Put them into a list with […], or take one with first(…)."),
        ("first(.xs[])", "X105", "first(.xs[])", "Use `// default` for when there is none, or […] for a list."),
        (". as $item | $itm", "X106", "$itm", "Did you mean $item?"),
        (".xs | lenght", "X003", "lenght", "Did you mean length?"),
        (".xs | map(.)|sort_by(.; .)", "X002", "sort_by(.; .)", "Arguments are told apart by `;`."),
        (".maybe[]", "X103", ".maybe[]", "Use `// []` before."),
        (".xs | length // 0 | keys", "X103", "keys", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    source: str, code: str, place: str, hint: str
) -> None:
    finding = find(source)[0]
    assert finding.at is not None
    assert (finding.code, source[slice(*finding.at)], finding.hint) == (code, place, hint)


def test_everything_wrong_is_said_at_once() -> None:
    found = find("{a: .statuss, b: (.opt + 1), c: $x, d: (.xs | nosuch), d: .xs[]}")
    assert [each.code for each in found] == ["X101", "X104", "X106", "X003", "X107", "X105"]


def test_what_is_expected_and_found_is_said_apart() -> None:
    [finding] = find(".opt * .t")
    assert (finding.got, finding.expected) == (
        "null|number and string",
        "two numbers or two objects",
    )
    [finding] = find(".opt | floor")
    assert (finding.got, finding.expected) == ("null|number", "a number")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (".n", {"n"}),
        (".deep.x.y", {"deep"}),
        ('.["n"]', {"n"}),
        ("{n, x: .t}", {"n", "t"}),
        ("{x: .n} | .x", {"n"}),
        (".xs | map(. + 1)", {"xs"}),
        (".n as $v | .t", {"n", "t"}),
        ("[.pays[] | .kind]", {"pays"}),
        (". | .n", {"n"}),
        ("if .flag then .n else .t end", {"flag", "n", "t"}),
        ('"\\(.t)"', {"t"}),
        ("[limit(1; .xs[])]", {"xs"}),
        ("1", set[str]()),
    ],
)
def test_what_is_read_is_known_before_any_type(source: str, names: set[str]) -> None:
    assert references(source) == names
    assert check_one(source).references == names


def test_the_whole_is_read_where_it_is_not_taken_apart() -> None:
    given = Object({"a": Field(Anything()), "b": Field(Anything())})
    for source in (
        ".",
        ". as $x | $x.a",
        "[.[]]",
        "keys",
        "map_values(.)",
        "with_entries(.)",
        "del(.a)",
    ):
        assert check_one(source, given).references == {"a", "b"}, source
        assert references(source) == frozenset() or source == "del(.a)"
    [finding] = references(".a |")  # pyright: ignore[reportGeneralTypeIssues]
    assert isinstance(finding, Finding)
    assert finding.code == "X002"


@pytest.mark.parametrize(
    ("source", "can_fail"),
    [
        *((source, False) for source in (".t + .t", ".xs | sort", ".xs | length", ".opt == null")),
        *((source, False) for source in ('"\\(.t)"', ".xs[0]", '[.some[].k] | join(",")')),
        *((source, True) for source in (".n + 1", "-.n", ".n / 2", '"\\(.n)"', ".t | tonumber")),
        *((source, True) for source in (".xs | add", ".any | tojson", "[range(.i)]", ".n | floor")),
    ],
)
def test_whether_it_can_fail_is_said(source: str, can_fail: bool) -> None:
    assert check_one(source).can_fail is can_fail
