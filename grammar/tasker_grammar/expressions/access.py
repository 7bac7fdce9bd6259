"""The types of what paths lead to: fields, elements, parts of texts and lists. Pure.

null has every field and every element: they are null, as in jq.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At
from tasker_grammar.telling import did_you_mean
from tasker_grammar.type_algebra import join_all, members, optional
from tasker_grammar.type_words import describe
from tasker_grammar.types import Anything, Array, Never, Null, Object, String, Type

__all__ = ["element", "every", "field", "fields", "part"]

_VALIDATE = "Declare it in the schema that it comes with, or validate it first."


def field(type: Type, name: str, at: At) -> Type:
    """What stands under a name. Raises Fault."""
    found = [(_field(member, name, type, at), member) for member in members(type)]
    objects = [read for read, member in found if isinstance(member, Object)]
    if not objects or any(read is not None for read in objects):
        return join_all(Null() if read is None else read for read, _ in found)
    names = sorted(
        {n for member in members(type) if isinstance(member, Object) for n in member.fields}
    )
    hint = did_you_mean(name, names)
    if not hint and any(isinstance(m, Object) and m.rest is not None for m in members(type)):
        hint = _VALIDATE
    message = f"no field {name!r} in {describe(type)}"
    expected = " or ".join(names) or None
    raise Fault("X101", at, message, hint, expected=expected, got=name)


def _field(member: Type, name: str, whole: Type, at: At) -> Type | None:
    match member:
        case Null():
            return member
        case Object():
            if name in member.fields:
                known = member.fields[name]
                return known.type if known.required else optional(known.type)
            if isinstance(member.rest, Anything) and not member.fields:
                raise _untyped(f"the field {name!r}", at)
            undeclared = member.rest is None or isinstance(member.rest, Anything)
            return None if undeclared or member.rest is None else optional(member.rest)
        case Anything():
            raise _untyped(f"the field {name!r}", at)
        case _:
            raise _wrong_shape("has no fields", whole, member, at)


def fields(type: Type, index: Type, at: At) -> Type:
    """What stands under a name that is computed. Raises Fault."""
    return join_all(_named(member, index, type, at) for member in members(type))


def _named(member: Type, index: Type, whole: Type, at: At) -> Type:
    match member:
        case Null():
            return member
        case Object():
            if isinstance(index, String) and index.values is not None:
                return join_all(field(member, name, at) for name in sorted(index.values))
            return optional(every(member, at))
        case Anything():
            raise _untyped("a field", at)
        case _:
            raise _wrong_shape("has no fields", whole, member, at)


def element(type: Type, index: int | None, at: At) -> Type:
    """What stands at a place of a list; `index`: where it is known. Raises Fault."""

    def of(member: Type) -> Type:
        match member:
            case Null():
                return member
            case Array():
                least = dict(member.facets).get("minItems", 0)
                sure = index is not None and 0 <= index < least
                return member.items if sure else optional(member.items)
            case Anything():
                raise _untyped("an element", at)
            case _:
                raise _wrong_shape("has no elements by number", type, member, at)

    return join_all(map(of, members(type)))


def every(type: Type, at: At) -> Type:
    """What the elements of a list are, or the values of an object. Raises Fault."""

    def of(member: Type) -> Iterator[Type]:
        match member:
            case Array():
                yield member.items
            case Object():
                yield from (each.type for each in member.fields.values())
                yield Never() if member.rest is None else member.rest
            case Anything():
                raise _untyped("the elements", at)
            case Null():
                hint = "Use `// []` before."
                raise Fault(
                    "X103", at, f"{describe(type)} cannot be gone through: it may be null", hint
                )
            case _:
                raise _wrong_shape("cannot be gone through", type, member, at)

    return join_all(each for member in members(type) for each in of(member))


def part(type: Type, at: At) -> Type:
    """What a slice of a list or a text is. Raises Fault."""

    def of(member: Type) -> Type:
        match member:
            case Null():
                return member
            case Array():
                return Array(member.items)
            case String():
                return String()
            case Anything():
                raise _untyped("a part", at)
            case _:
                raise _wrong_shape("has no parts from … to …", type, member, at)

    return join_all(map(of, members(type)))


def _untyped(what: str, at: At) -> Fault:
    message = f"{what} cannot be read: nothing is known of what it would be read from"
    return Fault("X102", at, message, _VALIDATE)


def _wrong_shape(what: str, whole: Type, member: Type, at: At) -> Fault:
    said = describe(whole)
    detail = "" if whole == member else f": it may be {describe(member)}"
    return Fault("X103", at, f"{said} {what}{detail}", got=said)
