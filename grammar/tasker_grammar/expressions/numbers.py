"""Arithmetic as jq does it, with doubles, where that is exact about integers; and what fails. Pure.

What is computed is an `int` when it has no fraction, and stays below 2^53: beyond, jq rounds, so there it fails. Zero
has no sign, though jq writes some zeros as `-0`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tasker_grammar.expressions.evaluation import DataError
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
        return int(value) if value == value // 1 else value
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
    return computed(one * other)


def divide(one: Numeric, other: Numeric) -> Numeric:
    """one / other"""
    _within(one, other)
    if not other:
        raise DataError("DATA_ERROR", f"{one} cannot be divided by zero")
    return computed(float(one) / other)


def remainder(one: Numeric, other: Numeric) -> Numeric:
    """one % other, of their whole parts; its sign is that of `one`."""
    _within(one, other)
    whole, by = int(one), abs(int(other))
    if not by:
        raise DataError("DATA_ERROR", f"{one} cannot be divided by zero: there is no remainder")
    rest = abs(whole) % by
    return -rest if whole < 0 else rest


def negate(value: Numeric) -> Numeric:
    """-value"""
    _within(value, 0)
    return 0 - value  # not computed: jq keeps how a number was written, `3.0` becomes `-3.0`


def _whole(apply: Callable[[Numeric], Numeric]) -> Callable[[Numeric], Numeric]:
    def whole(value: Numeric) -> Numeric:
        _within(value, 0)
        return computed(apply(value))

    return whole


def _round(value: Numeric) -> Numeric:
    whole = math.floor(abs(value))
    nearest = whole + (abs(value) - whole >= 0.5)
    return nearest if value > 0 else -nearest


floor = _whole(math.floor)
"""The largest integer that is not above."""
ceil = _whole(math.ceil)
"""The smallest integer that is not below."""
round = _whole(_round)
"""The nearest integer; a half goes away from zero."""
