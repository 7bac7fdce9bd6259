"""What operators and paths do with values. Pure.

All take the meter first. The check has made sure of the types, so what is left to decide is the kind at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasker_grammar.expressions import numbers
from tasker_grammar.expressions.evaluation import Meter, weigh
from tasker_grammar.expressions.kinds import is_list, is_object
from tasker_grammar.expressions.order import equal, key

__all__ = ["BINARY", "field", "index", "negate", "part", "split"]


def field(meter: Meter, value: Any, name: str) -> Any:
    """`value.name`; null where there is none."""
    return None if value is None else value.get(name)


def index(meter: Meter, value: Any, place: Any) -> Any:
    """`value[place]`: a field or an element; null where there is none."""
    if value is None:
        return None
    if isinstance(place, str):
        meter.spend(len(place) // 16)
        return value.get(place)
    at = int(place)
    if at < 0:
        at += len(value)
    return value[at] if 0 <= at < len(value) else None


def part(meter: Meter, value: Any, start: Any, end: Any) -> Any:
    """`value[start:end]`"""
    if value is None:
        return None
    found = value[None if start is None else int(start) : None if end is None else int(end)]
    meter.spend(len(found) // 16 if isinstance(found, str) else len(found))
    return found


def negate(meter: Meter, value: Any) -> Any:
    """`-value`"""
    return numbers.negate(value)


def split(meter: Meter, text: str, by: str) -> list[str]:
    """The pieces between `by`; each character where that is empty."""
    meter.spend(len(text) + 1)
    if not text:
        return []
    return text.split(by) if by else list(text)


def _add(meter: Meter, one: Any, other: Any) -> Any:
    if isinstance(one, str):
        meter.spend((len(one) + len(other)) // 16)
        return one + other
    if is_list(one):
        meter.spend(len(one) + len(other))
        return [*one, *other]
    if is_object(one):
        meter.spend(len(one) + len(other) + weigh(other))
        return {**one, **other}
    return numbers.add(one, other)


def _subtract(meter: Meter, one: Any, other: Any) -> Any:
    if is_list(one):
        meter.spend(2 * (len(one) + len(other)))
        unwanted = {key(item, meter) for item in other}
        return [item for item in one if key(item, meter) not in unwanted]
    return numbers.subtract(one, other)


def _multiply(meter: Meter, one: Any, other: Any) -> Any:
    return _merge(meter, one, other) if is_object(one) else numbers.multiply(one, other)


def _merge(meter: Meter, under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    meter.spend(len(under) + len(over) + weigh(over))
    merged = dict(under)
    for name, value in over.items():
        below = under.get(name)
        if is_object(below) and is_object(value):
            merged[name] = _merge(meter, below, value)
        else:
            merged[name] = value
    return merged


def _divide(meter: Meter, one: Any, other: Any) -> Any:
    return split(meter, one, other) if isinstance(one, str) else numbers.divide(one, other)


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Meter, Any, Any], bool]:
    def apply(meter: Meter, one: Any, other: Any) -> bool:
        return compare(key(one, meter), key(other, meter))

    return apply


BINARY: dict[str, Callable[[Meter, Any, Any], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": lambda meter, one, other: numbers.remainder(one, other),
    "==": lambda meter, one, other: equal(one, other, meter),
    "!=": lambda meter, one, other: not equal(one, other, meter),
    "<": _compared(lambda one, other: one < other),
    "<=": _compared(lambda one, other: one <= other),
    ">": _compared(lambda one, other: one > other),
    ">=": _compared(lambda one, other: one >= other),
}
"""By the operator, what it does."""
