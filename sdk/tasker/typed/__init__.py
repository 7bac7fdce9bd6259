"""Compositions in Python, held by a type checker: steps from one type to another, put together with `>>`.

    fetch = acquire(Endpoint("orders", params=OrderRef, result=Order))
    save = persist(Table("totals", Total, key=("id",)))
    totals = composition("totals", fetch >> transform(Order, Total, "{id, cents: .total}") >> save)

What does not fit is refused three times: by pyright or mypy, where it is written; by `>>`, when it is imported; and as
every composition, by the worker that runs it, against the resources that are really there. In expressions, `.` is what
the step is given.
"""

from __future__ import annotations

from tasker.typed.composing import composition
from tasker.typed.outside import Endpoint, Event, Table
from tasker.typed.step import Step
from tasker.typed.steps import (
    acquire,
    assert_that,
    both,
    emit,
    fan_out,
    gate,
    partition,
    persist,
    persist_all,
    same,
    transform,
    validate,
    wait,
)
from tasker.typed.values import Both, Invalid, Parted, Saved, Sent

__all__ = [
    "Both",
    "Endpoint",
    "Event",
    "Invalid",
    "Parted",
    "Saved",
    "Sent",
    "Step",
    "Table",
    "acquire",
    "assert_that",
    "both",
    "composition",
    "emit",
    "fan_out",
    "gate",
    "partition",
    "persist",
    "persist_all",
    "same",
    "transform",
    "validate",
    "wait",
]
