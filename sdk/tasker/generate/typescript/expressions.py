"""Types and values, as TypeScript writes them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, assert_never, cast

from tasker.generate.naming import read_words
from tasker.generate.plan import Taken
from tasker.generate.types import (
    Anything,
    Choice,
    ListOf,
    MapOf,
    Named,
    Nullable,
    OneOf,
    Plain,
    Primitive,
    Type,
)

__all__ = ["RESERVED", "annotate", "annotate_taken", "key", "quote", "write"]

RESERVED = read_words("""
    abstract any arguments as async await boolean break case catch class const continue debugger default delete do
    else enum eval export extends false finally for from function get if implements import in instanceof interface
    let module namespace never new null number object of package private protected public require return set static
    string super switch symbol this throw true try type typeof undefined unknown using var void while with yield
""")
_PLAIN: dict[Primitive, str] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_BARE = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def annotate(of: Type) -> str:
    """A type. Interfaces stand in the module `types`."""
    match of:
        case Anything():
            return "unknown"
        case Plain(name):
            return _PLAIN[name]
        case Choice(values):
            return " | ".join(map(quote, values))
        case ListOf(items):
            inner = annotate(items)
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case MapOf(values):
            return f"Record<string, {annotate(values)}>"
        case Nullable(inner):
            return f"{annotate(inner)} | null"
        case OneOf(types):
            return " | ".join(dict.fromkeys(map(annotate, types)))
        case Named(name):
            return f"types.{name}"
        case _:
            assert_never(of)


def annotate_taken(taken: Taken) -> str:
    """What a handler takes, as the type of a field of `results`."""
    if taken.gathered and taken.gathered.with_failures:
        return f"BatchResults<{annotate(taken.gathered.of)}>"
    return annotate(taken.type)


def key(name: str) -> str:
    """A name, as a field of an object."""
    return name if _BARE.fullmatch(name) else quote(name)


def quote(value: Any) -> str:
    """A value without parts, as code."""
    return json.dumps(value, ensure_ascii=True)


def write(value: Any, indent: str = "") -> str:
    """A value, as code that stands behind `indent`."""
    inner = indent + "  "
    match value:
        case {} if value:
            told = cast("Mapping[str, Any]", value)
            lines = [f"{inner}{key(name)}: {write(one, inner)},\n" for name, one in told.items()]
            return "{\n" + "".join(lines) + indent + "}"
        case [_, *_]:
            return "[" + ", ".join(write(one, indent) for one in cast("list[Any]", value)) + "]"
        case _:
            return quote(value)
