"""What people write by hand, as nobody should: filters, durations, times of schedules, keys of limits. A value, or an
error of its own that says what is wrong; nothing else, and soon.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import islice
from random import Random
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st
from tests.fuzz import hostile
from tests.fuzz.scale import bounded

from tasker.durations import LONGEST, to_seconds
from tasker.errors import TaskerError
from tasker.filters import parse_filter, serialize_filter
from tasker_orchestration.fire_times import SpecError, find_fires

TERMS = (
    "state=error", "template=shop/order", "tag=vip,x", "created>2d", "created<2030-01-31T12:00:00Z", 'error~"no money"',
    "failed=charge", "priority=high,-2", "started>1h30m", 'message="a\\"b"', "parent=0", "==", "~", '"', "\\", ",", "<",
    " ", "\n", "created>99999999999999d", "created<9999-12-31", "created>0001-01-01", "tag=",
)  # fmt: skip
CRON = (
    "*",
    "*/5",
    "0",
    "59",
    "1-5",
    "1-70",
    "L",
    "#",
    "MON",
    "mon-fri",
    "5#2",
    "*/0",
    "-",
    ",",
    "/",
    "60",
    "31",
    "2",
    "29",
)
NOW = datetime(2026, 2, 3, tzinfo=UTC)


@bounded(300)
@given(
    st.lists(st.sampled_from(TERMS) | st.text(max_size=8), max_size=6), st.sampled_from(["", " "])
)
def test_a_filter_is_read_or_refused(parts: list[str], between: str) -> None:
    text = between.join(parts)
    try:
        json.loads(serialize_filter(text))
    except TaskerError as error:
        assert str(error).strip()
        assert error.__class__.__name__ == "InvalidInputError"
    else:
        assert isinstance(parse_filter(text), dict)


@bounded(300)
@given(
    st.text("0123456789.smhdw -+e٣", max_size=12)
    | st.integers()
    | st.floats()
    | st.timedeltas()
    | st.sampled_from(hostile.TEXTS)
    | st.sampled_from([10**400, -(10**400), True, None, [], {}])
)
def test_a_duration_is_a_number_of_seconds_or_refused(given_: Any) -> None:
    try:
        seconds = to_seconds(given_)
    except ValueError as error:
        assert str(error).strip()
    else:
        assert 0 <= seconds <= LONGEST
        assert math.isfinite(seconds)


@bounded(300)
@given(st.randoms(use_true_random=False))
def test_a_schedule_has_times_in_order_or_is_refused(random: Random) -> None:
    cron = " ".join(random.choice(CRON) for _ in range(random.choice((5, 5, 5, 6, 4))))
    definition = random.choice(
        [
            {
                "cron": cron,
                "time_zone": random.choice(
                    ["UTC", "Europe/Berlin", "", "..", "/", "a\0b", "Etc/GMT+12"]
                ),
            },
            {"cron": hostile.text(random)},
            {
                "every": random.choice([1e-6, 0.5, 60, 315_360_000]),
                "offset": random.choice([0, -1.5, 1e9]),
            },
            {"at": "2027-01-01T00:00:00Z"},
        ]
    )
    note(str(definition))
    try:
        fires = list(islice(find_fires(definition, NOW), 5))
    except SpecError as error:
        assert str(error).strip()
    else:
        assert fires == sorted(set(fires))
        assert all(at > NOW for at in fires)
