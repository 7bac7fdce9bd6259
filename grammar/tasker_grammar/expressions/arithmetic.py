"""The types of what operators give. Pure."""

from __future__ import annotations

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At
from tasker_grammar.telling import did_you_mean
from tasker_grammar.type_algebra import is_all, join, join_all, members, only, without
from tasker_grammar.type_words import describe
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Field,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
)

__all__ = ["compare", "compute", "equate", "negate"]

_KINDS: dict[str, tuple[type[Type], ...]] = {
    "+": (Number, String, Array, Object),
    "-": (Number, Array),
    "*": (Number, Object),
    "/": (Number, String),
    "%": (Number,),
}
_ORDERED: tuple[type[Type], ...] = (Number, String, Boolean, Array, Object)
_WORDS: dict[type[Type], str] = {
    Number: "numbers",
    String: "texts",
    Boolean: "booleans",
    Array: "lists",
    Object: "objects",
}


def compute(operator: str, left: Type, right: Type, at: At) -> Type:
    """What `left operator right` gives. Raises Fault."""
    for kind in _KINDS[operator]:
        if is_all(left, kind) and is_all(right, kind):
            return join_all(
                _combine(operator, one, other) for one in members(left) for other in members(right)
            )
    if isinstance(left, Never) or isinstance(right, Never):
        return Never()
    raise _mismatch(operator, left, right, at)


def negate(type: Type, at: At) -> Type:
    """What `-type` gives. Raises Fault."""
    if not is_all(type, Number):
        raise Fault("X104", at, f"'-' cannot stand before {describe(type)}", _hint(type, type))
    return join_all(Number(m.integer) for m in members(type) if isinstance(m, Number))


def compare(operator: str, left: Type, right: Type, at: At) -> Type:
    """What `left operator right` gives, where it asks which comes first. Raises Fault."""
    for kind in _ORDERED:
        if is_all(left, kind) and is_all(right, kind):
            return Boolean()
    raise _mismatch(operator, left, right, at, "compare")


def equate(operator: str, left: Type, right: Type, at: At) -> Type:
    """What `left operator right` gives, where it asks whether they are the same. Raises Fault if they never can be."""
    if _can_be_equal(left, right):
        return Boolean()
    message = f"{describe(left)} is never equal to {describe(right)}"
    hint = f"So '{operator}' has always the same answer; look for a slip."
    raise Fault("X104", at, message, _meant(left, right) or hint)


def _meant(left: Type, right: Type) -> str:
    """Which of the texts that can be found is near to the one that is looked for."""
    texts = [
        [value for m in members(type) if isinstance(m, String) for value in m.values or ()]
        for type in (left, right)
    ]
    few, many = sorted(texts, key=len)
    return did_you_mean(few[0], sorted(many)) if len(few) == 1 else ""


def _can_be_equal(left: Type, right: Type) -> bool:
    ones, others = members(left), members(right)
    if not ones or not others or Null() in (left, right) or Anything() in (left, right):
        return True
    return any(_overlap(one, other) for one in ones for other in others)


def _overlap(one: Type, other: Type) -> bool:
    match one, other:
        case String(), String() if one.values is not None and other.values is not None:
            return bool(one.values & other.values)
        case _:
            return one.__class__ is other.__class__


def _combine(operator: str, one: Type, other: Type) -> Type:
    match operator, one, other:
        case "+" | "-" | "*", Number(), Number():
            return Number(one.integer and other.integer)
        case "/", Number(), Number():
            return Number()
        case "%", Number(), Number():
            return Number(integer=True)
        case "+", String(), String():
            return String()
        case "/", String(), String():
            return Array(String())
        case "+", Array(), Array():
            return Array(join(one.items, other.items))
        case "-", Array(), _:
            return Array(one.items)
        case "+", Object(), Object():
            return _overlay(one, other, deep=False)
        case _, Object(), Object():
            return _overlay(one, other, deep=True)
        case _:
            return Never()


def _overlay(under: Object, over: Object, deep: bool) -> Object:
    fields: dict[str, Field] = {}
    for name in (*under.fields, *(name for name in over.fields if name not in under.fields)):
        below, above = under.fields.get(name), over.fields.get(name)
        below = below or (None if under.rest is None else Field(under.rest, required=False))
        above = above or (None if over.rest is None else Field(over.rest, required=False))
        fields[name] = _overlay_field(below, above, deep)
    rests = [rest for rest in (under.rest, over.rest) if rest is not None]
    rest = join_all(rests)
    if deep and len(rests) == 2:
        rest = join(rest, _deep(rests[0], rests[1]))
    return Object(fields, rest if rests else None)


def _overlay_field(below: Field | None, above: Field | None, deep: bool) -> Field:
    if below is None or above is None:
        return below or above or Field(Never(), required=False)
    both = _deep(below.type, above.type) if deep else above.type
    if above.required and below.required:
        return Field(both)
    if above.required:
        return Field(join(above.type, both))
    return Field(join_all([below.type, above.type, both]), below.required)


def _deep(below: Type, above: Type) -> Type:
    """`below * above`, where two objects are merged, and all else is replaced."""
    objects = [
        _overlay(one, other, deep=True)
        for one in members(only(below, Object))
        for other in members(only(above, Object))
        if isinstance(one, Object) and isinstance(other, Object)
    ]
    if isinstance(below, Anything) or isinstance(above, Anything):
        return Anything()
    is_replaced = bool(members(without(below, Object)))
    replacing = above if is_replaced else without(above, Object)
    return join_all([replacing, *objects])


def _mismatch(operator: str, left: Type, right: Type, at: At, verb: str = "combine") -> Fault:
    message = f"'{operator}' cannot {verb} {describe(left)} and {describe(right)}"
    expected = " or ".join(f"two {_WORDS[kind]}" for kind in _KINDS.get(operator, _ORDERED))
    got = f"{describe(left)} and {describe(right)}"
    return Fault("X104", at, message, _hint(left, right), expected=expected, got=got)


def _hint(left: Type, right: Type) -> str:
    if any(isinstance(member, Null) for type in (left, right) for member in members(type)):
        return "Use `// default` to remove null."
    if any(isinstance(member, Anything) for type in (left, right) for member in members(type)):
        return "Nothing is known of one side: declare it in its schema, or validate it first."
    kinds = {member.__class__ for type in (left, right) for member in members(type)}
    if kinds == {String, Number}:
        return 'Make a text of the number: "\\(.number)", or a number of the text: tonumber.'
    return ""
