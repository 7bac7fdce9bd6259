"""References inside of a schema, put in their place."""

from __future__ import annotations

from tasker_grammar.references import inline

LINE = {"type": "object", "properties": {"definitions": {"type": "string"}}}


def test_what_is_referred_to_takes_its_place() -> None:
    schema = {
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/order"}, {"type": "null"}]},
        "$defs": {
            "order": {"properties": {"line": {"$ref": "#/definitions/line", "minProperties": 1}}}
        },
        "definitions": {"line": LINE},
    }
    assert inline(schema) == {
        "type": "array",
        "items": {
            "anyOf": [{"properties": {"line": {**LINE, "minProperties": 1}}}, {"type": "null"}]
        },
    }


def test_what_is_within_itself_has_no_end() -> None:
    tree = {"properties": {"left": {"$ref": "#/$defs/tree"}}}
    assert inline({"$ref": "#/$defs/tree", "$defs": {"tree": tree}}) is None
    assert inline({"$ref": "#"}) is None


def test_what_has_no_references_stays_as_it_is() -> None:
    assert inline(True) is True
    assert inline(LINE) == LINE
