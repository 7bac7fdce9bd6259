"""Arithmetic as jq does it, with doubles, where that is exact about integers; and what fails. Pure.

What is computed is an `int` when it has no fraction, and stays below 2^53: beyond, jq rounds, so there it fails. Zero
keeps its sign, as a `float`, because jq shows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tasker_grammar.expressions.evaluation import DataError, SharedError
from tasker_grammar.expressions.numerals import LIMIT

__all__ = [
    "add",
    "ceil",
    "computed",
    "divide",
    "floor",
    "multiply",
    "negate",
    "remainder",
    "round",
    "subtract",
]

Numeric = int | float


def computed(value: Numeric) -> Numeric:
    """A result, as it is kept. Raises DataError where it is too large."""
    if -LIMIT < value < LIMIT:
        if isinstance(value, int):
            return value
        if value.is_integer() and (value or math.copysign(1, value) > 0):
            return int(value)
        return value
    raise DataError("DATA_ERROR", "a number is computed with that is not below 2^53")


def _within(one: Numeric, other: Numeric) -> None:
    if not (-LIMIT < one < LIMIT and -LIMIT < other < LIMIT):
        raise DataError("DATA_ERROR", "a number is computed with that is not below 2^53")


def add(one: Numeric, other: Numeric) -> Numeric:
    """one + other"""
    _within(one, other)
    return computed(one + other)


def subtract(one: Numeric, other: Numeric) -> Numeric:
    """one - other"""
    _within(one, other)
    return computed(one - other)


def multiply(one: Numeric, other: Numeric) -> Numeric:
    """one * other"""
    _within(one, other)
    product = one * other
    return computed(product if product else float(one) * other)


def divide(one: Numeric, other: Numeric) -> Numeric:
    """one / other"""
    _within(one, other)
    if not other:
        raise SharedError(f"{one} cannot be divided by zero")
    return computed(float(one) / other)


def remainder(one: Numeric, other: Numeric) -> Numeric:
    """one % other, of their whole parts; its sign is that of `one`."""
    _within(one, other)
    whole, by = int(one), abs(int(other))
    if not by:
        raise SharedError(f"{one} cannot be divided by zero: there is no remainder")
    rest = abs(whole) % by
    return -rest if whole < 0 else rest


def negate(value: Numeric) -> Numeric:
    """-value"""
    _within(value, 0)
    return computed(-float(value))


def _whole(apply: Callable[[float], float]) -> Callable[[Numeric], Numeric]:
    def whole(value: Numeric) -> Numeric:
        _within(value, 0)
        return computed(apply(float(value)))

    return whole


def _round(value: float) -> float:
    whole = math.floor(abs(value))
    return math.copysign(whole + (abs(value) - whole >= 0.5), value)


def _floor(value: float) -> float:
    return math.copysign(math.floor(value), value)


def _ceil(value: float) -> float:
    return math.copysign(math.ceil(value), value)


floor = _whole(_floor)
"""The largest integer that is not above."""
ceil = _whole(_ceil)
"""The smallest integer that is not below."""
round = _whole(_round)
"""The nearest integer; a half goes away from zero."""
