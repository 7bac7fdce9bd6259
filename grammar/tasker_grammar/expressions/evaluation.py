"""What one evaluation may use, and how it fails. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Budget", "DataError", "Meter", "weigh"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may use: steps of work, and the nodes of the JSON that it gives."""

    work: int = 1_000_000
    size: int = 200_000


class DataError(Exception):
    """An evaluation that came to no value, though the expression is sound: `code` is DATA_ERROR or OVER_BUDGET."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Meter:
    """Counts the work of one evaluation down. A step is about what it takes to look at one value."""

    __slots__ = ("left",)

    def __init__(self, work: int) -> None:
        self.left = work

    def spend(self, steps: int) -> None:
        """Raises DataError when no more may be done."""
        self.left -= steps
        if self.left < 0:
            raise DataError("OVER_BUDGET", "the expression takes more work than it may")


def weigh(texts: Iterable[str]) -> int:
    """The steps of work that it takes to go through texts: one for each 16 characters."""
    return sum(map(len, texts)) // 16
