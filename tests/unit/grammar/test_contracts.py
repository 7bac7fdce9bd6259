"""Contracts: values against schemas, and schemas against each other."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_grammar.contracts import (
    Contract,
    Finding,
    No,
    Schema,
    SchemaError,
    Undecided,
    Yes,
    check,
    fits,
    path_text,
    strip_prose,
)

ORDER: Schema = {
    "type": "object",
    "required": ["id", "lines"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    },
    "$defs": {
        "line": {
            "type": "object",
            "required": ["sku"],
            "properties": {"sku": {"type": "string"}, "qty": {"type": "integer", "minimum": 1}},
        }
    },
}


def test_a_value_that_satisfies_the_schema_has_no_findings() -> None:
    assert check(ORDER, {"id": "1", "lines": [{"sku": "a", "qty": 2}]}) == []


def test_findings_say_where_and_what() -> None:
    findings = check(ORDER, {"lines": [{"sku": "a"}, {"qty": 0}]})
    assert set(map(str, findings)) == {
        'at $.lines[1]: "sku" is a required property',
        "at $.lines[1].qty: the value is less than the minimum of 1",
        'at $: "id" is a required property',
    }


def test_findings_do_not_repeat_the_value() -> None:
    (finding,) = check({"type": "integer"}, "4111-1111-1111-1111")
    assert finding == Finding("$", 'the value is not of type "integer"')


@pytest.mark.parametrize("pattern", ["(?<=a)b", "(?=a*b)a", "(?<!b)a", "^(?!a)", r"(a)\1"])
def test_a_pattern_that_looks_around_or_back_is_refused(pattern: str) -> None:
    with pytest.raises(
        SchemaError, match=r"at \$\.properties\.a\.pattern is no pattern"
    ) as refused:
        Contract({"properties": {"a": {"pattern": pattern}}})
    assert refused.value.path == ("properties", "a", "pattern")


def test_of_a_large_value_one_thing_is_told() -> None:
    schema: Schema = {"type": "array", "items": {"type": "integer"}}
    assert check(schema, ["1"] * 4_000) == [
        Finding(f"$[{n}]", 'the value is not of type "integer"') for n in range(4_000)
    ]
    assert len(check(schema, [0, "1"] * 3_000)) == 1
    assert check(schema, [0] * 6_000) == []


def test_a_contract_is_compiled_once_and_checks_often() -> None:
    contract = Contract({"maximum": 3})
    assert [len(contract.check(n)) for n in (2, 3, 4, 5)] == [0, 0, 1, 1]


def test_format_does_not_turn_values_away() -> None:
    assert check({"type": "string", "format": "date-time"}, "2024-05-01T10:00:00") == []


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "bogus"}, "'bogus' at $.type"),
        ({"$ref": "http://example.com/schema.json"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/hostname"}, "Retrieval is disabled"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "other.json"),
        ({"$ref": "#/$defs/none"}, "/$defs/none"),
        ({"pattern": "("}, "'(' at $.pattern"),
        (7, "an object, true or false, not 7"),
        (None, "an object, true or false, not None"),
    ],
)
def test_an_unusable_schema_is_refused(schema: Any, part: str) -> None:
    with pytest.raises(SchemaError) as refused:
        check(schema, {})
    assert part in str(refused.value)
    with pytest.raises(SchemaError):
        fits(schema, True)
    with pytest.raises(SchemaError):
        fits(True, schema)


def test_a_schema_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(SchemaError):
        Contract({"$defs": {"\ud800": True}})


@pytest.mark.parametrize(
    ("producer", "consumer"),
    [
        ({"type": "integer"}, {"type": "number"}),
        ({"type": "integer"}, {}),
        ({"type": "integer"}, True),
        (False, {"type": "integer"}),
        ({"enum": ["a", "b"]}, {"type": "string"}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "date"}, {"type": "string"}),
        ({"type": "string"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (ORDER, ORDER),
    ],
)
def test_what_fits(producer: Schema, consumer: Schema) -> None:
    assert fits(producer, consumer) == Yes()


@pytest.mark.parametrize(
    ("producer", "consumer", "path"),
    [
        ({"type": "number"}, {"type": "string"}, "$"),
        ({"type": "string"}, {"type": "string", "format": "date"}, "$"),
        ({"type": "string", "format": "uuid"}, {"type": "string", "minLength": 36}, "$"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string"}, "$"),
        ({}, {"type": "string"}, "$"),
        (True, False, "$"),
        ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}, "$"),
    ],
)
def test_what_does_not_fit(producer: Schema, consumer: Schema, path: str) -> None:
    verdict = fits(producer, consumer)
    assert isinstance(verdict, No | Undecided)
    assert verdict.path == path


def test_a_format_that_check_ignores_proves_nothing() -> None:
    # Every UUID has 36 characters, but `check` lets "x" pass for one.
    assert check({"type": "string", "format": "uuid"}, "x") == []
    verdict = fits({"type": "string", "format": "uuid"}, {"type": "string", "minLength": 36})
    assert verdict != Yes()


def test_what_cannot_be_proved_is_undecided() -> None:
    verdict = fits({"type": "number"}, {"type": "integer"})
    assert isinstance(verdict, Undecided)
    assert verdict.explanation == "takes integer, is given number"


def test_a_very_deep_schema_is_undecided_and_does_not_crash() -> None:
    deep: Schema = {"type": "integer"}
    for _ in range(150):
        deep = {"type": "array", "items": deep}
    assert not isinstance(fits(deep, {"type": "array", "items": {"type": "string"}}), Yes)


def test_paths_read_as_people_write_them() -> None:
    assert path_text(["lines", 0, "odd name", -1, "*", "sku"]) == '$.lines[0]["odd name"][].*.sku'
    assert path_text([]) == "$"


def test_prose_is_stripped_and_meaning_is_kept() -> None:
    schema: Schema = {
        "title": "Order",
        "description": "An order",
        "type": "object",
        "properties": {
            "title": {"type": "string", "title": "Title", "examples": ["x"]},
            "kind": {"const": {"title": "kept"}, "default": {"description": "kept"}},
        },
        "$defs": {"description": {"type": "null", "description": "gone"}},
        "required": ["title"],
        "anyOf": [{"description": "gone", "minProperties": 1}],
    }
    assert strip_prose(schema) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "kind": {"const": {"title": "kept"}, "default": {"description": "kept"}},
        },
        "$defs": {"description": {"type": "null"}},
        "required": ["title"],
        "anyOf": [{"minProperties": 1}],
    }
    assert strip_prose(True) is True
