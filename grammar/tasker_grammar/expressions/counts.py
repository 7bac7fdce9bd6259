"""How many values a part of an expression gives: from `least` up to `most`, None for any number. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from tasker_grammar.types import Array, Facets, Type

__all__ = ["AT_MOST_ONE", "MANY", "ONE", "Count", "elements_of"]


@dataclass(frozen=True, slots=True)
class Count:
    """The bounds of how many there are."""

    least: int
    most: int | None

    def times(self, other: Count) -> Count:
        """How many there are, if for each one so many come."""
        if self.most == 0 or other.most == 0:
            return Count(0, 0)
        unbounded = self.most is None or other.most is None
        most = None if unbounded else (self.most or 0) * (other.most or 0)
        return Count(self.least * other.least, most)

    def plus(self, other: Count) -> Count:
        """How many there are, if first the one comes and then the other."""
        unbounded = self.most is None or other.most is None
        return Count(
            self.least + other.least, None if unbounded else (self.most or 0) + (other.most or 0)
        )

    def either(self, other: Count) -> Count:
        """How many there are, if either the one comes or the other."""
        unbounded = self.most is None or other.most is None
        most = None if unbounded else max(self.most or 0, other.most or 0)
        return Count(min(self.least, other.least), most)

    def up_to(self, most: int) -> Count:
        """How many there are of the first so many."""
        return Count(min(self.least, most), most if self.most is None else min(self.most, most))

    @property
    def facets(self) -> Facets:
        """What is known of a list of so many elements."""
        most = () if self.most is None else (("maxItems", self.most),)
        return (*most, *((("minItems", self.least),) if self.least else ()))

    @property
    def words(self) -> str:
        """As findings say it."""
        if self.most is None:
            return "any number of values"
        if self.most == 0:
            return "none"
        if self.most == 1:
            return "one value or none" if self.least == 0 else "one value"
        return f"up to {self.most} values" if self.least < self.most else f"{self.most} values"


ONE = Count(1, 1)
AT_MOST_ONE = Count(0, 1)
MANY = Count(0, None)


def elements_of(*types: Type) -> Count:
    """How many elements a list has that is of one of these types; of all else, nothing is known."""
    return reduce(Count.either, map(_elements, types)) if types else Count(0, 0)


def _elements(type: Type) -> Count:
    if not isinstance(type, Array):
        return MANY
    facets = dict(type.facets)
    return Count(int(facets.get("minItems", 0)), _whole(facets.get("maxItems")))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
