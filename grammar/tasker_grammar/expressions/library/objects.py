"""Functions on objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tasker_grammar.expressions import access
from tasker_grammar.expressions.codes import Code, Env
from tasker_grammar.expressions.evaluation import Meter, weigh
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.kinds import is_object
from tasker_grammar.expressions.library.interface import (
    Function,
    Site,
    expect,
    items_of,
    on_value,
    on_value_and,
    one,
)
from tasker_grammar.expressions.syntax import Comma, GetField, Identity, Node
from tasker_grammar.type_algebra import is_all, join_all, members
from tasker_grammar.type_words import describe
from tasker_grammar.types import Array, Boolean, Field, Never, Object, String, Type

__all__ = ["FUNCTIONS"]


# -- types


def _objects(site: Site) -> list[Object]:
    given = expect(site, Object)
    return [member for member in members(given) if isinstance(member, Object)]


def _names(type: Object) -> Type:
    names = frozenset(n for n, each in type.fields.items() if not isinstance(each.type, Never))
    if type.rest is not None:
        return String()
    return String(names) if names else Never()


def _keys_type(site: Site) -> Type:
    return Array(join_all(map(_names, _objects(site))))


def _has_type(site: Site) -> Type:
    _objects(site)
    expect(site, String, type=site.one(0))
    return Boolean()


def _entry(site: Site) -> Type:
    objects = _objects(site)
    names = join_all(map(_names, objects))
    values = join_all(access.every(each, site.at) for each in objects)
    if isinstance(names, Never):
        return Never()
    return Object({"key": Field(names), "value": Field(values)})


def _to_entries_type(site: Site) -> Type:
    return Array(_entry(site))


def _from_entries_type(site: Site) -> Type:
    return _from(items_of(site), site)


def _from(entries: Type, site: Site) -> Type:
    objects = [member for member in members(entries) if isinstance(member, Object)]
    if not objects and isinstance(entries, Never):
        return Object()
    if len(objects) < len(members(entries)) or not all(map(_is_entry, objects)):
        message = f"a list of {{key: string, value: …}} is needed here, not of {describe(entries)}"
        raise Fault("X103", site.at, message, "Make it: map({key: .…, value: .…})")
    keys = join_all(each.fields["key"].type for each in objects)
    values = join_all(each.fields["value"].type for each in objects)
    if isinstance(keys, String) and keys.values is not None:
        return Object({name: Field(values, required=False) for name in sorted(keys.values)})
    return Object({}, values)


def _is_entry(type: Object) -> bool:
    key, value = type.fields.get("key"), type.fields.get("value")
    if key is None or value is None or not (key.required and value.required):
        return False
    return is_all(key.type, String)


def _with_entries_type(site: Site) -> Type:
    return _from(site.many(0, _entry(site)), site)


def _map_values_type(site: Site) -> Type:
    def of(member: Type) -> Type:
        match member:
            case Array():
                lengths = tuple(f for f in member.facets if f[0] != "uniqueItems")
                return Array(site.one(0, member.items), lengths)
            case Object():
                fields = {
                    name: Field(site.one(0, each.type), each.required)
                    for name, each in member.fields.items()
                }
                rest = None if member.rest is None else site.one(0, member.rest)
                return Object(fields, rest)
            case _:
                return Never()

    return join_all(map(of, members(expect(site, Array, Object))))


def _del_type(site: Site) -> Type:
    type = expect(site, Object)
    site.many(0)
    for path in _paths(site.syntax(0)):
        type = _without(type, path)
    return type


def _paths(node: Node) -> list[list[GetField]]:
    if isinstance(node, Comma):
        return [*_paths(node.left), *_paths(node.right)]
    path: list[GetField] = []
    at = node.at
    while isinstance(node, GetField):
        path.append(node)
        node = node.of
    if path and isinstance(node, Identity):
        return [path[::-1]]
    hint = "For elements, use map(select(…)); for a field whose name is computed, with_entries."
    raise Fault("X003", at, "del takes away fields that are named, as in del(.a, .b.c)", hint)


def _without(type: Type, path: list[GetField]) -> Type:
    step, *rest = path
    below = access.field(type, step.name, step.name_at)
    inner = _without(below, rest) if rest else Never()
    return join_all(_drop(member, step.name, inner) for member in members(type))


def _drop(member: Type, name: str, inner: Type) -> Type:
    if not isinstance(member, Object) or (name not in member.fields and member.rest is None):
        return member
    fields = dict(member.fields)
    known = fields.pop(name, None)
    if not isinstance(inner, Never):
        fields[name] = Field(inner, known is not None and known.required)
    elif member.rest is not None:
        fields[name] = Field(Never(), required=False)
    return replace(member, fields=fields)


# -- values


def _has(meter: Meter, value: dict[str, Any], name: str) -> bool:
    meter.spend(len(name) // 16)
    return name in value


def _keys(meter: Meter, value: dict[str, Any]) -> list[str]:
    meter.spend(2 * len(value) + weigh(value))
    return sorted(value)


def _to_entries(meter: Meter, value: dict[str, Any]) -> list[Any]:
    meter.spend(3 * len(value))
    return [{"key": name, "value": each} for name, each in value.items()]


def _from_entries(meter: Meter, entries: list[Any]) -> dict[str, Any]:
    meter.spend(len(entries) + weigh(entry["key"] for entry in entries))
    return {entry["key"]: entry["value"] for entry in entries}


def _with_entries(arguments: Sequence[Code]) -> Code:
    (body,) = arguments

    def run(value: Any, env: Env, meter: Meter) -> dict[str, Any]:
        entries: list[Any] = []
        for entry in _to_entries(meter, value):
            meter.spend(body.cost)
            entries.extend(body.many(entry, env, meter))
        return _from_entries(meter, entries)

    return Code.of_one(run, body.cost + 1)


def _map_values(arguments: Sequence[Code]) -> Code:
    (body,) = arguments
    get, cost = body.single, body.cost + 1

    def run(value: Any, env: Env, meter: Meter) -> Any:
        meter.spend(cost * len(value))
        if is_object(value):
            return {name: get(each, env, meter) for name, each in value.items()}
        return [get(each, env, meter) for each in value]

    return Code.of_one(run, cost)


def _del(arguments: Sequence[Code]) -> Code:
    paths = arguments[0].paths or ()

    def run(value: Any, env: Env, meter: Meter) -> Any:
        for path in paths:
            value = _without_path(value, path, meter)
        return value

    return Code.of_one(run, sum(map(len, paths)) + 1)


def _without_path(value: Any, path: tuple[str, ...], meter: Meter) -> Any:
    name, *rest = path
    if not is_object(value) or name not in value:
        return value
    meter.spend(len(value))
    if rest:
        return {**value, name: _without_path(value[name], tuple(rest), meter)}
    return {other: part for other, part in value.items() if other != name}


FUNCTIONS: tuple[Function, ...] = (
    on_value(
        "keys",
        "the names of the fields, in order",
        ("keys", {"b": 1, "a": 2}, ["a", "b"]),
        _keys_type,
        _keys,
    ),
    on_value_and(
        "name",
        "has",
        "whether there is a field of this name",
        ('has("a")', {"a": None}, True),
        _has_type,
        _has,
    ),
    on_value(
        "to_entries",
        "a list of {key, value}, one for each field",
        ("to_entries", {"a": 1}, [{"key": "a", "value": 1}]),
        _to_entries_type,
        _to_entries,
    ),
    on_value(
        "from_entries",
        "an object of a list of {key, value}",
        ("from_entries", [{"key": "a", "value": 1}], {"a": 1}),
        _from_entries_type,
        _from_entries,
    ),
    Function(
        "with_entries",
        ("entries",),
        "the same object, with its fields changed as {key, value}",
        ('with_entries({key: "x_\\(.key)", value: .value})', {"a": 1}, {"x_a": 1}),
        _with_entries_type,
        _with_entries,
        one,
    ),
    Function(
        "map_values",
        ("value",),
        "the same object or list, with what is given for each value in its place",
        ("map_values(. + 1)", {"a": 1}, {"a": 2}),
        _map_values_type,
        _map_values,
        one,
    ),
    Function(
        "del",
        ("fields",),
        "the object without the fields that are named",
        ("del(.a, .b.c)", {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3}}),
        _del_type,
        _del,
        one,
    ),
)
