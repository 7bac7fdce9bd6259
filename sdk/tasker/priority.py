"""The five classes of priority. Pure."""

from __future__ import annotations

from typing import Literal, get_args

from tasker.errors import InvalidInputError

__all__ = ["PRIORITIES", "Priority", "priority_name", "priority_number"]

Priority = Literal["lowest", "low", "normal", "high", "highest"]

PRIORITIES: tuple[Priority, ...] = get_args(Priority)


def priority_number(priority: Priority) -> int:
    """How the database has it: from -2 (lowest) to 2 (highest). Raises InvalidInputError."""
    if priority not in PRIORITIES:
        raise InvalidInputError(
            f"a priority must be one of {', '.join(PRIORITIES)}, not {priority!r}"
        )
    return PRIORITIES.index(priority) - 2


def priority_name(number: int) -> Priority:
    """The name of what the database has."""
    return PRIORITIES[number + 2]
