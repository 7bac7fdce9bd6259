"""Evaluates the expressions of a run: what is little is done at once, what is more beside the event loop. Pure.

How much an evaluation is shows itself: it begins with a small budget, and only where that does not do, it is made again
with all that it may use, wherever long computing goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from tasker_grammar.expressions import Budget, DataError, Expression
from tasker_grammar.world import Compute

__all__ = ["evaluate"]

_AT_ONCE = Budget(work=5_000, size=5_000)  # some milliseconds
_WHOLE = Budget()


async def evaluate(expression: Expression, given: Mapping[str, Any], compute: Compute) -> Any:
    """What the expression gives. Raises DataError."""
    try:
        return expression.evaluate(given, _AT_ONCE)
    except DataError as error:
        if error.code != "OVER_BUDGET":
            raise
    return await compute(partial(expression.evaluate, given, _WHOLE))
