"""Where one schema does not fit another, as people are told."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_grammar.contracts import No, Schema, Undecided, fits


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}


@pytest.mark.parametrize(
    ("producer", "consumer", "said"),
    [
        (INTEGER, STRING, ("$", "takes string, is given integer")),
        (closed(), closed(a=STRING), ("$.a", "is required, but is not given")),
        (
            {"type": "object", "properties": {"a": STRING}},
            closed(a=STRING),
            ("$.a", "is required, but may be missing"),
        ),
        (closed(a=INTEGER), closed(a=STRING), ("$.a", "takes string, is given integer")),
        (
            closed(a=STRING, b=STRING),
            closed(a=STRING),
            ("$.b", "is given, but no such field is taken"),
        ),
        (
            {"type": "object", "properties": {"a": STRING}, "required": ["a"]},
            {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["a"]},
            ("$.b", "takes string, is given anything"),
        ),
        (
            closed(rows={"type": "array", "items": closed(n=INTEGER)}),
            closed(rows={"type": "array", "items": closed(n=STRING)}),
            ("$.rows[].n", "takes string, is given integer"),
        ),
        (
            {"type": "object", "additionalProperties": INTEGER},
            {"type": "object", "additionalProperties": STRING},
            ("$.*", "takes string, is given integer"),
        ),
        (
            closed(a={"anyOf": [STRING, {"type": "null"}]}),
            closed(a=STRING),
            ("$.a", "takes string, is given null"),
        ),
        (
            closed(a=closed(b=INTEGER)),
            closed(a={"anyOf": [closed(b=STRING), {"type": "null"}]}),
            ("$.a.b", "takes string, is given integer"),
        ),
        (
            INTEGER,
            {"anyOf": [STRING, {"type": "null"}]},
            ("$", "takes string or null, is given integer"),
        ),
        (STRING, {"type": "string", "minLength": 3}, ("$", "takes string with minLength 3")),
        (STRING, {"enum": ["a", "b"]}, ("$", "takes 'a' or 'b', is given string")),
        (
            STRING,
            {"type": "string", "format": "date"},
            ("$", "takes string (date), is given string"),
        ),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": closed(n=INTEGER)}},
            {"$ref": "#/$defs/b", "$defs": {"b": closed(n=STRING)}},
            ("$.n", "takes string, is given integer"),
        ),
    ],
)
def test_the_place_and_the_reason(
    producer: Schema, consumer: Schema, said: tuple[str, str]
) -> None:
    verdict = fits(producer, consumer)
    assert isinstance(verdict, No | Undecided)
    assert (verdict.path, verdict.explanation) == said


def tree(leaf: Schema) -> Schema:
    node = closed(children={"type": "array", "items": {"$ref": "#/$defs/node"}}, leaf=leaf)
    return {"$ref": "#/$defs/node", "$defs": {"node": node}}


def test_the_search_in_a_recursive_schema_ends_at_a_leaf() -> None:
    verdict = fits(tree(INTEGER), tree(STRING))
    assert isinstance(verdict, No | Undecided)
    assert verdict.path == "$.leaf"
