"""Proves the plain cases of one schema fitting another, in microseconds. Pure.

`plainly_fits` is sound and far from complete: where it says no, `contracts.fits` has the word. It is for who
compares thousands of schemas at once. Both must be usable schemas; references are left to `fits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

__all__ = ["plainly_fits"]

Part = Mapping[str, Any] | bool

_PROSE = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"}
    | {"$comment", "$defs", "definitions"}
)
_FIELDS = frozenset({"properties", "required", "additionalProperties"})
# What holds of a value by itself, whatever stands beside it.
_BOUNDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"}
    | {"minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems"}
    | {"minProperties", "maxProperties"}
)
# These change what stands beside them, or in other places.
_ELSEWHERE = ("$ref", "$dynamicRef", "$schema", "$id")


def plainly_fits(given: Part, taken: Part) -> bool:
    """Whether all that `given` allows is allowed by `taken`, so far as that is plain to see."""
    if given is False or taken is True:
        return True
    if given is True or taken is False or any(key in given or key in taken for key in _ELSEWHERE):
        return isinstance(taken, Mapping) and not taken.keys() - _PROSE
    if "anyOf" in given:
        return all(plainly_fits(branch, taken) for branch in given["anyOf"])
    if "anyOf" in taken:
        alone = not taken.keys() - _PROSE - {"anyOf"}
        return alone and any(plainly_fits(given, branch) for branch in taken["anyOf"])
    types = _types(given)
    return _fits_types(types, given, taken) and all(
        _fits_keyword(keyword, types, given, taken) for keyword in taken.keys() - _PROSE
    )


def _fits_types(
    types: frozenset[str] | None, given: Mapping[str, Any], taken: Mapping[str, Any]
) -> bool:
    wanted = _types(taken)
    if wanted is None:
        return True
    wider = wanted | {"integer"} if "number" in wanted else wanted
    return types is not None and types <= wider


def _fits_keyword(
    keyword: str, types: frozenset[str] | None, given: Mapping[str, Any], taken: Mapping[str, Any]
) -> bool:
    if keyword == "type":
        return True
    if keyword in _FIELDS:
        return types is not None and ("object" not in types or _fits_fields(keyword, given, taken))
    if keyword == "items":
        no_array = types is not None and "array" not in types
        return no_array or (
            "prefixItems" not in given and plainly_fits(given.get("items", True), taken["items"])
        )
    if keyword in ("enum", "const"):
        wanted: list[Any] = taken["enum"] if keyword == "enum" else [taken["const"]]
        named = _values(given)
        return bool(named) and named <= frozenset(map(_text, wanted))
    return (
        keyword in _BOUNDS and keyword in given and _text(given[keyword]) == _text(taken[keyword])
    )


def _fits_fields(keyword: str, given: Mapping[str, Any], taken: Mapping[str, Any]) -> bool:
    has: Mapping[str, Part] = given.get("properties", {})
    wants: Mapping[str, Part] = taken.get("properties", {})
    rest: Part = True if "patternProperties" in given else given.get("additionalProperties", True)
    match keyword:
        case "required":
            return set(taken["required"]) <= set(given.get("required", ()))
        case "properties":
            return all(plainly_fits(has.get(name, rest), part) for name, part in wants.items())
        case _:
            if "patternProperties" in taken:
                return False
            others = [part for name, part in has.items() if name not in wants]
            return all(plainly_fits(part, taken[keyword]) for part in (*others, rest))


def _types(schema: Mapping[str, Any]) -> frozenset[str] | None:
    declared: Any = schema.get("type")
    if declared is None:
        return None
    return frozenset([declared] if isinstance(declared, str) else cast("list[str]", declared))


def _values(schema: Mapping[str, Any]) -> frozenset[bytes]:
    """The values that a schema names, or none where it names none."""
    if "const" in schema:
        return frozenset([_text(schema["const"])])
    return frozenset(map(_text, schema.get("enum", ())))


def _text(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
