"""Functions on lists that put the elements in an order, or choose by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from tasker_grammar.expressions.codes import Code, Env
from tasker_grammar.expressions.counts import Count
from tasker_grammar.expressions.evaluation import Meter
from tasker_grammar.expressions.library.interface import (
    Function,
    Infer,
    Site,
    items_of,
    length_of,
    one,
)
from tasker_grammar.expressions.order import key
from tasker_grammar.type_algebra import optional
from tasker_grammar.types import Array, Type

__all__ = ["FUNCTIONS", "one_of_type", "same_type"]


# -- types


def same_type(site: Site) -> Type:
    """A list of as many of the same."""
    return Array(items_of(site), length_of(site.given).facets)


def _same_by_type(site: Site) -> Type:
    items = items_of(site)
    site.one(0, items)
    return Array(items, length_of(site.given).facets)


def _fewer_type(site: Site) -> Type:
    length = length_of(site.given)
    return Array(items_of(site), Count(min(1, length.least), length.most).facets)


def _fewer_by_type(site: Site) -> Type:
    type = _fewer_type(site)
    site.one(0, items_of(site))
    return type


def _groups_type(site: Site) -> Type:
    items = items_of(site)
    site.one(0, items)
    length = length_of(site.given)
    groups = Count(min(1, length.least), length.most)
    return Array(Array(items, Count(1, length.most).facets), groups.facets)


def one_of_type(site: Site) -> Type:
    """An element, or null where there may be none."""
    items = items_of(site)
    return items if length_of(site.given).least else optional(items)


def _one_of_by_type(site: Site) -> Type:
    site.one(0, items_of(site))
    return one_of_type(site)


# -- values


Apply = Callable[[list[Any], list[Any]], Any]
"""From the elements and a key for each."""


def _by_key(apply: Apply) -> Callable[[Sequence[Code]], Code]:
    """A function that orders: by the elements themselves, or by what its argument gives for each."""

    def build(arguments: Sequence[Code]) -> Code:
        get = arguments[0].single if arguments else None
        cost = 4 + sum(argument.cost for argument in arguments)

        def run(value: Any, env: Env, meter: Meter) -> Any:
            meter.spend(cost * len(value))
            found = value if get is None else [get(item, env, meter) for item in value]
            return apply(value, [key(each, meter) for each in found])

        return Code.of_one(run, cost)

    return build


def _order(keys: list[Any]) -> list[int]:
    return sorted(range(len(keys)), key=keys.__getitem__)


def _sort(items: list[Any], keys: list[Any]) -> list[Any]:
    return [items[index] for index in _order(keys)]


def _group(items: list[Any], keys: list[Any]) -> list[list[Any]]:
    groups = groupby(_order(keys), key=keys.__getitem__)
    return [[items[index] for index in group] for _, group in groups]


def _unique(items: list[Any], keys: list[Any]) -> list[Any]:
    return [group[0] for group in _group(items, keys)]


def _min(items: list[Any], keys: list[Any]) -> Any:
    return items[min(range(len(keys)), key=keys.__getitem__)] if items else None


def _max(items: list[Any], keys: list[Any]) -> Any:
    """The last of those that are largest, as in jq."""
    return items[max(reversed(range(len(keys))), key=keys.__getitem__)] if items else None


def _ordering(
    name: str,
    plain: tuple[str, Infer],
    by: tuple[str, Infer],
    apply: Apply,
    *examples: tuple[str, Any, Any],
) -> Iterator[Function]:
    """A function that orders, in both its forms."""
    yield Function(name, (), plain[0], examples[0], plain[1], _by_key(apply), one)
    yield _by(f"{name}_by", by[0], examples[1], by[1], apply)


def _by(
    name: str,
    summary: str,
    example: tuple[str, Any, Any],
    infer: Infer,
    apply: Apply,
) -> Function:
    return Function(name, ("key",), summary, example, infer, _by_key(apply), one)


_PAIRS: list[Any] = [{"a": 2}, {"a": 1}, {"a": 2}]

FUNCTIONS: tuple[Function, ...] = (
    *_ordering(
        "sort",
        ("the list in order: null, false, true, numbers, texts, lists, objects", same_type),
        ("the list in the order of a key", _same_by_type),
        _sort,
        ("sort", [3, "a", 1, None], [None, 1, 3, "a"]),
        ("sort_by(.a)", _PAIRS, [{"a": 1}, {"a": 2}, {"a": 2}]),
    ),
    *_ordering(
        "unique",
        ("the list in order, with each element once", _fewer_type),
        ("the list in the order of a key, with the first element for each", _fewer_by_type),
        _unique,
        ("unique", [2, 1, 2], [1, 2]),
        ("unique_by(.a)", _PAIRS, [{"a": 1}, {"a": 2}]),
    ),
    *_ordering(
        "min",
        ("the smallest element; null where there are none", one_of_type),
        ("the element with the smallest key; null where there are none", _one_of_by_type),
        _min,
        ("min", [2, 1], 1),
        ("min_by(.a)", _PAIRS, {"a": 1}),
    ),
    *_ordering(
        "max",
        ("the largest element; null where there are none", one_of_type),
        ("the element with the largest key; null where there are none", _one_of_by_type),
        _max,
        ("max", [2, 1], 2),
        ("max_by(.a)", _PAIRS, {"a": 2}),
    ),
    _by(
        "group_by",
        "lists of the elements with the same key, in its order",
        ("group_by(.a)", _PAIRS, [[{"a": 1}], [{"a": 2}, {"a": 2}]]),
        _groups_type,
        _group,
    ),
)
