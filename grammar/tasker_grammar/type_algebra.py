"""How types are put together and taken apart. Pure.

All results are over-approximations: a type that is made of others allows at least what they allow together. A union
holds at most one member of each kind but for objects, which are kept apart so that a field can tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, cast

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

__all__ = [
    "is_all",
    "join",
    "join_all",
    "may_be",
    "members",
    "merge_objects",
    "only",
    "optional",
    "type_of_value",
    "widen",
    "without",
]

_WIDER: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("exclusiveMinimum", "minItems", "minLength", "minimum"), min),
    **dict.fromkeys(("exclusiveMaximum", "maxItems", "maxLength", "maximum"), max),
}
_MOST_OBJECTS = 8
_MOST_VALUES = 64


def members(type: Type) -> tuple[Type, ...]:
    """The types that this one is the union of: itself, where it is none; nothing for Never."""
    match type:
        case Never():
            return ()
        case Union():
            return tuple(type.of)
        case _:
            return (type,)


def join_all(types: Iterable[Type]) -> Type:
    """What is of at least one of these types."""
    simple: dict[type, Type] = {}
    arrays: dict[Array, None] = {}
    objects: dict[Object, None] = {}
    for type in types:
        if isinstance(type, Anything):
            return type
        for member in _ordered(type):
            match member:
                case Array():
                    arrays[member] = None
                case Object():
                    objects[member] = None
                case _:
                    kind = member.__class__
                    simple[kind] = _merge(simple[kind], member) if kind in simple else member
    together = [_merge_arrays([*arrays])] if arrays else []
    apart = [*objects] if len(objects) <= _MOST_OBJECTS else [merge_objects(objects)]
    joined = [*simple.values(), *together, *apart]
    return _union(joined) if joined else Never()


def join(one: Type, other: Type) -> Type:
    """What is of one type or the other."""
    return one if one == other else join_all((one, other))


def is_all(type: Type, *kinds: type[Type]) -> bool:
    """Whether each of its members is of these kinds; so is Never, which has none."""
    return all(isinstance(member, kinds) for member in members(type))


def may_be(type: Type, *kinds: type[Type]) -> bool:
    """Whether one of its members is of these kinds. Of Anything only Anything is."""
    return any(isinstance(member, kinds) for member in members(type))


def without(type: Type, *kinds: type[Type]) -> Type:
    """The type, without its members of these kinds."""
    return _filter(type, lambda member: not isinstance(member, kinds))


def only(type: Type, *kinds: type[Type]) -> Type:
    """The members of these kinds. Of Anything, it cannot be said: it stays."""
    return _filter(type, lambda member: isinstance(member, (*kinds, Anything)))


def optional(type: Type) -> Type:
    """The type, or null."""
    return join(type, Null())


def merge_objects(objects: Iterable[Object]) -> Object:
    """One object type that allows what each of these allows."""
    every = [*objects]
    known: dict[str, list[Field]] = {}
    for each in every:
        for name, field in each.fields.items():
            known.setdefault(name, []).append(field)
    open_ones = [each for each in every if each.rest is not None]
    fields = {
        name: Field(
            join_all(
                [*(f.type for f in found), *_rests(e for e in open_ones if name not in e.fields)]
            ),
            len(found) == len(every) and all(field.required for field in found),
        )
        for name, found in known.items()
    }
    return Object(fields, join_all(_rests(open_ones)) if open_ones else None)


def type_of_value(value: Any) -> Type:
    """The narrowest type of a value, which is parsed JSON."""
    match value:
        case None:
            return Null()
        case bool():
            return Boolean(value)
        case int() | float():
            return Number(float(value).is_integer(), (("enum", (value,)),))
        case str():
            return String(frozenset([value]))
        case list():
            items = cast("list[Any]", value)
            return Array(join_all(map(type_of_value, items)), _length_facets(len(items)))
        case _:
            named = cast("dict[str, Any]", value)
            return Object({name: Field(type_of_value(part)) for name, part in named.items()})


def _length_facets(length: int) -> Facets:
    return (("maxItems", length), ("minItems", length))


def _ordered(type: Type) -> list[Type]:
    return sorted(members(type), key=repr) if isinstance(type, Union) else list(members(type))


def _union(types: list[Type]) -> Type:
    return types[0] if len(types) == 1 else Union(frozenset(types))


def _filter(type: Type, keep: Callable[[Type], bool]) -> Type:
    if not isinstance(type, Union):
        return type if keep(type) else Never()
    kept = [member for member in type.of if keep(member)]
    return _union(kept) if kept else Never()


def _merge(one: Type, other: Type) -> Type:
    """The join of two types of the same kind, which has no parts."""
    match one, other:
        case Boolean(), Boolean():
            return one if one == other else Boolean()
        case Number(), Number():
            return Number(one.integer and other.integer, _merge_facets(one.facets, other.facets))
        case String(), String():
            return _merge_strings(one, other)
        case _:
            return one


def _merge_arrays(arrays: Sequence[Array]) -> Array:
    facets = reduce(_common, (each.facets for each in arrays))
    return Array(join_all(each.items for each in arrays), facets)


def _rests(objects: Iterable[Object]) -> Iterator[Type]:
    return (each.rest for each in objects if each.rest is not None)


def _merge_strings(one: String, other: String) -> String:
    facets = _common(one.facets, other.facets)
    if one.values is None or other.values is None:
        return String(None, facets)
    values = one.values | other.values
    return String(values if len(values) <= _MOST_VALUES else None, facets)


def _merge_facets(one: Facets, other: Facets) -> Facets:
    enums = [dict(facets).get("enum") for facets in (one, other)]
    common = tuple(facet for facet in _common(one, other) if facet[0] != "enum")
    if enums[0] is None or enums[1] is None:
        return common
    values = tuple(sorted({*enums[0], *enums[1]}))
    if len(values) > _MOST_VALUES:
        return common
    return tuple(sorted((*common, ("enum", values)), key=lambda facet: facet[0]))


def _common(one: Facets, other: Facets) -> Facets:
    """What holds on both sides: the wider of two bounds, and else what is the same."""
    others = dict(other)
    return tuple(
        (keyword, value if keyword not in _WIDER else _WIDER[keyword](value, others[keyword]))
        for keyword, value in one
        if keyword in others and (keyword in _WIDER or others[keyword] == value)
    )


def widen(type: Type) -> Type:
    """The type without its narrower rules: of a value, the type of all that look like it."""
    match type:
        case Boolean():
            return Boolean()
        case Number():
            return Number(type.integer)
        case String():
            return String()
        case Array():
            return Array(widen(type.items))
        case Object():
            fields = {n: Field(widen(each.type), each.required) for n, each in type.fields.items()}
            return Object(fields, None if type.rest is None else widen(type.rest))
        case Union():
            return join_all(map(widen, type.of))
        case _:
            return type
