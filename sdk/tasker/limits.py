"""Limits: how much goes on at once, or in a time, and in whose turn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from tasker.durations import Duration, to_seconds
from tasker.errors import DefinitionError
from tasker.names import find_name_fault

__all__ = ["ANY", "LONGEST", "MOST", "SHORTEST", "STEPS", "Limit", "Unit", "find_limits_fault"]

Unit = Literal["step", "task"]

STEPS: tuple[Unit, ...] = ("step",)
"""What a step's limits may count."""
ANY: tuple[Unit, ...] = get_args(Unit)
"""What a workflow's limits may count."""

MOST = 1_000_000
"""The highest concurrency, and the most starts of a rate."""
SHORTEST, LONGEST = 0.001, 86_400.0
"""Within what the period of a rate must be, in seconds."""
_MOST_LIMITS = 8
_LONGEST_KEY = 500
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """What a workflow, or a step of it, comes under.

    At most `concurrency` run at once, and at most `rate` start in any `period`, for each key. What
    is counted is attempts of steps or, with `unit` "task", tasks: a task has its place from its
    first step on until nothing of it runs or waits, and only a workflow can have such a limit, not
    a step. `key` is a JSON path in the task's input, such as `$.tenant`, where `$item` is a batch
    worker's item and `$context` the task's context; None: all have one key. Keys always take
    turns; a limit that has just a key does nothing else.

    A limit belongs to a namespace and is shared by all that name it: the last version to be
    registered says its numbers, and operators can change them. `name`: None is the workflow's, or
    `workflow.step`.

    Raises `DefinitionError` when a value is out of bounds.
    """

    name: str | None = None
    key: str | None = None
    concurrency: int | None = None
    rate: int | None = None
    period: Duration = "1s"
    unit: Unit = "step"

    def __post_init__(self) -> None:
        fault = _find_fault(self)
        if fault is not None:
            raise DefinitionError(f"Limit: {fault}")

    def to_json(self) -> dict[str, Any]:
        """The limit as a template's definition holds it; the period is seconds."""
        return {
            "name": self.name,
            "key": self.key,
            "unit": self.unit,
            "concurrency": self.concurrency,
            "rate": self.rate,
            "period": None if self.rate is None else to_seconds(self.period),
        }


def find_limits_fault(limits: Sequence[Limit], units: Sequence[Unit]) -> str | None:
    """What is wrong with limits that stand together; None when nothing is. `units`: what they may count."""
    given = cast("object", limits)
    if isinstance(given, str | Limit) or any(
        not isinstance(each, Limit) for each in cast("Sequence[object]", limits)
    ):
        return f"limits must be a list, as limits=[Limit(...)], not {given!r}"
    if len(limits) > _MOST_LIMITS:
        return f"there are {len(limits)} limits; {_MOST_LIMITS} are allowed"
    if any(limit.unit not in units for limit in limits):
        return "a limit that counts tasks belongs to the workflow: a task has its place to its end"
    names = [limit.name for limit in limits]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        return (
            f"two limits are named {twice[0]}"
            if twice[0]
            else "of several limits each needs a name"
        )
    return None


def _find_fault(limit: Limit) -> str | None:
    if limit.name is not None and (fault := find_name_fault(limit.name, _LONGEST_NAME)) is not None:
        return f"name is {limit.name!r}; it {fault}"
    for name, value in (("concurrency", limit.concurrency), ("rate", limit.rate)):
        number = cast("object", value)
        if number is not None and not (type(number) is int and 1 <= number <= MOST):
            return f"{name} is {number!r}; it must be None, or 1 to {MOST:,}"
    if limit.unit not in ANY:
        return f"unit is {limit.unit!r}; it must be one of {', '.join(ANY)}"
    key = cast("object", limit.key)
    if key is not None and not (isinstance(key, str) and len(key) <= _LONGEST_KEY and "$" in key):
        return f"key is {key!r}; it must be a JSON path in the task's input, like $.tenant"
    if limit.unit == "task" and "$item" in (limit.key or ""):
        return "key must not name $item where tasks are counted: a task has one place"
    if limit.concurrency is None and limit.rate is None and key is None:
        return "it limits nothing: give it a concurrency, a rate or a key"
    try:
        seconds = to_seconds(limit.period)
    except ValueError as error:
        return str(error)
    return (
        None
        if SHORTEST <= seconds <= LONGEST
        else f"period is {limit.period!r}; it must be 1 ms to a day"
    )
