"""How many values a part of an expression gives. Pure."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Count"]


class Count(IntEnum):
    """Ordered: of two parts one behind the other, the larger holds."""

    ONE = 0
    AT_MOST_ONE = 1
    MANY = 2

    @property
    def words(self) -> str:
        """As findings say it."""
        return ("one value", "one value or none", "any number of values")[self]
