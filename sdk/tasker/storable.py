"""Turns Python values into JSON that the database can store, or says where it could not. Pure.

PostgreSQL's jsonb knows no NUL character and no half of a surrogate pair: a whole batch of results
would fail when it is written. JSON knows no NaN and no infinity, which would turn into null without
a word, and an integer beyond 64 bits would come back as a float that is not quite it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson
from pydantic_core import (
    PydanticSerializationError,
    SchemaSerializer,
    core_schema,
    to_json,
    to_jsonable_python,
)

from tasker_grammar.contracts import Finding, path_text
from tasker_grammar.leaves import has_long_number, is_unicode, leaves

__all__ = ["MAX_BYTES", "dumps_anything", "serialize"]

MAX_BYTES = 16 * 1024 * 1024
"""The default limit on a stored value, in bytes of JSON."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_INPUT_VALUE = re.compile(r", input_value=.*?(?=, input_type=|\])", re.DOTALL)

_any = SchemaSerializer(core_schema.any_schema())


def dumps_anything(value: Any) -> bytes:
    """The JSON of all that orjson and pydantic know. Raises `TypeError` for anything else.

    That is JSON's own types, dataclasses, pydantic models, dates, UUIDs, enums, decimals and sets;
    keys of dicts must be strings.
    """
    return orjson.dumps(value, default=to_jsonable_python)


def serialize(
    dumps: Callable[[Any], bytes], value: Any, max_bytes: int = MAX_BYTES
) -> bytes | Finding:
    """What `dumps` makes of `value`, or what keeps it from being made or stored."""
    try:
        data = dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        return _find_surrogate(value) or Finding("$", f"is not JSON: {_reason(error)}")
    return _find_unstorable(data, value, max_bytes) or data


def _find_unstorable(data: bytes, value: Any, max_bytes: int) -> Finding | None:
    """What keeps `data`, the JSON of `value`, from being stored. Each test is quick to say no."""
    if len(data) > max_bytes:
        return Finding("$", f"has {len(data):,} bytes as JSON; the limit is {max_bytes:,}")
    return _find_nul(data) or _find_non_finite(data, value) or _find_large_integer(data)


def _find_nul(data: bytes) -> Finding | None:
    if rb"\u0000" not in data or not _NUL.search(data):
        return None
    where = _find(orjson.loads(data), lambda leaf: isinstance(leaf, str) and "\0" in leaf)
    return _finding(where, "holds a NUL character, which PostgreSQL cannot store")


def _find_non_finite(data: bytes, value: Any) -> Finding | None:
    # Serialisers write null for what is not finite, so only where null stands can it have been.
    if b"null" not in data or (text := _non_finite_as_words(value)) is None:
        return None
    nulls = {path for path, leaf in leaves(orjson.loads(data)) if leaf is None}
    bad = (path for path, leaf in leaves(json.loads(text)) if _is_non_finite(leaf))
    where = next((path_text(path) for path in bad if path in nulls), None)
    return _finding(where, "is NaN or infinite, which JSON cannot express")


def _find_large_integer(data: bytes) -> Finding | None:
    if not has_long_number(data):
        return None
    where = _find(json.loads(data), _is_beyond_64_bits)
    return _finding(where, "is an integer beyond 64 bits; return it as a string")


def _non_finite_as_words(value: Any) -> bytes | None:
    """`value` with NaN written as NaN and not as null, if there may be one in it."""
    # In two steps, because a model's own setting for NaN overrides what `to_json` is told.
    plain = _any.to_python(value, by_alias=True)
    text = to_json(plain, inf_nan_mode="constants", serialize_unknown=True)
    return text if b"NaN" in text or b"Infinity" in text else None


def _find_surrogate(value: Any) -> Finding | None:
    try:
        plain = to_jsonable_python(value, serialize_unknown=True)
        where = _find(plain, lambda leaf: isinstance(leaf, str) and not is_unicode(leaf))
    except (TypeError, ValueError, RecursionError):
        return None
    return _finding(where, "holds half of a surrogate pair, which is no text and cannot be stored")


def _finding(where: str | None, message: str) -> Finding | None:
    return None if where is None else Finding(where, message)


def _is_non_finite(leaf: Any) -> bool:
    return isinstance(leaf, float) and not math.isfinite(leaf)


def _is_beyond_64_bits(leaf: Any) -> bool:
    return isinstance(leaf, int) and not -(2**63) <= leaf < 2**64


def _find(plain: Any, is_bad: Callable[[Any], bool]) -> str | None:
    return next((path_text(path) for path, leaf in leaves(plain) if is_bad(leaf)), None)


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, RecursionError):
        return "it refers to itself, or is nested too deeply"
    text = _INPUT_VALUE.sub("", str(cause))
    if isinstance(cause, PydanticSerializationError):
        text = text.removeprefix("Error serializing to JSON: ")
    return " ".join(text.split())
