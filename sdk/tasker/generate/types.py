"""What code can say of a value: a small language of types that Python, Ruby and TypeScript all have. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasker.generate.json_values import items_of, members_of
from tasker.generate.naming import read_words

__all__ = [
    "REFERENCE",
    "Anything",
    "Choice",
    "ListOf",
    "MapOf",
    "Named",
    "Nullable",
    "OneOf",
    "Plain",
    "Primitive",
    "Scalar",
    "Type",
    "nullable",
    "type_of",
]

REFERENCE = "#/$defs/"
"""How a bundled schema refers to a definition, whose name follows."""

Primitive = Literal["string", "integer", "number", "boolean", "null"]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Anything:
    """Nothing is known of it, or nothing that a type could say."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without parts."""

    name: Primitive


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values without parts."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of any length."""

    items: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any keys."""

    values: Type


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value, or null."""

    of: Type


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of several types."""

    types: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A definition that is written out under this name."""

    name: str


Type = Anything | Plain | Choice | ListOf | MapOf | Nullable | OneOf | Named

_PRIMITIVES: tuple[Primitive, ...] = ("string", "integer", "number", "boolean", "null")
_NULL = Plain("null")
# Words that narrow a value and leave its type as it is, and those that say nothing of it.
_SILENT = read_words("""
    format pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems
    uniqueItems minProperties maxProperties contentEncoding contentMediaType description deprecated readOnly writeOnly
""")


def type_of(schema: Any) -> Type | None:
    """The type of a bundled schema; None when only a definition of its own can say it."""
    if schema is True:
        return Anything()
    if not isinstance(schema, Mapping):
        return None
    told = {key: value for key, value in members_of(schema).items() if key not in _SILENT}
    words = set(told)
    kind = told.get("type")
    if not words:
        return Anything()
    if words == {"$ref"}:
        return Named(str(told["$ref"]).removeprefix(REFERENCE))
    if "const" in words and words <= {"const", "type"}:
        return _choice([told["const"]])
    if "enum" in words and words <= {"enum", "type"}:
        return _choice(items_of(told["enum"]))
    if words in ({"anyOf"}, {"oneOf"}):
        (parts,) = told.values()
        return _union([type_of(part) for part in items_of(parts)])
    if isinstance(kind, list):
        each = [{**_relevant(told, name), "type": name} for name in items_of(kind)]
        return _union([type_of(one) for one in each])
    return _typed(kind, told) if isinstance(kind, str) else None


def nullable(of: Type) -> Type:
    """The type of a value that may also be null."""
    match of:
        case Nullable() | Anything() | Plain("null"):
            return of
        case Choice(values) if None in values:
            return of
        case _:
            return Nullable(of)


def _typed(name: str, told: Mapping[str, Any]) -> Type | None:
    for primitive in _PRIMITIVES:
        if name == primitive and set(told) == {"type"}:
            return Plain(primitive)
    if name == "array" and set(told) <= {"type", "items"}:
        items = type_of(told.get("items", True))
        return None if items is None else ListOf(items)
    if name == "object" and set(told) <= {"type", "additionalProperties"}:
        values = type_of(told.get("additionalProperties", True))
        return None if values is None else MapOf(values)
    return None


def _relevant(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What of a schema of several types is said of values of one of them."""
    words = {
        "array": {"items", "prefixItems", "contains", "unevaluatedItems"},
        "object": {"properties", "required", "additionalProperties", "patternProperties"},
    }
    others = set[str]().union({"type"}, *(each for kind, each in words.items() if kind != name))
    return {key: value for key, value in told.items() if key not in others}


def _choice(values: Sequence[Any]) -> Type | None:
    if not values or not all(isinstance(value, str | int | float | None) for value in values):
        return None
    return _NULL if list(values) == [None] else Choice(tuple(values))


def _union(parts: Sequence[Type | None]) -> Type | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    if any(isinstance(part, Anything) for part in known):
        return Anything()
    null = _NULL in known or any(isinstance(part, Nullable) for part in known)
    flat: list[Type] = []
    for part in known:
        inner = part.of if isinstance(part, Nullable) else part
        flat += inner.types if isinstance(inner, OneOf) else [inner]
    kept = list(dict.fromkeys(part for part in flat if part != _NULL))
    if not kept:
        return _NULL
    whole = kept[0] if len(kept) == 1 else OneOf(tuple(kept))
    return nullable(whole) if null else whole
