"""Types as pydantic describes them: what one gives fits what the same one takes, and what a narrower one does not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from tasker.values import shape_of
from tasker_grammar.contracts import No, Undecided, Yes, fits


class Colour(Enum):
    red = "red"
    blue = "blue"


class Level(IntEnum):
    low = 1
    high = 2


class Address(BaseModel):
    street: str
    zip: Annotated[str, Field(min_length=4, max_length=10)]


class Person(BaseModel):
    name: str
    born: date
    address: Address | None = None
    colours: set[Colour] = set()


class Card(BaseModel):
    kind: Literal["card"] = "card"
    number: str


class Cash(BaseModel):
    kind: Literal["cash"] = "cash"
    amount: Decimal


class Sale(BaseModel):
    at: datetime
    id: UUID
    buyer: Person
    paid: Annotated[Card | Cash, Field(discriminator="kind")]
    levels: dict[str, Level] = {}
    took: timedelta | None = None
    pair: tuple[int, str] = (1, "")


class Tree(BaseModel):
    value: int
    children: list[Tree] = []


class WiderAddress(BaseModel):
    street: str | None
    zip: str | None
    country: str = "DE"


class NarrowerAddress(BaseModel):
    street: str
    zip: Annotated[str, Field(min_length=4, max_length=5)]


def produced(annotation: Any) -> Any:
    return shape_of(annotation, "it").produced


def accepted(annotation: Any) -> Any:
    return shape_of(annotation, "it").accepted


ALL = (
    Colour, Level, Address, Person, Card, Cash, Sale, Decimal, date, datetime, UUID, timedelta, int | None,
    list[Person], dict[str, Address], tuple[int, str], Literal["a", 1], Card | Cash, Address | Person | None,
)  # fmt: skip


@pytest.mark.parametrize("annotation", ALL, ids=str)
def test_what_a_type_gives_it_takes(annotation: Any) -> None:
    assert fits(produced(annotation), accepted(annotation)) == Yes()


@pytest.mark.parametrize("annotation", ALL, ids=str)
def test_what_a_type_gives_its_optional_takes(annotation: Any) -> None:
    assert fits(produced(annotation), accepted(annotation | None)) == Yes()


@pytest.mark.parametrize(
    ("given", "taken", "path"),
    [
        (Address, NarrowerAddress, "$.zip"),
        (WiderAddress, Address, "$.street"),
        (str, Colour, "$"),
        (int, Level, "$"),
        (datetime, date, "$"),
        (str, Decimal, "$"),
        (float, int, "$"),
        (Card | Cash, Card, "$.number"),
        (Person, Sale, "$.at"),
        (list[int], tuple[int, int], "$"),
        (dict[str, Any], Address, "$.street"),
    ],
    ids=str,
)
def test_what_is_narrower_does_not_take_it(given: Any, taken: Any, path: str) -> None:
    verdict = fits(produced(given), accepted(taken))
    assert isinstance(verdict, No | Undecided)
    assert verdict.path == path


def test_recursion_is_decided_only_where_both_are_the_same() -> None:
    assert fits(produced(Tree), produced(Tree)) == Yes()
    assert isinstance(fits(produced(Tree), accepted(Tree)), Undecided)


def test_a_wider_model_takes_a_narrower_one() -> None:
    assert fits(produced(NarrowerAddress), accepted(Address)) == Yes()
    assert fits(produced(Address), accepted(WiderAddress)) == Yes()
    assert fits(produced(Card), accepted(Card | Cash)) == Yes()
