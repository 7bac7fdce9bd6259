"""Durations as people write them: 30, 0.5, "30s", "1h30m", timedelta(minutes=5). Pure."""

from __future__ import annotations

import math
import re
from datetime import timedelta

__all__ = ["LONGEST", "Duration", "to_seconds"]

Duration = float | str | timedelta
"""Seconds, a text of numbers with units (ms, s, m, h, d), or a timedelta."""

LONGEST = 315_360_000.0
"""The longest duration that the database keeps, in seconds: ten years."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TEXT = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def to_seconds(duration: Duration) -> float:
    """In seconds. A `ValueError` when it is no duration, is negative, or exceeds ten years."""
    seconds = _measure(duration)
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"a duration must be from 0 seconds to ten years, not {duration!r}")
    return seconds


def _measure(duration: object) -> float:
    match duration:
        case bool():
            pass
        case int() | float():
            return float(duration) if abs(duration) <= LONGEST else math.inf
        case timedelta():
            return duration.total_seconds()
        case str() if _TEXT.fullmatch(text := duration.replace(" ", "")):
            return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        case _:
            pass
    raise ValueError(
        f'{duration!r} is no duration: write seconds, a text like "30s" or "1h30m", or a timedelta'
    )
