"""Types and values, as Ruby and RBS write them. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, assert_never, cast

from tasker.generate.naming import read_words
from tasker.generate.plan import Plan
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

__all__ = [
    "FROZEN",
    "KEYWORDS",
    "RESERVED",
    "dump",
    "has_struct",
    "is_struct",
    "load",
    "make",
    "quote",
    "sign",
    "write",
]

FROZEN = "# frozen_string_literal: true\n\n"

KEYWORDS = read_words("""
    BEGIN END alias and begin break case class def defined? do else elsif end ensure false for if in module next nil
    not or redo rescue retry return self super then true undef unless until when while yield __FILE__ __LINE__
    __ENCODING__
""")
RESERVED = KEYWORDS | read_words("""
    all any binding chunk clone count cycle deconstruct deconstruct_keys dig display drop dup each each_pair entries
    eql equal extend filter find find_all first freeze from hash include inject inspect instance_eval instance_exec
    instance_of is_a itself kind_of lazy length map max member members method methods min none object_id one
    public_send reduce respond_to select send singleton_class size sort sum take tally tap then to_a to_h to_s to_set
    uniq values values_at zip
""")
"""What no member of a struct is called: the language's words, and what every struct answers to."""

_PLAIN: dict[Primitive, str] = {
    "string": "::String",
    "integer": "::Integer",
    "number": "(::Float | ::Integer)",
    "boolean": "bool",
    "null": "nil",
}


def is_struct(plan: Plan, of: Type) -> bool:
    """Whether a type is a struct of its own. What is no object with fields stays what it is as JSON."""
    if not isinstance(of, Named):
        return False
    schema = plan.definitions[of.name]
    return "properties" in schema and not schema.keys() & {"allOf", "anyOf", "oneOf", "$ref"}


def has_struct(plan: Plan, of: Type) -> bool:
    """Whether there is a struct in a type, so that its values are read and written."""
    match of:
        case Named():
            return is_struct(plan, of)
        case ListOf(inner) | MapOf(inner) | Nullable(inner):
            return has_struct(plan, inner)
        case Anything() | Plain() | Choice() | OneOf():
            return False
        case _:
            assert_never(of)


def sign(plan: Plan, of: Type, module: str = "") -> str:
    """A type, in RBS; what RBS cannot say is untyped. `module` is what structs' names begin with."""
    match of:
        case Anything():
            return "untyped"
        case Plain(name):
            return _PLAIN[name]
        case Choice(values):
            return f"({' | '.join(dict.fromkeys(map(_sign_value, values)))})"
        case ListOf(items):
            return f"::Array[{sign(plan, items, module)}]"
        case MapOf(values):
            return f"::Hash[::String, {sign(plan, values, module)}]"
        case Nullable(inner):
            text = sign(plan, inner, module)
            return text if text == "untyped" else f"{text}?"
        case OneOf(types):
            each = dict.fromkeys(sign(plan, one, module) for one in types)
            structs = any(has_struct(plan, one) for one in types)  # they are not told apart
            return "untyped" if structs or "untyped" in each else f"({' | '.join(each)})"
        case Named(name):
            return f"{module}{name}" if is_struct(plan, of) else "untyped"
        case _:
            assert_never(of)


def load(plan: Plan, of: Type, value: str, module: str = "") -> str:
    """The code that makes a value of a type from what stands in JSON; `module` is what structs' names begin with."""
    return _convert(plan, of, value, lambda name, json: f"{module}{name}.from({json})")


def make(plan: Plan, of: Type, value: Any, module: str) -> str:
    """A value of a type, made from parsed JSON, as code."""
    match of:
        case Named(name) if is_struct(plan, of):
            return f"{module}{name}.from({write(value)})"
        case ListOf(inner) if isinstance(value, list):
            each = [make(plan, inner, one, module) for one in cast("list[Any]", value)]
            return f"[{', '.join(each)}]"
        case Nullable(inner) if value is not None:
            return make(plan, inner, value, module)
        case _:
            return write(value)


def dump(plan: Plan, of: Type, value: str) -> str:
    """The code that makes plain JSON of a value of a type."""
    return _convert(plan, of, value, lambda _, struct: f"{struct}.to_h")


def _convert(plan: Plan, of: Type, value: str, convert: Callable[[str, str], str]) -> str:
    """The code that converts the structs in a value; `convert` writes it of one, by its name and where it stands."""
    if not has_struct(plan, of):
        return value
    match of:
        case Named(name):
            return convert(name, value)
        case ListOf(inner):
            return f"{value}.map {{ |it| {_convert(plan, inner, 'it', convert)} }}"
        case MapOf(inner):
            return f"{value}.transform_values {{ |it| {_convert(plan, inner, 'it', convert)} }}"
        case Nullable(inner):
            return f"{value}&.then {{ |some| {_convert(plan, inner, 'some', convert)} }}"
        case _:
            return value


def quote(text: str) -> str:
    """A text, as a literal in which nothing is replaced."""
    return json.dumps(text, ensure_ascii=False).replace("#", "\\#")


def write(value: Any) -> str:
    """A value of parsed JSON, as code."""
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case {}:
            told = cast("Mapping[str, Any]", value)
            return (
                "{ " + ", ".join(f"{quote(k)} => {write(v)}" for k, v in told.items()) + " }"
                if told
                else "{}"
            )
        case [*items]:
            return "[" + ", ".join(map(write, items)) + "]"
        case _:
            return json.dumps(value)


def _sign_value(value: Any) -> str:
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case int():
            return str(value)
        case _:
            return "::Float"
