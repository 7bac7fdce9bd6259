"""Values made up for a type: for tests and examples. Pure; the same random numbers give the same values."""

from __future__ import annotations

from random import Random
from typing import Any

from tasker_grammar.contracts import Contract, Schema
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Facets,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
    Union,
)

__all__ = ["sample", "sample_of_schema"]

_TEXTS = ("", "a", "lamp", "two words", "Ärger", "日本", "2026-01-31T12:00:00Z", "\U0001f600")
_NUMBERS = (0, 1, -1, 0.5, 7, 1e6, -273.15)
_DEEPEST = 4


def sample_of_schema(schema: Schema, random: Random, tries: int = 100) -> Any:
    """A value that satisfies a schema. Raises LookupError if none was found among so many."""
    contract, type = Contract(schema), type_of(schema)
    for _ in range(tries):
        value = sample(type, random)
        if not contract.check(value):
            return value
    raise LookupError(f"no value was found for {schema}")


def sample(type: Type, random: Random, depth: int = 0) -> Any:
    """A value of the type. Patterns and formats are not kept to. Raises LookupError for Never."""
    match type:
        case Anything():
            return random.choice([None, True, 3, "x", [1], {"a": 1}])
        case Never():
            raise LookupError("nothing is of this type")
        case Null():
            return None
        case Boolean():
            return random.choice([True, False]) if type.value is None else type.value
        case Number():
            return _number(type, random)
        case String():
            return _text(type, random)
        case Array():
            return _items(type, random, depth)
        case Object():
            return _fields(type, random, depth)
        case Union():
            members = sorted(type.of, key=repr)
            return sample(random.choice(members), random, depth)


def _number(type: Number, random: Random) -> int | float:
    facets = dict(type.facets)
    value = random.choice(_NUMBERS)
    if "minimum" in facets or "maximum" in facets:
        low = facets.get("minimum", facets.get("maximum", 0) - 100)
        value = random.uniform(low, facets.get("maximum", low + 100))
    return round(value) if type.integer else value


def _text(type: String, random: Random) -> str:
    if type.values is not None:
        return random.choice(sorted(type.values))
    facets = dict(type.facets)
    text = random.choice(_TEXTS)
    return text.ljust(facets.get("minLength", 0), "x")[: facets.get("maxLength", 100)]


def _items(type: Array, random: Random, depth: int) -> list[Any]:
    low, high = _range(type.facets)
    if isinstance(type.items, Never) or (depth > _DEEPEST and low == 0):
        return []
    return [sample(type.items, random, depth + 1) for _ in range(random.randint(low, high))]


def _range(facets: Facets) -> tuple[int, int]:
    known = dict(facets)
    low = known.get("minItems", 0)
    return low, max(low, min(low + 3, known.get("maxItems", low + 3)))


def _fields(type: Object, random: Random, depth: int) -> dict[str, Any]:
    made = {
        name: sample(field.type, random, depth + 1)
        for name, field in type.fields.items()
        if field.required or (depth <= _DEEPEST and random.random() < 0.5)
    }
    if type.rest is not None and not isinstance(type.rest, Never) and random.random() < 0.3:
        made.setdefault("another", sample(type.rest, random, depth + 1))
    return made
