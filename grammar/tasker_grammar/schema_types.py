"""From JSON Schemas to types, and back. Pure.

`type_of` over-approximates: a value that satisfies a schema satisfies `schema_of(type_of(schema))`. What types do not
model (`not`, `if`, `patternProperties` by name, recursion, …) is left out, which allows more and never less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import orjson

from tasker_grammar.contracts import Schema
from tasker_grammar.references import Part, follow
from tasker_grammar.type_algebra import join_all, members, type_of_value
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Facets,
    Field,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
    Union,
)

__all__ = ["schema_of", "type_of"]

_MOST_PARTS = 5_000
_MOST_DEPTH = 64
_LONGEST_REMEMBERED = 20_000  # characters
_FACETS = {
    "number": (
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maximum",
        "minimum",
        "multipleOf",
    ),
    "string": ("format", "maxLength", "minLength", "pattern"),
    "array": ("maxItems", "minItems", "uniqueItems"),
}


def type_of(schema: Schema) -> Type:
    """The type of the values that a usable schema allows. References that lead into themselves come to Anything."""
    try:
        text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        text = b""
    if not text or len(text) > _LONGEST_REMEMBERED:
        return _Reader(schema).read(schema, frozenset())
    return _type_of(text)


@lru_cache(maxsize=512)
def _type_of(schema: bytes) -> Type:
    """As `type_of`: a composition names the same contracts again and again."""
    part: Part = orjson.loads(schema)
    return _Reader(part).read(part, frozenset())


@dataclass(slots=True)
class _Reader:
    root: Part
    parts: int = 0
    depth: int = 0

    def read(self, part: Part, following: frozenset[str]) -> Type:
        """`following`: the references that led here."""
        if isinstance(part, bool):
            return Anything() if part else Never()
        self.parts += 1
        if self.parts > _MOST_PARTS or self.depth == _MOST_DEPTH:
            return Anything()
        self.depth += 1
        type = self.read_all(part, following)
        self.depth -= 1
        return type

    def read_all(self, part: Mapping[str, Any], following: frozenset[str]) -> Type:
        """What all keywords of a schema say together."""
        read = [self.read_kinds(part, following)]
        if "$ref" in part:
            read.append(self.read_reference(str(part["$ref"]), following))
        for keyword in ("anyOf", "oneOf"):
            if keyword in part:
                read.append(join_all(self.read(each, following) for each in part[keyword]))
        read.extend(self.read(each, following) for each in part.get("allOf", ()))
        return _meet_all(read)

    def read_reference(self, ref: str, following: frozenset[str]) -> Type:
        if ref in following or not (ref == "#" or ref.startswith("#/")):
            return Anything()
        return self.read(follow(ref, self.root), following | {ref})

    def read_kinds(self, part: Mapping[str, Any], following: frozenset[str]) -> Type:
        if "const" in part:
            return type_of_value(part["const"])
        if "enum" in part:
            return join_all(map(type_of_value, part["enum"]))
        if "type" not in part:
            return Anything()
        declared = cast("str | list[str]", part["type"])
        kinds = [declared] if isinstance(declared, str) else declared
        return join_all(self.read_kind(kind, part, following) for kind in kinds)

    def read_kind(self, kind: str, part: Mapping[str, Any], following: frozenset[str]) -> Type:
        match kind:
            case "null":
                return Null()
            case "boolean":
                return Boolean()
            case "integer" | "number":
                return Number(kind == "integer", _facets("number", part))
            case "string":
                return String(None, _facets("string", part))
            case "array":
                return self.read_array(part, following)
            case "object":
                return self.read_object(part, following)
            case _:
                return Anything()

    def read_array(self, part: Mapping[str, Any], following: frozenset[str]) -> Type:
        firsts = [self.read(each, following) for each in part.get("prefixItems", ())]
        items = self.read(part.get("items", True), following)
        return Array(join_all([*firsts, items]), _facets("array", part))

    def read_object(self, part: Mapping[str, Any], following: frozenset[str]) -> Type:
        patterns = [self.read(p, following) for p in part.get("patternProperties", {}).values()]
        rest = self.read(part.get("additionalProperties", True), following)
        rest = join_all([rest, *patterns])
        required = frozenset(part.get("required", ()))
        properties: Mapping[str, Part] = part.get("properties", {})
        fields = {
            name: Field(self.read(each, following), name in required)
            for name, each in properties.items()
        }
        fields |= {name: Field(rest) for name in sorted(required - properties.keys())}
        return Object(fields, None if isinstance(rest, Never) else rest)


def _facets(kind: str, part: Mapping[str, Any]) -> Facets:
    return tuple((keyword, part[keyword]) for keyword in _FACETS[kind] if keyword in part)


def _meet_all(types: list[Type]) -> Type:
    """A type of what is of all of these: one of them, and for objects what they say together."""
    known = [type for type in types if not isinstance(type, Anything)]
    if not known:
        return Anything()
    objects = [type for type in known if isinstance(type, Object)]
    if len(objects) == len(known) and len(objects) > 1:
        return _meet_objects(objects)
    return min(known, key=lambda type: len(members(type)))


def _meet_objects(objects: list[Object]) -> Type:
    names = list(dict.fromkeys(name for each in objects for name in each.fields))
    fields: dict[str, Field] = {}
    for name in names:
        said = [each.fields[name] for each in objects if name in each.fields]
        rests = [each.rest or Never() for each in objects if name not in each.fields]
        type = _meet_all([*(field.type for field in said), *rests])
        fields[name] = Field(type, any(field.required for field in said))
    rest = _meet_all([each.rest or Never() for each in objects])
    return Object(fields, None if isinstance(rest, Never) else rest)


def schema_of(type: Type) -> Schema:
    """The schema that allows what the type allows."""
    match type:
        case Anything():
            return True
        case Never():
            return False
        case Null():
            return {"type": "null"}
        case Boolean():
            return {"type": "boolean"} if type.value is None else {"const": type.value}
        case Number():
            return {"type": "integer" if type.integer else "number", **_keywords(type.facets)}
        case String():
            values = {} if type.values is None else {"enum": sorted(type.values)}
            return {"type": "string", **values, **_keywords(type.facets)}
        case Array():
            items = schema_of(type.items)
            listed = {} if items is True else {"items": items}
            return {"type": "array", **listed, **_keywords(type.facets)}
        case Object():
            return _object_schema(type)
        case Union():
            return {"anyOf": sorted(map(schema_of, type.of), key=_text)}


def _object_schema(type: Object) -> Schema:
    schema: dict[str, Any] = {"type": "object"}
    if type.fields:
        schema["properties"] = {n: schema_of(field.type) for n, field in type.fields.items()}
    required = sorted(name for name, field in type.fields.items() if field.required)
    if required:
        schema["required"] = required
    if not isinstance(type.rest, Anything):
        schema["additionalProperties"] = False if type.rest is None else schema_of(type.rest)
    return schema


def _keywords(facets: Facets) -> dict[str, Any]:
    return {name: list(value) if name == "enum" else value for name, value in facets}


def _text(schema: Schema) -> bytes:
    """What schemas are put in order by: the same in each process, as an order of sets would not be."""
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
