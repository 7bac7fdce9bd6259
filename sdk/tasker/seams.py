"""Where a worker meets the database and the handlers, for a test to stand in between. Touches nothing.

Each seam takes what the worker would call, once, when it is wired up, and gives what it calls from then on. A worker
that was given none pays nothing for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from tasker.binding import BoundHandler
from tasker.children import NewChild
from tasker.claimer import Exchange
from tasker.executor import Running
from tasker.grant import Grant
from tasker.outcome import Completed, Outcome

__all__ = ["CommitStep", "RunStep", "SaveStep", "Seams", "StartStepChild"]

Call = TypeVar("Call")

RunStep = Callable[[Running, BoundHandler], Awaitable[Outcome]]
"""Runs the Python handler of a granted step to its outcome."""

CommitStep = Callable[[Running, Completed], Awaitable[Outcome]]
"""Commits what a handler wrote together with its outcome."""

SaveStep = Callable[[Grant, str, bytes, bool], Awaitable[bool]]
"""Saves JSON under a name for a granted step, in place of what was there or not; whether its lease was still good."""


StartStepChild = Callable[[Grant, NewChild], Awaitable[UUID | None]]
"""Starts a child task of a granted step, or finds the one it has; None when its lease was lost."""


def _unchanged(call: Call) -> Call:
    return call


@dataclass(frozen=True, slots=True)
class Seams:
    """What stands between a worker and its calls; by default nothing."""

    exchange: Callable[[Exchange], Exchange] = _unchanged
    run: Callable[[RunStep], RunStep] = _unchanged
    save: Callable[[SaveStep], SaveStep] = _unchanged
    start: Callable[[StartStepChild], StartStepChild] = _unchanged
    commit: Callable[[CommitStep], CommitStep] = _unchanged
