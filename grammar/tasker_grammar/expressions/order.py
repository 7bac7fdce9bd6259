"""How jq orders and compares values: null, false, true, numbers, texts, lists, objects. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tasker_grammar.expressions.evaluation import Meter, weigh
from tasker_grammar.expressions.kinds import is_list
from tasker_grammar.expressions.numerals import LIMIT

__all__ = ["equal", "key"]

Key = tuple[Any, ...]


def key(value: Any, meter: Meter) -> Key:
    """Keys compare as their values do, and are equal where those are. Costs a step for each part of the value."""
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return (2,) if value else (1,)
    if isinstance(value, int | float):
        return 3, value if -LIMIT < value < LIMIT else Decimal(repr(value))
    if isinstance(value, str):
        meter.spend(len(value) // 16)
        return 4, value
    if is_list(value):
        meter.spend(3 * len(value) + 1)
        return 5, tuple(key(item, meter) for item in value)
    meter.spend(4 * len(value) + 1 + weigh(value))
    names = tuple(sorted(value))
    return 6, names, tuple(key(value[name], meter) for name in names)


def equal(one: Any, other: Any, meter: Meter) -> bool:
    """Whether they are the same JSON; 1 and 1.0 are."""
    if one is None or one.__class__ is bool or other is None or other.__class__ is bool:
        return one is other
    if one.__class__ is str and other.__class__ is str:
        if len(one) == len(other):  # else that is seen at once
            meter.spend(len(one) // 16)
        return one == other
    return key(one, meter) == key(other, meter)
