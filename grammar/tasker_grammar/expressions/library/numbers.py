"""Functions on numbers."""

from __future__ import annotations

from typing import Any

from tasker_grammar.expressions import numbers
from tasker_grammar.expressions.evaluation import Meter
from tasker_grammar.expressions.library.interface import Function, Site, expect, on_value
from tasker_grammar.type_algebra import join_all, members
from tasker_grammar.types import Number, Type

__all__ = ["FUNCTIONS"]


def _whole(site: Site) -> Type:
    expect(site, Number)
    site.fail()
    return Number(integer=True)


def _abs_type(site: Site) -> Type:
    given = expect(site, Number)
    site.fail()
    return join_all(Number(m.integer) for m in members(given) if isinstance(m, Number))


def _abs(meter: Meter, value: Any) -> Any:
    return numbers.negate(value) if value < 0 else value


FUNCTIONS: tuple[Function, ...] = (
    on_value(
        "floor",
        "the largest integer that is not above",
        ("floor", -1.5, -2),
        _whole,
        lambda meter, value: numbers.floor(value),
    ),
    on_value(
        "ceil",
        "the smallest integer that is not below",
        ("ceil", 1.2, 2),
        _whole,
        lambda meter, value: numbers.ceil(value),
    ),
    on_value(
        "round",
        "the nearest integer; halves go away from zero",
        ("round", 2.5, 3),
        _whole,
        lambda meter, value: numbers.round(value),
    ),
    on_value("abs", "the number without its sign", ("abs", -5, 5), _abs_type, _abs),
)
