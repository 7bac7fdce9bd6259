"""Functions on lists; those that only go through them take objects too, for their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tasker_grammar.expressions import access, arithmetic, numbers
from tasker_grammar.expressions.codes import Code, Env
from tasker_grammar.expressions.evaluation import Meter, weigh
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.kinds import is_list, is_object, is_true
from tasker_grammar.expressions.library.interface import (
    Function,
    Site,
    expect,
    items_of,
    length_of,
    on_value,
    on_value_and,
    one,
)
from tasker_grammar.expressions.library.ordering import one_of_type, same_type
from tasker_grammar.expressions.syntax import Literal
from tasker_grammar.type_algebra import join, may_be, members, optional
from tasker_grammar.types import (
    Array,
    Boolean,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
)

__all__ = ["FUNCTIONS"]


def _values(container: Any) -> Any:
    return container.values() if is_object(container) else container


# -- types


def _map_type(site: Site) -> Type:
    items = access.every(site.given, site.at)
    values = site.many(0, items)
    return Array(values, length_of(site.given).times(site.count(0)).facets)


def _length_type(site: Site) -> Type:
    expect(site, String, Array, Object, Null)
    return Number(integer=True, facets=(("minimum", 0),))


def _add_type(site: Site, items: Type, least: int) -> Type:
    total = arithmetic.compute("+", items, items, site.at)
    if may_be(items, Number):
        site.fail()
    total = join(total, items)
    return total if least else optional(total)


def _add_values_type(site: Site) -> Type:
    return _add_type(site, access.every(site.given, site.at), length_of(site.given).least)


def _add_each_type(site: Site) -> Type:
    values = site.many(0)
    return _add_type(site, values, site.count(0).least)


def _any_type(site: Site) -> Type:
    access.every(site.given, site.at)
    return Boolean()


def _any_by_type(site: Site) -> Type:
    site.one(0, access.every(site.given, site.at))
    return Boolean()


def _flatten_type(site: Site) -> Type:
    depth = 1_000
    if site.arity:
        node = site.syntax(0)
        if not (isinstance(node, Literal) and type(node.value) is int and node.value >= 0):
            raise Fault(
                "X103", node.at, "how deep is written as a number", "Write it as in flatten(1)."
            )
        site.one(0)
        depth = node.value
    return Array(_flat(items_of(site), depth))


def _flat(items: Type, depth: int) -> Type:
    flat: Type = Never()
    for member in members(items):
        if isinstance(member, Array) and depth > 0:
            member = _flat(member.items, depth - 1)
        flat = join(flat, member)
    return flat


# -- values


def _length(meter: Meter, value: Any) -> int:
    return 0 if value is None else len(value)


def _map(arguments: Sequence[Code]) -> Code:
    (body,) = arguments
    cost = body.cost + 1
    if body.one is not None:
        get = body.one

        def map_one(value: Any, env: Env, meter: Meter) -> list[Any]:
            items = _values(value)
            meter.spend(cost * len(items))
            return [get(item, env, meter) for item in items]

        return Code.of_one(map_one, cost)

    def map_many(value: Any, env: Env, meter: Meter) -> list[Any]:
        found: list[Any] = []
        for item in _values(value):
            meter.spend(cost)
            found.extend(body.many(item, env, meter))
        return found

    return Code.of_one(map_many, cost)


def _sum(values: Iterator[Any], meter: Meter) -> Any:
    first = next(values, None)
    if is_list(first):
        return _concatenate([first, *values], meter)
    if is_object(first):
        return _overlay([first, *values], meter)
    if isinstance(first, str):
        return _write_together([first, *values], meter)
    total: Any = first
    for value in values:
        total = numbers.add(total, value)
    return total


def _write_together(texts: list[str], meter: Meter) -> str:
    meter.spend(sum(len(text) // 16 + 1 for text in texts))
    return "".join(texts)


def _overlay(objects: list[dict[str, Any]], meter: Meter) -> dict[str, Any]:
    meter.spend(sum(len(each) + weigh(each) for each in objects))
    return {name: value for each in objects for name, value in each.items()}


def _concatenate(lists: list[list[Any]], meter: Meter) -> list[Any]:
    meter.spend(sum(map(len, lists)))
    return [item for each in lists for item in each]


def _add_values(meter: Meter, container: Any) -> Any:
    meter.spend(len(container))
    return _sum(iter(_values(container)), meter)


def _add_each(arguments: Sequence[Code]) -> Code:
    (values,) = arguments
    return Code.of_one(
        lambda value, env, meter: _sum(values.many(value, env, meter), meter), values.cost + 1
    )


def _quantify(stops: bool) -> Callable[[Sequence[Code]], Code]:
    """`any` where it stops at true, `all` where it stops at false."""

    def build(arguments: Sequence[Code]) -> Code:
        if not arguments:
            return Code.of_one(lambda value, env, meter: _stop(_values(value), stops, meter), 1)
        get, cost = arguments[0].single, arguments[0].cost + 1

        def run(value: Any, env: Env, meter: Meter) -> bool:
            for item in _values(value):
                meter.spend(cost)
                if is_true(get(item, env, meter)) is stops:
                    return stops
            return not stops

        return Code.of_one(run, cost)

    return build


def _stop(values: Any, stops: bool, meter: Meter) -> bool:
    meter.spend(len(values))
    found = any(is_true(value) is stops for value in values)
    return found is stops


def _flatten(meter: Meter, items: list[Any], depth: int = 1_000) -> list[Any]:
    meter.spend(len(items) + 1)
    flat: list[Any] = []
    for item in items:
        if is_list(item) and depth > 0:
            flat.extend(_flatten(meter, item, depth - 1))
        else:
            flat.append(item)
    return flat


def _at(place: int) -> Callable[[Meter, list[Any]], Any]:
    return lambda meter, items: items[place] if items else None


def _reverse(meter: Meter, items: list[Any]) -> list[Any]:
    meter.spend(len(items))
    return items[::-1]


def _quantifier(
    name: str, which: str, examples: tuple[tuple[str, Any, Any], tuple[str, Any, Any]]
) -> Iterator[Function]:
    build = _quantify(name == "any")
    summary = f"whether {which} element is true"
    yield Function(name, (), summary, examples[0], _any_type, build, one)
    summary = f"whether the condition holds for {which} element"
    yield Function(name, ("condition",), summary, examples[1], _any_by_type, build, one)


_PAIRS: list[Any] = [{"a": 2}, {"a": 1}, {"a": 2}]

FUNCTIONS: tuple[Function, ...] = (
    Function(
        "map",
        ("values",),
        "the list of what is given for each element",
        ("map(. * 2)", [1, 2], [2, 4]),
        _map_type,
        _map,
        one,
    ),
    on_value(
        "length",
        "how many elements, fields or characters there are; of null 0",
        ("length", "añb", 3),
        _length_type,
        _length,
    ),
    on_value(
        "add",
        "the elements added up; null where there are none",
        ("add", [1, 2, 3], 6),
        _add_values_type,
        _add_values,
    ),
    Function(
        "add",
        ("values",),
        "the values added up; null where there are none",
        ("add(.[].a)", _PAIRS, 5),
        _add_each_type,
        _add_each,
        one,
        reads_input=False,
        arguments_see_input=True,
    ),
    *_quantifier("any", "some", (("any", [None, 1], True), ("any(. > 1)", [1, 2], True))),
    *_quantifier("all", "every", (("all", [], True), ("all(. > 1)", [1, 2], False))),
    on_value(
        "reverse",
        "the list from its end",
        ("reverse", [1, 2], [2, 1]),
        same_type,
        _reverse,
    ),
    *(
        on_value(
            name,
            f"the {name} element; null where there are none",
            (name, [1, 2], value),
            one_of_type,
            _at(place),
        )
        for name, place, value in (("first", 0, 1), ("last", -1, 2))
    ),
    on_value(
        "flatten",
        "the elements of the list, and of all lists in it",
        ("flatten", [1, [2, [3]]], [1, 2, 3]),
        _flatten_type,
        _flatten,
    ),
    on_value_and(
        "depth",
        "flatten",
        "the same, so many levels deep",
        ("flatten(1)", [1, [2, [3]]], [1, 2, [3]]),
        _flatten_type,
        _flatten,
    ),
)
