"""Retry policies: what they say in a definition, and what they refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tasker import DefinitionError, Retry


class CardDeclined(Exception):
    pass


def test_the_defaults() -> None:
    assert Retry().to_json() == {
        "max_attempts": 3,
        "backoff": "exponential",
        "base": 1.0,
        "cap": 60.0,
        "jitter": 0.1,
        "permanent_errors": [],
    }


def test_durations_become_seconds_and_classes_become_names() -> None:
    policy = Retry(
        max_attempts=1,
        backoff="fixed",
        base=timedelta(minutes=1),
        cap="2m",
        jitter=0,
        permanent=[CardDeclined, "Refused"],
    )
    assert policy.to_json() == {
        "max_attempts": 1,
        "backoff": "fixed",
        "base": 60.0,
        "cap": 120.0,
        "jitter": 0.0,
        "permanent_errors": ["CardDeclined", "Refused"],
    }


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"max_attempts": 0}, "from 1 to 1000, not 0"),
        ({"max_attempts": 1001}, "from 1 to 1000, not 1001"),
        ({"max_attempts": 2.0}, "whole number"),
        ({"max_attempts": True}, "whole number"),
        ({"backoff": "cubic"}, "none, fixed, linear, exponential, fibonacci, not 'cubic'"),
        ({"base": "soon"}, "'soon' is no duration"),
        ({"cap": -1}, "from 0 seconds"),
        ({"base": "5m"}, "base (5m) is longer than cap (60s)"),
        ({"jitter": 1.5}, "from 0 to 1, not 1.5"),
        ({"jitter": "0.1"}, "from 0 to 1"),
        ({"permanent": "Refused"}, "must be a tuple"),
        ({"permanent": ValueError}, "must be a tuple"),
        ({"permanent": (int,)}, "no exception class"),
        ({"permanent": ("",)}, "no exception class"),
    ],
)
def test_what_is_refused(options: dict[str, Any], part: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Retry(**options)
    assert part in str(refused.value)


@pytest.mark.parametrize(
    "options", [{"max_attempts": 1}, {"max_attempts": 1000}, {"base": "60s"}, {"jitter": 1}]
)
def test_the_bounds_themselves_are_allowed(options: dict[str, Any]) -> None:
    assert Retry(**options)


def test_policies_are_values() -> None:
    assert Retry(permanent=["A"]) == Retry(permanent=("A",))
    with pytest.raises(AttributeError):
        Retry().max_attempts = 4  # type: ignore[misc]
