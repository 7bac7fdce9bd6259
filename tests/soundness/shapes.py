"""Contracts made by chance, values that keep them and values that break them. Pure.

A shape is a JSON Schema of the subset that contracts are decided in. Names and numbers are few and small, so that
much of what is made meets, with some that are meant to hurt: names that are no words, integers beyond 2^53, 5.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, cast

Json = Any
Shape = Any

NAMES = ("id", "name", "total", "lines", "status", "note", "amount", "count")
ODD_NAMES = ("odd name", "ünï", "$id", "a-b", "if", "0")
WORDS = ("", "a", "ab", "paid", "open", "äöü", "日本", "x y", "10", "2026-11-30T00:00:00Z")
INTEGERS = (0, 1, -1, 2, 3, 7, 10, 100, -5)
NUMBERS = (0, 1, 0.5, -0.25, 2.0, 1e-9, 3.75, 1e6)
HUGE = (2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 5.0)
FACETS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def make_shape(chance: Random, depth: int = 2) -> Shape:
    """Any shape, of at most so many levels."""
    kinds = ["integer", "number", "string", "string", "boolean", "enum"]
    if depth > 0:
        kinds += ["object"] * 4 + ["array"] * 3 + ["union"]
    kind = chance.choice(kinds)
    match kind:
        case "object":
            made = make_object(chance, depth)
        case "array":
            made = make_array(chance, depth)
        case "union":
            return {"anyOf": [make_variant(chance, name) for name in ("card", "cash")]}
        case "enum":
            return {"enum": sorted(chance.sample(("paid", "open", "late"), chance.randint(1, 3)))}
        case _:
            made = make_scalar(chance, kind)
    if chance.random() < 0.12:
        made["type"] = [made["type"], "null"]
    return made


def make_object(chance: Random, depth: int = 2, least: int = 0) -> Shape:
    """An object; mostly closed, mostly with all of its fields required."""
    names = chance.sample(NAMES, chance.randint(max(1, least), 4))
    if chance.random() < 0.08:
        names.append(chance.choice(ODD_NAMES))
    sure = chance.random() < 0.5
    made: Shape = {
        "type": "object",
        "properties": {name: make_shape(chance, depth - 1) for name in names},
        "required": sorted(name for name in names if sure or chance.random() < 0.7),
    }
    match chance.random():
        case low if low < 0.85:
            made["additionalProperties"] = False
        case low if low < 0.93:
            made["additionalProperties"] = make_shape(chance, 0)
        case _:
            pass
    return made


def make_array(chance: Random, depth: int = 2, most: int = 6) -> Shape:
    """A list, often with bounds."""
    made: Shape = {"type": "array", "items": make_shape(chance, depth - 1)}
    if chance.random() < 0.25:
        made["maxItems"] = chance.randint(1, most)
    if chance.random() < 0.12:
        made["minItems"] = 1
    return made


def make_variant(chance: Random, name: str) -> Shape:
    """One of several objects that a field tells apart."""
    return {
        "type": "object",
        "properties": {"kind": {"const": name}, "amount": make_scalar(chance, "integer")},
        "required": ["amount", "kind"],
        "additionalProperties": False,
    }


def make_scalar(chance: Random, kind: str) -> Shape:
    """A scalar of this type; now and then with a bound, which what is computed loses."""
    made: Shape = {"type": kind}
    bounded = chance.random() < 0.2
    match kind:
        case "integer" | "number" if bounded:
            made["minimum"] = 0
            if chance.random() < 0.3:
                made["maximum"] = 100
        case "string" if bounded:
            made["minLength"] = 1
        case _:
            pass
    return made


def types_of(shape: Shape) -> tuple[str, ...]:
    """The types that a shape names; none where it names values or variants."""
    named: Any = shape.get("type", ()) if isinstance(shape, Mapping) else ()
    return (named,) if isinstance(named, str) else tuple(cast("list[str]", named))


def closed(properties: Mapping[str, Shape], optional: frozenset[str] = frozenset()) -> Shape:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": sorted(name for name in properties if name not in optional),
        "additionalProperties": False,
    }


def covers(given: Shape, wanted: Shape) -> bool:
    """Whether what is given is plainly all wanted. Its writers may be wrong: the checker has the word."""
    if wanted is True or given == wanted:
        return True
    if given is True or wanted is False:
        return False
    if "anyOf" in given:
        return all(covers(part, wanted) for part in given["anyOf"])
    if "anyOf" in wanted:
        return any(covers(given, part) for part in wanted["anyOf"])
    values = given.get("enum", [given["const"]] if "const" in given else None)
    if values is not None:
        return all(keeps(value, wanted) for value in values)
    if "enum" in wanted or "const" in wanted:
        return False
    mine, theirs = set(types_of(given)), set(types_of(wanted))
    if not mine or not mine <= theirs | ({"integer"} if "number" in theirs else set()):
        return False
    if any(key in wanted and given.get(key) != wanted[key] for key in FACETS):
        return False
    if "array" in mine and not covers(given.get("items", True), wanted.get("items", True)):
        return False
    return "object" not in mine or _covers_fields(given, wanted)


def _covers_fields(given: Shape, wanted: Shape) -> bool:
    has, wants = given.get("properties", {}), wanted.get("properties", {})
    rest = wanted.get("additionalProperties", True)
    return (
        set(wanted.get("required", ())) <= set(given.get("required", ()))
        and all(covers(shape, wants.get(name, rest)) for name, shape in has.items())
        and (rest is not False or given.get("additionalProperties", True) is False)
        and all(name in has or given.get("additionalProperties", True) is False for name in wants)
    )


def keeps(value: Json, shape: Shape) -> bool:
    """Whether a scalar is of a shape, as far as `covers` needs it."""
    named = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    kind = named.get(type(value))
    if "enum" in shape or "const" in shape:
        return value in shape.get("enum", [shape.get("const")])
    return (
        kind in types_of(shape)
        and len(str(value)) >= shape.get("minLength", 0)
        and not (isinstance(value, int) and value < shape.get("minimum", value))
        and not (isinstance(value, int) and value > shape.get("maximum", value))
    )


def satisfy(chance: Random, shape: Shape) -> Json:
    """A value of this shape."""
    if shape is True:
        return chance.choice((None, 1, "a", [], {}, [1, "x"], {"id": None}))
    if "anyOf" in shape:
        return satisfy(chance, chance.choice(shape["anyOf"]))
    if "enum" in shape or "const" in shape:
        return chance.choice(shape.get("enum", [shape.get("const")]))
    match chance.choice(types_of(shape) or ("null",)):
        case "null":
            return None
        case "boolean":
            return chance.random() < 0.5
        case "integer" | "number" as kind:
            return _number(chance, kind, shape)
        case "string":
            return chance.choice([w for w in WORDS if len(w) >= shape.get("minLength", 0)])
        case "array":
            least = shape.get("minItems", 0)
            size = chance.randint(least, shape.get("maxItems", max(least, 4)))
            return [satisfy(chance, shape.get("items", True)) for _ in range(size)]
        case _:
            return _fields(chance, shape)


def _number(chance: Random, kind: str, shape: Shape) -> float:
    low, high = shape.get("minimum", -1e30), shape.get("maximum", 1e30)
    pool: tuple[float, ...] = INTEGERS if kind == "integer" else (*INTEGERS, *NUMBERS)
    if chance.random() < 0.04:
        pool = HUGE
    return chance.choice([n for n in pool if low <= n <= high] or [max(low, 0)])


def _fields(chance: Random, shape: Shape) -> Json:
    made = {
        name: satisfy(chance, part)
        for name, part in shape.get("properties", {}).items()
        if name in shape.get("required", ()) or chance.random() < 0.6
    }
    rest = shape.get("additionalProperties", True)
    if rest is not False and chance.random() < 0.4:
        made["beside"] = satisfy(chance, rest)
    return made


def spoil(chance: Random, value: Json) -> Json:
    """A value like this one that has something wrong somewhere; by what contract, is for a validator to say."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(sorted(value))
        match chance.random():
            case low if low < 0.25:
                return {key: item for key, item in value.items() if key != name}
            case low if low < 0.35:
                return {**value, "never_heard_of": 1}
            case _:
                return {**value, name: spoil(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        return [spoil(chance, item) if at == place else item for at, item in enumerate(value)]
    return chance.choice((None, "wrong", -7.5, True, [], {}, [value], {"x": value}, 10**19))
