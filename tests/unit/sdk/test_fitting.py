"""Whether what one handler gives is what another takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import pytest
from pydantic import BaseModel, BeforeValidator, Field, computed_field
from typing_extensions import TypedDict

from tasker.fitting import find_misfit
from tasker.values import shape_of


def misfit(given: Any, taken: Any) -> str | None:
    giver = shape_of(given, "given")
    return find_misfit(giver, giver.produced, shape_of(taken, "taken"))


class Color(Enum):
    RED = "red"


class Item(BaseModel):
    sku: str
    qty: int = 1


class Sku(BaseModel):
    sku: str


class Noted(BaseModel):
    sku: str
    note: str | None = None


class Closed(BaseModel, extra="forbid"):
    sku: str


class Open(BaseModel, extra="allow"):
    sku: str


class Special(Item):
    extra: str = ""


class Counted(BaseModel, extra="forbid"):
    rows: list[int]

    @computed_field
    @property
    def count(self) -> int:
        return len(self.rows)


class Renamed(BaseModel):
    order_id: str = Field(serialization_alias="orderId")


class Aliased(BaseModel):
    order_id: str = Field(alias="orderId")


class Tree(BaseModel):
    children: list[Tree] = []


class Odd:
    """Means something to pydantic, but has no JSON Schema."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)


class StillOdd(Odd):
    pass


@dataclass
class Point:
    x: int
    y: int = 0


class Row(TypedDict):
    sku: str
    qty: NotRequired[int]


class Loose(TypedDict, total=False):
    sku: str


class Quantity(BaseModel):
    qty: int


class Sparing(BaseModel):
    qty: int = Field(exclude_if=lambda qty: qty == 0)


DECIMAL = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"

SAME = [
    int, str, bool, float, bytes, None, Decimal, datetime, date, timedelta, UUID, Color, Item,
    Closed, Open, Aliased, Tree, Point, Row, list[Item], dict[str, Item], dict[int, str],
    set[int], tuple[int, str], Item | None, Literal["a"], int | str, Annotated[int, Field(gt=0)],
    Any, Odd, list, dict,
]  # fmt: skip


@pytest.mark.parametrize("annotation", SAME, ids=str)
def test_what_is_given_as_it_is_taken_fits(annotation: Any) -> None:
    assert misfit(annotation, annotation) is None


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (Any, Item),
        (Item, Any),
        (Item, object),
        (int, float),
        (Color, str),
        (datetime, str),
        (UUID, str),
        (int, Decimal),
        (Decimal, str),
        (Item, Sku),
        (Sku, Item),
        (Special, Item),
        (StillOdd, Odd),
        (Item, Item | None),
        (Sku, Noted),
        (Sku, Closed),
        (Noted, Closed | Noted),
        (Item, Point | Item),
        (Item, dict),
        (Item, dict[str, Any]),
        (Item, dict[str, int | str]),
        (Row, Sku),
        (Point, dict[str, int]),
        (list[Item], list[Sku]),
        (tuple[int, int], list[int]),
        (set[int], list[int]),
        (Literal["a"], Literal["a", "b"]),
        (Annotated[int, Field(gt=3)], Annotated[int, Field(ge=0)]),
    ],
    ids=str,
)
def test_what_fits(given: Any, taken: Any) -> None:
    assert misfit(given, taken) is None


@pytest.mark.parametrize(
    ("given", "taken", "said"),
    [
        (int, str, "at $: takes string, is given integer"),
        (tuple[int, str], list[int], "at $: takes array of integer, is given array"),
        (float, int, "at $: takes integer, is given number"),
        (str, datetime, "at $: takes string (date-time), is given string"),
        (datetime, date, "at $: takes string (date), is given string (date-time)"),
        (str, Decimal, "at $: takes string with pattern " + DECIMAL),
        (str, Color, "at $: takes 'red', is given string"),
        (bool, int, "at $: takes integer, is given boolean"),
        (Noted, Point, "at $.x: is required, but is not given"),
        (Row, Annotated[dict[str, str], Field()], "at $.qty: takes string, is given integer"),
        (Item, Closed, "at $.qty: is given, but no such field is taken"),
        (Item | None, Item, "at $: takes object, is given null"),
        (dict[str, Any], Sku, "at $.sku: is required, but is not given"),
        (list, list[int], "at $[]: takes integer, is given anything"),
        (list[Item], list[Closed], "at $[].qty: is given, but no such field is taken"),
        (Open, Closed, "at $.*: is given, but no such field is taken"),
        (int, Annotated[int, Field(gt=0)], "at $: takes integer with exclusiveMinimum 0"),
        (Item, Odd, "at $: one of them has no JSON Schema"),
        (Odd, StillOdd, "at $: one of them has no JSON Schema"),
    ],
    ids=str,
)
def test_what_does_not_fit(given: Any, taken: Any, said: str) -> None:
    assert misfit(given, taken) == said


def test_a_field_with_a_default_is_always_written() -> None:
    assert misfit(Item, Quantity) is None


def test_a_key_that_may_be_left_out_is_not_always_written() -> None:
    assert misfit(Row, Quantity) == "at $.qty: is required, but may be missing"
    assert misfit(Loose, Sku) == "at $.sku: is required, but may be missing"
    assert misfit(Sparing, Quantity) == "at $.qty: is required, but may be missing"


def test_a_class_that_cannot_read_what_it_writes_does_not_fit_itself() -> None:
    assert misfit(Renamed, Renamed) == "at $.order_id: is required, but is not given"
    assert misfit(Counted, Counted) == "at $.count: is given, but no such field is taken"


def test_a_subclass_that_writes_more_than_its_base_takes_does_not_fit_it() -> None:
    class Longer(Closed):
        more: str = ""

    assert misfit(Longer, Closed) == "at $.more: is given, but no such field is taken"


def test_a_type_whose_schema_says_too_little_fits_itself() -> None:
    upper = Annotated[str, BeforeValidator(str.upper)]
    assert misfit(upper, upper) is None
