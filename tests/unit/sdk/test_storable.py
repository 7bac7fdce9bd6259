"""What PostgreSQL can store, and where a value is that it cannot."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tasker.storable import MAX_BYTES, dumps_anything, serialize
from tasker_grammar.contracts import Finding


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: float
    y: float | None = None


class Item(BaseModel):
    price: float
    note: str | None = None


def dump(value: Any, **limits: int) -> bytes | Finding:
    return serialize(dumps_anything, value, **limits)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        ({"a": [1, 2.5, True, None]}, {"a": [1, 2.5, True, None]}),
        ((1, 2), [1, 2]),
        ({1}, [1]),
        (Point(1, 2), {"x": 1, "y": 2}),
        ([Item(price=1)], [{"price": 1.0, "note": None}]),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (date(2024, 5, 1), "2024-05-01"),
        (datetime(2024, 5, 1, tzinfo=UTC), "2024-05-01T00:00:00+00:00"),
        (Color.RED, "red"),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        (r"a\u0000b", r"a\u0000b"),
        ("NaN and Infinity", "NaN and Infinity"),
        (["NaN", None], ["NaN", None]),
        ("12345678901234567890123", "12345678901234567890123"),
    ],
)
def test_what_can_be_stored(value: Any, stored: Any) -> None:
    data = dump(value)
    assert isinstance(data, bytes)
    assert json.loads(data) == stored


@pytest.mark.parametrize(
    ("value", "path", "part"),
    [
        ({"a": ["x", "y\0z"]}, "$.a[1]", "NUL character"),
        ({"a\0": 1}, "$", "NUL character"),
        ({"a": "\\\0"}, "$.a", "NUL character"),
        ({"a": [0, "\ud800"]}, "$.a[1]", "half of a surrogate pair"),
        (Item(price=1, note="\udfff"), "$.note", "half of a surrogate pair"),
        ([1.0, math.nan], "$[1]", "NaN or infinite"),
        ({"x": {"y": -math.inf}}, "$.x.y", "NaN or infinite"),
        ([Item(price=math.inf)], "$[0].price", "NaN or infinite"),
        (Point(math.nan), "$.x", "NaN or infinite"),
        (["NaN", math.nan], "$[1]", "NaN or infinite"),
        (2**64, "$", "64"),
        ({"when": object()}, "$", "Unable to serialize unknown type: <class 'object'>"),
        ({1: "a"}, "$", "Dict key must be str"),
    ],
)
def test_what_cannot_be_stored(value: Any, path: str, part: str) -> None:
    finding = dump(value)
    assert isinstance(finding, Finding)
    assert finding.path == path
    assert part in finding.message


def test_an_integer_that_another_serialiser_lets_through_is_found() -> None:
    def dumps(value: Any) -> bytes:
        return json.dumps(value).encode()

    for number in (2**64 - 1, -(2**63)):
        assert serialize(dumps, number) == str(number).encode()
    for number in (2**64, -(2**63) - 1):
        assert isinstance(serialize(dumps, number), Finding)
    finding = serialize(dumps, {"ids": [1, 2**70]})
    assert finding == Finding("$.ids[1]", "is an integer beyond 64 bits; return it as a string")


def test_a_model_that_writes_nan_as_text_is_left_to_it() -> None:
    class Loose(BaseModel, ser_json_inf_nan="strings"):
        x: float
        y: float | None = None

    assert serialize(lambda v: v.model_dump_json().encode(), Loose(x=math.nan)) == (
        b'{"x":"NaN","y":null}'
    )


def test_a_value_that_holds_itself_cannot_be_stored() -> None:
    loop: list[Any] = []
    loop.append(loop)
    finding = dump(loop)
    assert isinstance(finding, Finding)
    assert "is not JSON" in finding.message


def test_the_usual_limit_is_16_mebibytes() -> None:
    assert MAX_BYTES == 16_777_216


def test_the_limit_counts_bytes_of_json() -> None:
    assert dump("é" * 10, max_bytes=22) == '"éééééééééé"'.encode()
    finding = dump("é" * 10, max_bytes=21)
    assert finding == Finding("$", "has 22 bytes as JSON; the limit is 21")


TEXTS = st.text(st.characters(codec=None), max_size=4) | st.sampled_from(["\\u0000", "\\", "NaN"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def is_sound(value: Any) -> bool:
    match value:
        case bool() | None:
            return True
        case int():
            return -(2**63) <= value < 2**64
        case float():
            return math.isfinite(value)
        case str():
            return "\0" not in value and value.encode(errors="replace").decode() == value
        case list():
            return all(map(is_sound, value))
        case Mapping():
            return all(is_sound(key) and is_sound(item) for key, item in value.items())
        case _:
            return False


@given(VALUES)
def test_exactly_what_is_sound_is_stored_and_comes_back(value: Any) -> None:
    data = dump(value)
    assert isinstance(data, bytes) == is_sound(value)
    if isinstance(data, bytes):
        assert orjson.loads(data) == value
