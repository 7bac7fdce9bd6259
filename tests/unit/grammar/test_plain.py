"""What plainly fits, fits."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from tests.unit.grammar.schema_pairs import make_pair

from tasker_grammar.contracts import Yes, fits
from tasker_grammar.plain import plainly_fits

OPEN = {"type": "object", "properties": {"n": {"type": "integer"}}}
CLOSED = {**OPEN, "required": ["n"], "additionalProperties": False}


def test_what_plainly_fits_is_found_to_fit() -> None:
    plain = 0
    for seed in range(1500):
        given, taken = make_pair(Random(f"plain {seed}"))
        if plainly_fits(given, taken):
            plain += 1
            assert fits(given, taken) == Yes(), (given, taken)
    assert plain > 300


@pytest.mark.parametrize(
    ("given", "taken", "plain"),
    [
        (CLOSED, OPEN, True),
        (OPEN, CLOSED, False),
        (CLOSED, {**OPEN, "properties": {"n": {"type": "number"}, "more": False}}, True),
        (OPEN, {**OPEN, "properties": {"more": {"type": "string"}}}, False),
        ({"type": "integer"}, {"anyOf": [{"type": "null"}, {"type": "number"}]}, True),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, {"type": "string"}, False),
        ({"const": True}, {"enum": [1]}, False),
        ({"enum": ["a"]}, {"enum": ["b", "a"], "title": "letters"}, True),
        ({"const": "a"}, {"const": "a", "enum": ["b"]}, False),
        ({"const": "a"}, {"const": "a", "enum": ["b", "a"]}, True),
        ({"type": "array", "items": CLOSED}, {"type": "array", "items": OPEN}, True),
        ({"type": "array"}, {"type": "array", "items": OPEN}, False),
        ({"type": "string"}, {"type": "string", "format": "date"}, False),
        ({**CLOSED, "patternProperties": {"^m": True}}, {**OPEN, "properties": {"m": {"type": "null"}}}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {}}}, {"type": "string"}, False),
        (True, {"title": "anything"}, True),
        (True, OPEN, False),
        ({"type": "string"}, False, False),
    ],
)  # fmt: skip
def test_what_is_plain(given: Any, taken: Any, plain: bool) -> None:
    assert plainly_fits(given, taken) == plain
