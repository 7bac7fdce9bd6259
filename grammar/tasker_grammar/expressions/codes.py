"""What an expression is compiled to: closures. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasker_grammar.expressions.counts import MANY, ONE, Count
from tasker_grammar.expressions.evaluation import Meter

__all__ = ["Code", "Env", "Many", "One"]

Env = tuple[Any, ...]
"""The values of the variables, outermost first."""

One = Callable[[Any, Env, Meter], Any]
"""From `.`, the variables and the meter to the value."""

Many = Callable[[Any, Env, Meter], Iterator[Any]]
"""From the same to the values, lazily."""


Paths = tuple[tuple[str, ...], ...] | None
"""For each path to a field, the names on it."""


@dataclass(frozen=True, slots=True)
class Code:
    """A part of an expression, compiled. `one` is there where it gives exactly one value; `many` always is.

    `cost`: what running it takes, but for what it loops over. `count`: how many values it gives. `paths`: where it is
    no more than paths to fields, these.
    """

    many: Many
    one: One | None
    cost: int
    count: Count
    paths: Paths = None

    @property
    def single(self) -> One:
        """The only value, where the check has made sure that there is one, by the syntax or by the types."""
        many = self.many
        return self.one or (lambda value, env, meter: next(many(value, env, meter)))

    @classmethod
    def of_one(cls, one: One, cost: int, paths: Paths = None) -> Code:
        """The code of what gives exactly one value."""

        def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
            yield one(value, env, meter)

        return cls(many, one, cost, ONE, paths)

    @classmethod
    def of_many(cls, many: Many, cost: int, count: Count = MANY) -> Code:
        """The code of what gives its values one after the other."""

        def one(value: Any, env: Env, meter: Meter) -> Any:
            return next(many(value, env, meter))

        return cls(many, one if count == ONE else None, cost, count)
