"""From a schema to a type and back, nothing is refused that was allowed."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema
import pytest
from tests.unit.grammar.schema_pairs import Impossible, make_schema, make_value

from tasker_grammar.contracts import Contract, Yes, fits
from tasker_grammar.schema_types import schema_of, type_of
from tasker_grammar.type_algebra import join, type_of_value, widen
from tasker_grammar.type_words import describe
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Field,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
    Union,
)

INTEGER = Number(integer=True)
NULL = {"type": "null"}
CLOSED = {"type": "object", "additionalProperties": False}
TWO = {**CLOSED, "required": ["a"], "properties": {"a": NULL, "b": NULL}}
OPEN = {"type": "object", "properties": {"a": NULL}}
NARROWED = {**CLOSED, "required": ["a"], "properties": {"a": True}}
TEXT_OR_NULL = Union(frozenset({String(None, (("minLength", 1),)), Null()}))


@pytest.mark.parametrize("part", range(4))
def test_what_a_schema_allows_its_type_allows(part: int) -> None:
    held = 0
    for count in range(500):
        random = Random(f"types {part} {count}")
        schema = make_schema(random)
        back = schema_of(type_of(schema))
        validator = jsonschema.Draft202012Validator(back)  # type: ignore[arg-type]
        contract = Contract(schema)
        for _ in range(6):
            try:
                value = make_value(random, schema, schema)
            except Impossible:
                continue
            if not contract.check(value):
                held += 1
                assert validator.is_valid(value), (schema, back, value)
                of_value = schema_of(type_of_value(value))
                assert not Contract(of_value).check(value), (of_value, value)
                assert not Contract(schema_of(widen(type_of_value(value)))).check(value)
    assert held > 500


def test_going_back_and_forth_changes_nothing_more() -> None:
    for count in range(500):
        schema = make_schema(Random(f"again {count}"))
        type = type_of(schema)
        assert type_of(schema_of(type)) == type, (schema, type)


def test_a_join_allows_what_either_side_allows() -> None:
    decided = 0
    for count in range(300):
        random = Random(f"join {count}")
        one, other = type_of(make_schema(random)), type_of(make_schema(random))
        both = schema_of(join(one, other))
        for side in (one, other):
            if schema_of(side) is False:
                continue
            verdict = fits(schema_of(side), both)
            decided += verdict == Yes()
            assert type(verdict).__name__ != "No", (one, other, verdict)
        assert join(one, other) == join(other, one)
        assert join(one, one) == one
    assert decided > 300


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, Anything()),
        (False, Never()),
        ({}, Anything()),
        ({"minLength": 1}, Anything()),
        ({"properties": {"a": {"type": "null"}}}, Anything()),
        ({"type": "integer", "minimum": 0}, Number(True, (("minimum", 0),))),
        ({"type": ["string", "null"], "minLength": 1, "minimum": 0}, TEXT_OR_NULL),
        ({"enum": ["a", "b"]}, String(frozenset({"a", "b"}))),
        ({"type": "string", "enum": ["a", None]}, Union(frozenset({String(frozenset({"a"})), Null()}))),
        ({"const": True}, Boolean(True)),
        ({"enum": [1, 2]}, Number(True, (("enum", (1, 2)),))),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": False}, Array(Null())),
        ({"type": "array", "items": {"type": "null"}, "minItems": 1}, Array(Null(), (("minItems", 1),))),
        ({"type": "object"}, Object({}, Anything())),
        (TWO, Object({"a": Field(Null()), "b": Field(Null(), False)})),
        ({"type": "object", "required": ["a"]}, Object({"a": Field(Anything())}, Anything())),
        ({**CLOSED, "patternProperties": {"^x": NULL}}, Object({}, Null())),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "null"}}}, Null()),
        ({"$ref": "#"}, Anything()),
        ({"$ref": "https://elsewhere"}, Anything()),
        ({"allOf": [OPEN, NARROWED]}, Object({"a": Field(Null())})),
        ({"type": "string", "allOf": [{"minLength": 1}]}, String()),
        ({"oneOf": [{"type": "null"}, {"type": "boolean"}]}, Union(frozenset({Null(), Boolean()}))),
        ({"type": "string", "not": {"const": "a"}, "if": {"const": "b"}, "then": False}, String()),
    ],
)  # fmt: skip
def test_a_type_says_what_its_schema_says(schema: Any, expected: Type) -> None:
    assert type_of(schema) == expected


def test_a_recursive_schema_ends_in_anything() -> None:
    tree = {**CLOSED, "properties": {"next": {"$ref": "#/$defs/t"}}}
    assert type_of({"$ref": "#/$defs/t", "$defs": {"t": tree}}) == Object(
        {"next": Field(Anything(), False)}
    )


def test_a_bomb_of_references_is_read_soon() -> None:
    def level(number: int) -> Any:
        next_one = {"$ref": f"#/$defs/l{number + 1}"}
        return {"type": "object", "properties": dict.fromkeys("abcdefgh", next_one)}

    levels = {f"l{number}": level(number) for number in range(20)}
    type = type_of({"$ref": "#/$defs/l0", "$defs": {**levels, "l20": {"type": "null"}}})
    assert isinstance(type, Object)
    assert len(describe(type)) <= 160
    schema: Any = {"type": "null"}
    for _ in range(300):
        schema = {"type": "array", "items": schema}
    assert len(describe(type_of(schema))) < 20


@pytest.mark.parametrize(
    ("type", "words"),
    [
        (Anything(), "anything"),
        (Never(), "nothing"),
        (Union(frozenset({String(), Null(), INTEGER})), "null|integer|string"),
        (String(frozenset({"b", "a"})), '"a"|"b"'),
        (Array(Never()), "[]"),
        (Array(Array(Boolean())), "[[boolean]]"),
        (Object(), "{}"),
        (Object({"a": Field(Number()), "b c": Field(Null(), False)}, Anything()), '{a: number, "b c"?: null, …}'),
        (Object({}, String()), "{*: string}"),
        (Object({f"field{n}": Field(String()) for n in range(99)}), "…"),
    ],
)  # fmt: skip
def test_types_in_words(type: Type, words: str) -> None:
    said = describe(type)
    assert said.endswith(words) if words == "…" else said == words
    assert len(said) <= 160


def test_facets_are_joined_to_the_wider_bound() -> None:
    one = Number(True, (("maximum", 9), ("minimum", 1)))
    other = Number(True, (("maximum", 5), ("minimum", 0), ("multipleOf", 2)))
    assert join(one, other) == Number(True, (("maximum", 9), ("minimum", 0)))
    assert join(type_of_value(1), type_of_value(2.5)) == Number(False, (("enum", (1, 2.5)),))


@pytest.mark.timeout(30)
def test_the_type_of_many_values_that_are_all_different_takes_no_hours() -> None:
    """Pairwise, 4,000 of them took half a minute, and the time grew with the square."""
    rows = [{f"key{n}": n} for n in range(20_000)]
    match type_of_value(rows), type_of_value([[row] for row in rows]):
        case Array(Object(fields)), Array(Array(Object(same))):
            assert len(fields) == len(same) == 20_000
            assert not any(field.required for field in fields.values())
        case other:
            pytest.fail(str(other)[:200])


def test_many_objects_are_one_whose_fields_are_those_of_all() -> None:
    rows: list[Any] = [{"id": n, **({"note": None} if n % 2 else {})} for n in range(10)]
    match type_of_value(rows):
        case Array(Object(fields, None)):
            assert (fields["id"].required, fields["note"].required) == (True, False)
            assert fields["note"].type == Null()
        case other:
            pytest.fail(str(other))
