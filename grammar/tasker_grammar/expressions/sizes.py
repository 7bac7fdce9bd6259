"""How large a value is, as JSON. Parts that are shared count each time: that is how they are written. Pure."""

from __future__ import annotations

from typing import Any

from tasker_grammar.expressions.evaluation import DataError
from tasker_grammar.expressions.kinds import is_list, is_object

__all__ = ["hold_size"]


def hold_size(value: Any, most: int) -> None:
    """Raises DataError where the value has more nodes than may be; each 16 characters of a text count as one."""
    left = _rest(value, most)
    if left < 0:
        raise DataError("OVER_BUDGET", f"the expression gives more than {most} nodes of JSON")


def _rest(value: Any, left: int) -> int:
    left -= 1
    if isinstance(value, str):
        return left - len(value) // 16
    if is_list(value):
        return _rest_of(value, left)
    if is_object(value):
        return _rest_of(value.values(), left - sum(len(name) // 16 for name in value))
    return left


def _rest_of(parts: Any, left: int) -> int:
    for part in parts:
        if left < 0:
            break
        left = _rest(part, left)
    return left
