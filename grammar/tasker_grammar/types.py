"""The types of values, as the checker reasons about them: JSON Schema without what cannot be inferred. Pure.

A type allows at least what the schema allows that it was read from: so whatever is proved of a type holds for the
values. A leaf keeps the narrower rules of its schema (`minimum`, `pattern`, …) as `facets`, as long as nothing is
computed from it: a value that is only moved still fits the contract that it came with. `schema_types` reads and
writes JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Anything",
    "Array",
    "Boolean",
    "Facets",
    "Field",
    "Never",
    "Null",
    "Number",
    "Object",
    "String",
    "Type",
    "Union",
]

Facets = tuple[tuple[str, Any], ...]
"""Keywords of JSON Schema with their values, sorted by keyword; what they say holds of every value of the type."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever JSON can hold. Nothing can be looked up in it before it was validated."""


@dataclass(frozen=True, slots=True)
class Never:
    """No value at all: what stands here is not reached."""


@dataclass(frozen=True, slots=True)
class Null:
    """null."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """true or false; only one of them where `value` says so."""

    value: bool | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number; without a fractional part where `integer`."""

    integer: bool = False
    facets: Facets = ()


@dataclass(frozen=True, slots=True)
class String:
    """A text; one of `values` where they are given."""

    values: frozenset[str] | None = None
    facets: Facets = ()


@dataclass(frozen=True, slots=True)
class Array:
    """A list, all of whose items are of one type. `facets`: minItems, maxItems, uniqueItems."""

    items: Type
    facets: Facets = ()


@dataclass(frozen=True, slots=True)
class Field:
    """What an object has under a name, and whether it always has."""

    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """An object. `rest` is the type of the fields that are not named; None: there are no others."""

    fields: Mapping[str, Field] = field(default_factory=dict[str, Field])
    rest: Type | None = None

    def __hash__(self) -> int:
        return hash((frozenset(self.fields.items()), self.rest))


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types, none of which is a union."""

    of: frozenset[Type]


Type = Anything | Never | Null | Boolean | Number | String | Array | Object | Union
