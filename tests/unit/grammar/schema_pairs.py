"""Pairs of schemas that are near each other, and values of a schema, all from a source of chance. Pure.

The schemas keep to the subset on which fitting is decided. Small names and numbers, so that much of
what is made meets; bounds are met from both sides.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

from tasker_grammar.references import follow

Json = Any
Schema = Any

NAMES = ("a", "b", "c", "d")
STRINGS = ("", "a", "b", "ab", "ba", "aab", "abba", "ünï", "2024-05-01")
PATTERNS = ("^a", "b$", "^[ab]*$", "^a?b?$")
FORMATS = ("date", "date-time", "uuid", "email")
NUMBERS = (-2, -1, 0, 1, 2, 3, 5, 0.5, 1.0, 2.5)
_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
CONSTANTS = (None, True, False, 0, 1, 1.5, "a", "b", "ab", [], ["a"], {}, {"a": 1})


class Impossible(Exception):
    """No value was found."""


def make_pair(random: Random) -> tuple[Schema, Schema]:
    """A producer and a consumer. Mostly one is the other with a few small changes, so that they often fit."""
    producer = make_schema(random)
    if random.random() < 0.1:
        return producer, make_schema(random)
    consumer = copy.deepcopy(producer)
    for _ in range(random.randint(1, 3)):
        consumer = change(random, consumer, wider=random.random() < 0.75)
    return producer, consumer


def make_schema(random: Random) -> Schema:
    """A schema of a few levels; now and then it has definitions, of which one may be recursive."""
    if random.random() < 0.75:
        return _schema(random, 3, ())
    names = ("x", "y")[: random.randint(1, 2)]
    refs = tuple(f"#/$defs/{name}" for name in names)
    defs = {name: _object(random, 2, refs[: i + 1]) for i, name in enumerate(names)}
    root = _schema(random, 2, refs)
    return {**root, "$defs": defs} if isinstance(root, dict) else {"$ref": refs[-1], "$defs": defs}


def _schema(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    makers: list[Callable[[Random, int, tuple[str, ...]], Schema]] = [_scalar, _scalar, _constant]
    if depth > 0:
        makers += [_object, _object, _object, _array, _union, _both]
    if refs:
        makers += [_ref, _ref]
    if random.random() < 0.04:
        return random.random() < 0.8
    return random.choice(makers)(random, depth, refs)


def _ref(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    return {"$ref": random.choice(refs)}


def _constant(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    if random.random() < 0.3:
        return {"const": random.choice(CONSTANTS)}
    return {"enum": random.sample(CONSTANTS, random.randint(1, 4))}


def _scalar(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    kind = random.choice(("string", "string", "integer", "integer", "number", "boolean", "null"))
    made: Schema = {"type": kind}
    if random.random() < 0.15:
        made["type"] = [kind, *({"null", "string"} - {kind})][:2]
    for keyword, value in _bounds(random, kind):
        made[keyword] = value
    return made


def _bounds(random: Random, kind: str) -> list[tuple[str, Any]]:
    bounds: list[tuple[str, Any]] = []
    if kind == "string":
        bounds = [
            ("minLength", random.randint(0, 3)),
            ("maxLength", random.randint(0, 4)),
            ("pattern", random.choice(PATTERNS)),
            ("format", random.choice(FORMATS)),
        ]
    elif kind in ("integer", "number"):
        bounds = [
            ("minimum", random.choice(NUMBERS)),
            ("maximum", random.choice(NUMBERS)),
            ("exclusiveMinimum", random.choice(NUMBERS)),
            ("exclusiveMaximum", random.choice(NUMBERS)),
            ("multipleOf", random.choice((1, 2, 3, 0.5))),
        ]
    elif kind == "array":
        bounds = [
            ("minItems", random.randint(0, 3)),
            ("maxItems", random.randint(0, 3)),
            ("uniqueItems", random.random() < 0.8),
        ]
    elif kind == "object":
        bounds = [
            ("minProperties", random.randint(0, 2)),
            ("maxProperties", random.randint(0, 4)),
            (
                "propertyNames",
                random.choice(({"pattern": "^[a-c]$"}, {"maxLength": 1}, {"enum": ["a", "b"]})),
            ),
        ]
    return [bound for bound in bounds if random.random() < 0.2]


def _object(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    names = random.sample(NAMES, random.randint(0, 3))
    made: Schema = {
        "type": "object",
        "properties": {name: _schema(random, depth - 1, refs) for name in names},
    }
    if random.random() < 0.7:
        made["required"] = [name for name in names if random.random() < 0.6]
    if random.random() < 0.5:
        closed = random.random() < 0.7
        made["additionalProperties"] = False if closed else _schema(random, depth - 1, refs)
    return made | dict(_bounds(random, "object"))


def _array(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    made: Schema = {"type": "array"}
    if random.random() < 0.8:
        made["items"] = _schema(random, depth - 1, refs)
    if random.random() < 0.25:
        made["prefixItems"] = [
            _schema(random, depth - 1, refs) for _ in range(random.randint(1, 2))
        ]
    return made | dict(_bounds(random, "array"))


def _union(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    branches = [_schema(random, depth - 1, refs) for _ in range(random.randint(1, 3))]
    return {random.choice(("anyOf", "anyOf", "oneOf")): branches}


def _both(random: Random, depth: int, refs: tuple[str, ...]) -> Schema:
    parts = [_schema(random, depth - 1, refs) for _ in range(random.randint(1, 2))]
    return {"allOf": parts} | (_scalar(random, 0, ()) if random.random() < 0.3 else {})


# What makes a schema another one


def change(random: Random, schema: Schema, *, wider: bool) -> Schema:
    """One small change somewhere in a schema, which mostly lets more through, or less."""
    places = [schema, *_places(schema)]
    place = random.choice([p for p in places if isinstance(p, dict)] or [None])
    if place is None:
        return True if wider else {"type": "string"}
    _widen(random, place) if wider else _narrow(random, place)
    return schema


def _places(schema: Schema) -> list[Schema]:
    found: list[Schema] = []
    if isinstance(schema, dict):
        named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
        listed = [
            p for key in ("anyOf", "oneOf", "allOf", "prefixItems") for p in schema.get(key, ())
        ]
        below = [*named, *listed, schema.get("items"), schema.get("additionalProperties")]
        for part in below:
            if isinstance(part, dict):
                found += [part, *_places(part)]
    return found


def _widen(random: Random, place: dict[str, Any]) -> None:
    loose = [key for key in place if key not in ("$defs", "properties", "$ref")]
    match random.randint(0, 6):
        case 0 if loose:
            del place[random.choice(loose)]
        case 1 if place.get("required"):
            place["required"] = place["required"][1:]
        case 2 if "enum" in place:
            place["enum"] = [*place["enum"], random.choice(STRINGS)]
        case 3 if "anyOf" in place:
            place["anyOf"] = [*place["anyOf"], _scalar(random, 0, ())]
        case 4 if place.get("type") == "integer":
            place["type"] = "number"
        case 5 if "type" in place:
            given = place["type"] if isinstance(place["type"], list) else [place["type"]]
            place["type"] = list(
                dict.fromkeys([*given, random.choice(("null", "string", "boolean"))])
            )
        case 6 if "$defs" not in place:
            old = dict(place)
            place.clear()
            place["anyOf"] = [old, random.choice(({"type": "null"}, _scalar(random, 0, ())))]
        case _:
            for key in ("minimum", "minLength", "minItems", "maximum", "maxLength", "maxItems"):
                if key in place:
                    least = -9 if key == "minimum" else 0
                    place[key] = max(place[key] + (-1 if key.startswith("min") else 1), least)


def _narrow(random: Random, place: dict[str, Any]) -> None:
    kind = place.get("type")
    match random.randint(0, 5):
        case 0 if isinstance(kind, str):
            place.update(_bounds(random, kind))
        case 1 if place.get("properties"):
            name = random.choice(list(place["properties"]))
            place["required"] = list(dict.fromkeys([*place.get("required", ()), name]))
        case 2 if kind == "object":
            place.setdefault("properties", {})[random.choice(NAMES)] = _scalar(random, 0, ())
        case 3 if kind == "object":
            place["additionalProperties"] = False
        case 4 if len(place.get("enum", ())) > 1:
            place["enum"] = place["enum"][1:]
        case 5 if kind == "number":
            place["type"] = "integer"
        case _:
            place["allOf"] = [*place.get("allOf", ()), _scalar(random, 0, ())]


# Values


def make_value(random: Random, schema: Schema, root: Schema, depth: int = 6) -> Json:
    """A value that the schema mostly allows; whether it does is for the caller to check."""
    if schema is False or depth < 0:
        raise Impossible
    if schema is True or not schema:
        return random.choice(CONSTANTS)
    if "$ref" in schema:
        target = follow(schema["$ref"], root)
        return make_value(random, target, root, depth - 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            rest = {k: v for k, v in schema.items() if k != key}
            branch = random.choice(schema[key])
            joined = {**rest, **branch} if isinstance(branch, dict) else rest if branch else False
            return make_value(random, joined, root, depth - 1)
    if "allOf" in schema:
        joined = {k: v for k, v in schema.items() if k != "allOf"}
        for part in random.sample(schema["allOf"], len(schema["allOf"])):
            joined = {**joined, **part} if isinstance(part, dict) else joined
        return make_value(random, joined, root, depth - 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    kind = schema.get("type") or _kind_of(random, schema)
    kind = random.choice(kind) if isinstance(kind, list) else kind
    return _VALUES[kind](random, schema, root, depth)


def _kind_of(random: Random, schema: Schema) -> str:
    return "object" if "properties" in schema else random.choice(list(_VALUES))


def _number(random: Random, schema: Schema, root: Schema, depth: int) -> Json:
    near = [schema[key] for key in _NUMERIC if key in schema]
    start = random.choice([*near, *NUMBERS])
    return start + random.choice((0, 0, 1, -1, 0.5, 0.25))


def _integer(random: Random, schema: Schema, root: Schema, depth: int) -> Json:
    value = int(_number(random, schema, root, depth)) * schema.get("multipleOf", 1)
    return float(value) if random.random() < 0.1 else int(value)


def _string(random: Random, schema: Schema, root: Schema, depth: int) -> Json:
    if random.random() < 0.7:
        return random.choice(STRINGS)
    low = schema.get("minLength", 0)
    return "".join(
        random.choice("ab")
        for _ in range(random.randint(low, max(low, schema.get("maxLength", 4))))
    )


def _array_value(random: Random, schema: Schema, root: Schema, depth: int) -> Json:
    low = schema.get("minItems", 0)
    count = random.randint(low, max(low, min(schema.get("maxItems", 3), low + 2)))
    prefix = schema.get("prefixItems", [])
    each = [prefix[i] if i < len(prefix) else schema.get("items", True) for i in range(count)]
    return [make_value(random, part, root, depth - 1) for part in each]


def _object_value(random: Random, schema: Schema, root: Schema, depth: int) -> Json:
    made: dict[str, Json] = {}
    properties = schema.get("properties", {})
    for name in [*properties, *schema.get("required", ())]:
        sure = name in schema.get("required", ())
        if sure or random.random() < 0.5:
            try:
                made[name] = make_value(random, properties.get(name, True), root, depth - 1)
            except Impossible:
                if sure:
                    raise
    rest = schema.get("additionalProperties", True)
    if rest is not False and random.random() < 0.5:
        for name in random.sample((*NAMES, "e", "ab"), random.randint(1, 2)):
            if name not in properties:
                made[name] = make_value(random, rest, root, depth - 1)
    return made


_VALUES: dict[str, Callable[[Random, Schema, Schema, int], Json]] = {
    "null": lambda *_: None,
    "boolean": lambda random, *_: random.random() < 0.5,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "array": _array_value,
    "object": _object_value,
}
