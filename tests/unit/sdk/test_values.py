"""Values of annotated types, to JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypeVar
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr
from typing_extensions import TypedDict

from tasker import ContractError, DefinitionError
from tasker.values import annotation_text, shape_of
from tasker_grammar.contracts import check

T = TypeVar("T")


class Color(Enum):
    RED = "red"


class Item(BaseModel):
    sku: str
    price: Decimal = Decimal("1.50")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    when: datetime
    color: Color
    pair: tuple[int, str]


class Renamed(BaseModel):
    order_id: str = Field(alias="orderId")


class Page(BaseModel, Generic[T]):
    rows: list[T]


class Encoded(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    data: bytes


class Node(BaseModel):
    value: int
    children: list[Node] = []


@dataclass
class Point:
    x: int
    y: int = 0


class Row(TypedDict):
    id: int
    note: NotRequired[str]


class Pair(NamedTuple):
    a: int
    b: str


VALUES: list[tuple[Any, Any]] = [
    (None, None),
    (int, 3),
    (str, "a"),
    (bool, True),
    (float, 0.5),
    (bytes, b"abc"),
    (Decimal, Decimal("0.10")),
    (datetime, datetime(2024, 5, 1, 12, tzinfo=UTC)),
    (datetime, datetime(2024, 5, 1, 12)),
    (date, date(2024, 5, 1)),
    (time, time(12, 30)),
    (timedelta, timedelta(hours=1, seconds=2)),
    (UUID, UUID(int=5)),
    (Color, Color.RED),
    (Literal["a", "b"], "b"),
    (IPv4Address, IPv4Address("10.0.0.1")),
    (PurePosixPath, PurePosixPath("/tmp/a")),
    (dict[str, int], {"a": 1}),
    (dict[int, str], {1: "a"}),
    (list[Item], [Item(sku="a"), Item(sku="b")]),
    (set[int], {1, 2}),
    (tuple[int, str], (1, "a")),
    (int | None, None),
    (Item | None, Item(sku="a")),
    (Item, Item(sku="a")),
    (Strict, Strict(when=datetime(2024, 5, 1), color=Color.RED, pair=(1, "a"))),
    (Renamed, Renamed(orderId="7")),
    (Page[Item], Page[Item](rows=[Item(sku="a")])),
    (Encoded, Encoded(data=b"\x00\xff")),
    (Node, Node(value=1, children=[Node(value=2)])),
    (RootModel[list[int]], RootModel[list[int]]([1, 2])),
    (Point, Point(1, 2)),
    (Row, {"id": 1, "note": "x"}),
    (Row, {"id": 1}),
    (Pair, Pair(1, "a")),
    (Annotated[int, Field(ge=1)], 4),
    (Any, {"a": [1, None]}),
    (dict, {"a": 1}),
    (list, [1, "a"]),
]


@pytest.mark.parametrize(("annotation", "value"), VALUES, ids=lambda v: annotation_text(v)[:40])
def test_what_is_dumped_loads_as_the_same(annotation: Any, value: Any) -> None:
    shape = shape_of(annotation, "x")
    loaded = shape.load(orjson.loads(shape.dump(value)))
    assert loaded == value
    assert type(loaded) is type(value)


def test_a_value_that_is_not_as_annotated_is_refused_with_its_place() -> None:
    with pytest.raises(ContractError) as refused:
        shape_of(list[Item], "parameter items").load([{"sku": "a"}, {"sku": 4111111111111111}])
    assert str(refused.value) == (
        "parameter items: at $[1].sku: Input should be a valid string (is int)"
    )


def test_many_findings_are_cut_short() -> None:
    with pytest.raises(ContractError) as refused:
        shape_of(list[int], "x").load(["a"] * 25)
    assert len(refused.value.findings) == 11
    assert str(refused.value.findings[10]) == "at $: and 15 more"
    with pytest.raises(ContractError) as few:
        shape_of(list[int], "x").load(["a"] * 10)
    assert [finding.path for finding in few.value.findings] == [f"$[{n}]" for n in range(10)]


def test_loading_never_shares_what_can_be_changed() -> None:
    arrived = {"rows": [{"a": 1}]}
    for annotation in (Any, dict, dict[str, Any]):
        loaded = shape_of(annotation, "x").load(arrived)
        loaded["rows"][0]["a"] = 2
    assert arrived == {"rows": [{"a": 1}]}


def test_what_is_no_json_is_refused_on_the_way_in_too() -> None:
    with pytest.raises(ContractError, match="is not JSON"):
        shape_of(int, "x").load(object())


def test_a_dict_may_be_returned_for_a_model() -> None:
    assert shape_of(Item, "x").dump({"sku": "a"}) == b'{"sku":"a","price":"1.50"}'


def test_fields_that_are_not_declared_are_not_written() -> None:
    class Special(Item):
        secret: str = "s"

    assert shape_of(Item, "x").dump(Special(sku="a")) == b'{"sku":"a","price":"1.50"}'
    assert shape_of(Row, "x").dump({"id": 1, "more": 2}) == b'{"id":1}'


@pytest.mark.parametrize(
    ("annotation", "value", "part"),
    [
        (Item, {"price": 1}, "at $.sku: Field required"),
        (Item, None, "at $"),
        (int, "many", "valid integer"),
        (None, 3, "should be None"),
        (Item, Item.model_construct(sku=7), "Expected `str`"),
        (Point, Point("a"), "Expected `int`"),  # type: ignore[arg-type]
        (Annotated[int, Field(ge=1)], 0, "greater than or equal to 1"),
        (str, "a\0", "NUL"),
        (float, float("nan"), "NaN"),
        (int, 2**70, "beyond 64 bits"),
    ],
)
def test_a_result_that_is_not_as_annotated_is_refused(
    annotation: Any, value: Any, part: str
) -> None:
    with pytest.raises(ContractError) as refused:
        shape_of(annotation, "the result").dump(value)
    assert str(refused.value).startswith("the result: at $")
    assert part in str(refused.value)


def test_a_refusal_does_not_repeat_the_value() -> None:
    card = "4111-1111-1111-1111"
    broken = Item.model_construct(sku="a", price=card)  # type: ignore[arg-type]
    for attempt in (
        lambda: shape_of(Item, "x").dump(broken),
        lambda: shape_of(int, "x").dump(card),
        lambda: shape_of(int, "x").load(card),
    ):
        with pytest.raises(ContractError) as refused:
            attempt()
        assert card not in str(refused.value)


def test_the_size_limit_is_the_callers() -> None:
    assert shape_of(str, "x").dump("a" * 8, max_bytes=10)
    with pytest.raises(ContractError, match="has 11 bytes as JSON; the limit is 10"):
        shape_of(str, "x").dump("a" * 9, max_bytes=10)


class Opaque:
    pass


class Unfinished(BaseModel):
    later: Later  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("annotation", "part"),
    [
        (Opaque, "Opaque is nothing that JSON can carry"),
        (list[Opaque], "is nothing that JSON can carry"),
        (Unfinished, "Unfinished: it refers to a type that is not defined yet"),
    ],
)
def test_an_annotation_without_meaning_is_refused(annotation: Any, part: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        shape_of(annotation, "step a: its result")
    assert str(refused.value).startswith("step a: its result: ")
    assert part in str(refused.value)


DECIMAL = {"type": "string", "pattern": r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"}


@pytest.mark.parametrize("text", ["0", "-1.50", "1E+3", "0E-10", "12345678901234567890.5"])
def test_what_decimals_are_written_as_is_what_their_schema_says(text: str) -> None:
    written = orjson.loads(shape_of(Decimal, "x").dump(Decimal(text)))
    assert check(DECIMAL, written) == []


def test_shapes_describe_themselves() -> None:
    shape = shape_of(Item, "x")
    assert shape.accepted == {
        "type": "object",
        "properties": {
            "sku": {"type": "string"},
            "price": {
                "anyOf": [{"type": "number"}, DECIMAL],
                "default": "1.50",
            },
        },
        "required": ["sku"],
    }
    assert shape.produced == {
        "type": "object",
        "properties": {
            "sku": {"type": "string"},
            "price": {**DECIMAL, "default": "1.50"},
        },
        "required": ["sku", "price"],
        "additionalProperties": False,
    }
    assert shape_of(Any, "x").accepted is None
    assert shape_of(SecretStr, "x").produced is not None


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(Item, "Item"), (None, "None"), (type(None), "None"), (int, "int"), (list[int], "list[int]")],
)
def test_annotations_are_named_as_written(annotation: Any, text: str) -> None:
    assert annotation_text(annotation) == text
