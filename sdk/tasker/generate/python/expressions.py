"""Types and values, as Python writes them. Pure."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Mapping
from typing import Any, assert_never, cast

from tasker.generate.plan import Plan, Taken
from tasker.generate.python.models import CONVERTED
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

__all__ = ["BUILTINS", "annotate", "annotate_taken", "express", "is_parameter", "quotes"]

BUILTINS = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist})

_PLAIN: dict[Primitive, str] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_CONTEXTS = ("ctx", "context", "input")


def annotate(of: Type) -> str:
    """A type, as an annotation. Models stand in the module `types`."""
    match of:
        case Anything():
            return "Any"
        case Plain(name):
            return _PLAIN[name]
        case Choice(values):
            return f"Literal[{', '.join(map(repr, values))}]" if _is_literal(values) else "Any"
        case ListOf(items):
            return f"list[{annotate(items)}]"
        case MapOf(values):
            return f"dict[str, {annotate(values)}]"
        case Nullable(inner):
            return f"{annotate(inner)} | None"
        case OneOf(types):
            return " | ".join(dict.fromkeys(map(annotate, types)))
        case Named(name):
            return f"types.{name}"
        case _:
            assert_never(of)


def annotate_taken(taken: Taken) -> str:
    """What a handler takes, as an annotation."""
    if taken.gathered and taken.gathered.with_failures:
        text = f"BatchResults[{annotate(taken.gathered.of)}]"
    else:
        text = annotate(taken.type)
    return text if not taken.may_lack or text.endswith(("Any", "| None")) else f"{text} | None"


def express(of: Type, value: Any, plan: Plan) -> str:
    """A value of a type, as code."""
    match of:
        case Named(name):
            # A text becomes a date or the like only where that is allowed.
            loosely = ", strict=False" if _is_converted(plan, name, set()) else ""
            return f"types.{name}.model_validate({value!r}{loosely})"
        case Nullable(inner):
            return "None" if value is None else express(inner, value, plan)
        case ListOf(items) if isinstance(value, list):
            each = [express(items, one, plan) for one in cast("list[Any]", value)]
            return f"[{', '.join(each)}]"
        case MapOf(values) if isinstance(value, Mapping):
            told = cast("Mapping[str, Any]", value)
            each = [f"{key!r}: {express(values, one, plan)}" for key, one in told.items()]
            return f"{{{', '.join(each)}}}"
        case OneOf(types):
            return express(next(one for one in types if _may_be(one, value)), value, plan)
        case _:
            return repr(value)


def is_parameter(name: str) -> bool:
    """Whether a parameter can be called so, and takes what has that name in the template."""
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and name not in _CONTEXTS
        and name not in ("self", "types")
        and unicodedata.normalize("NFKC", name) == name
    )


def quotes(text: str) -> list[str]:
    """A text as a literal, in either of Python's ways."""
    inner = repr(text + '"')[1:-2]  # in single quotes, for it has a double one
    return [f"'{inner}'", '"' + inner.replace('"', '\\"').replace("\\'", "'") + '"']


def _is_literal(values: tuple[Any, ...]) -> bool:
    return not any(isinstance(value, float) for value in values)


def _may_be(of: Type, value: Any) -> bool:
    match of:
        case Named() | MapOf():
            return isinstance(value, Mapping)
        case ListOf():
            return isinstance(value, list)
        case _:
            return not isinstance(value, Mapping | list)


def _is_converted(plan: Plan, name: str, seen: set[str]) -> bool:
    """Whether a definition, or one that it refers to, has a text that becomes a value of another type."""
    if name in seen:
        return False
    seen.add(name)
    return any(
        (key == "format" and value in CONVERTED)
        or (key == "$ref" and _is_converted(plan, str(value).rpartition("/")[2], seen))
        for key, value in _walk(plan.definitions[name])
    )


def _walk(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        for key, value in cast("Mapping[str, Any]", schema).items():
            yield key, value
            yield from _walk(value)
    elif isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from _walk(each)
