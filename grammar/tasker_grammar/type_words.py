"""Types in words, as findings say them: `{id: string, note?: string}`, `[number]`, `null|"a"|"b"`. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tasker_grammar.type_algebra import members
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
    Union,
)

__all__ = ["describe"]

_LONGEST = 160
_MOST_VALUES = 6
_DEPTH = 4


def describe(type: Type) -> str:
    """The type in words, shortened where it would be long."""
    text = _words(type, 0)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _words(type: Type, depth: int) -> str:
    match type:
        case Anything():
            return "anything"
        case Never():
            return "nothing"
        case Null():
            return "null"
        case Boolean():
            return "boolean" if type.value is None else json.dumps(type.value)
        case Number():
            return "integer" if type.integer else "number"
        case String():
            return _string(type)
        case Array():
            empty = isinstance(type.items, Never)
            return "[]" if empty else f"[{_deeper(type.items, depth)}]"
        case Object():
            return f"{{{', '.join(_fields(type, depth))}}}"
        case Union():
            return "|".join(sorted((_words(m, depth) for m in members(type)), key=_null_first))


def _deeper(type: Type, depth: int) -> str:
    return "…" if depth >= _DEPTH else _words(type, depth + 1)


def _string(type: String) -> str:
    if type.values is None or len(type.values) > _MOST_VALUES:
        return "string"
    return "|".join(json.dumps(value, ensure_ascii=False) for value in sorted(type.values))


def _fields(type: Object, depth: int) -> Iterator[str]:
    for name, field in type.fields.items():
        shown = name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
        yield f"{shown}{'' if field.required else '?'}: {_deeper(field.type, depth)}"
    if isinstance(type.rest, Anything):
        yield "…"
    elif type.rest is not None:
        yield f"*: {_deeper(type.rest, depth)}"


def _null_first(words: str) -> tuple[bool, str]:
    return words != "null", words
