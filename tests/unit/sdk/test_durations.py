"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasker.durations import LONGEST, to_seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (30, 30.0),
        (0.25, 0.25),
        ("500ms", 0.5),
        ("30s", 30.0),
        ("1.5m", 90.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("2d", 172_800.0),
        (timedelta(minutes=2, milliseconds=5), 120.005),
        ("3650d", LONGEST),
    ],
)
def test_what_is_a_duration(written: Any, seconds: float) -> None:
    assert to_seconds(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written",
    ["", "30", "s", "-1s", "1 fortnight", "1s!", -1, float("nan"), float("inf"), True, None, [30]],
)
def test_what_is_none(written: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        to_seconds(written)


@pytest.mark.parametrize("written", [timedelta(seconds=-1), "3651d", LONGEST + 1, 10**400])
def test_bounds_are_told(written: Any) -> None:
    with pytest.raises(ValueError, match="from 0 seconds to ten years"):
        to_seconds(written)
