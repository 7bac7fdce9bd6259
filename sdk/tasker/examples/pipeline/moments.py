"""Moments of pairs of numbers, which can be put together from parts. Pure.

Kept as means and sums of squared deviations from them (Welford; Chan, Golub, LeVeque), which lose
no digits where plain sums of squares would.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce

from pydantic import BaseModel

__all__ = ["Moments", "merge"]


class Moments(BaseModel):
    """Count, means, and sums of squared deviations and of their products, of pairs (x, y)."""

    count: int = 0
    mean_x: float = 0.0
    mean_y: float = 0.0
    squares_x: float = 0.0
    squares_y: float = 0.0
    products: float = 0.0

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Moments:
        """Take the moments of some pairs."""
        return merge(cls(count=1, mean_x=x, mean_y=y) for x, y in pairs)

    @property
    def correlation(self) -> float:
        """Pearson's r: -1 to 1; not a number where either side does not vary."""
        spread = math.sqrt(self.squares_x * self.squares_y)
        return self.products / spread if spread else math.nan


def merge(parts: Iterable[Moments]) -> Moments:
    """Give the moments of everything that the parts are moments of."""
    return reduce(_merge_two, parts, Moments())


def _merge_two(a: Moments, b: Moments) -> Moments:
    count = a.count + b.count
    if count == 0:
        return a
    dx, dy = b.mean_x - a.mean_x, b.mean_y - a.mean_y
    weight = a.count * b.count / count
    return Moments(
        count=count,
        mean_x=a.mean_x + dx * b.count / count,
        mean_y=a.mean_y + dy * b.count / count,
        squares_x=a.squares_x + b.squares_x + dx * dx * weight,
        squares_y=a.squares_y + b.squares_y + dy * dy * weight,
        products=a.products + b.products + dx * dy * weight,
    )
