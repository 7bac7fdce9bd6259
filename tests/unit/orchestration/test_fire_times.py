"""When schedules fire, above all where clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_orchestration.fire_times import SpecError, find_fires


def fires(after: str, count: int, **definition: Any) -> list[str]:
    times = find_fires(definition, datetime.fromisoformat(after))
    return [at.strftime("%m-%d %H:%M:%S").removesuffix(":00") for at in islice(times, count)]


def test_an_interval_counts_from_the_epoch_and_its_offset() -> None:
    assert fires("2026-01-01T00:00Z", 2, every=3600) == ["01-01 01:00", "01-01 02:00"]
    assert fires("2026-01-01T00:15Z", 2, every=3600, offset=900) == ["01-01 01:15", "01-01 02:15"]
    assert fires("2026-01-01T00:14:59Z", 1, every=3600, offset=900) == ["01-01 00:15"]
    assert fires("2026-01-01T00:00Z", 2, every=1.5) == ["01-01 00:00:01", "01-01 00:00:03"]
    assert fires("9999-12-31T23:00Z", 9, every=3600) == []


def test_a_one_off_fires_once() -> None:
    at = "2026-05-01T12:00:00+02:00"
    assert fires("2026-05-01T09:59Z", 5, at=at) == ["05-01 10:00"]
    assert fires("2026-05-01T10:00Z", 5, at=at) == []


def test_bounds_are_included() -> None:
    bounds = {"start_at": "2026-01-01T02:00:00Z", "end_at": "2026-01-01T04:00:00Z"}
    assert fires("2025-01-01T00:00Z", 9, every=3600, **bounds) == [
        "01-01 02:00",
        "01-01 03:00",
        "01-01 04:00",
    ]
    assert fires("2026-01-01T03:00Z", 9, cron="@hourly", **bounds) == ["01-01 04:00"]


@pytest.mark.parametrize(
    ("zone", "cron", "after", "expected"),
    [
        # Berlin puts its clocks from 2:00 to 3:00: a time in between comes right after.
        ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00Z", ["03-29 01:00", "03-30 00:30"]),
        # Times that are only moved by it come once.
        ("Europe/Berlin", "0 2,3 * * *", "2026-03-28T12:00Z", ["03-29 01:00", "03-30 00:00"]),
        # A job of every hour or every few minutes goes on by elapsed time.
        ("Europe/Berlin", "0 * * * *", "2026-03-29T00:00Z", ["03-29 01:00", "03-29 02:00"]),
        # From 3:00 back to 2:00: what would come twice comes the first time only ...
        ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00Z", ["10-25 00:30", "10-26 01:30"]),
        # ... also when the search begins in the hour that is repeated.
        ("Europe/Berlin", "30 2 * * *", "2026-10-25T01:10Z", ["10-26 01:30", "10-27 01:30"]),
        ("Europe/Berlin", "*/30 * * * *", "2026-10-25T00:30Z", ["10-25 01:00", "10-25 01:30"]),
        # Half an hour, and in the other half of the year.
        ("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T10:00Z", ["10-03 15:30", "10-04 15:15"]),
        ("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T10:00Z", ["04-04 14:45", "04-05 15:15"]),
        ("America/New_York", "0 9 * * MON-FRI", "2026-10-30T14:00Z", ["11-02 14:00", "11-03 14:00"]),
        ("Asia/Kolkata", "@daily", "2026-01-01T00:00Z", ["01-01 18:30", "01-02 18:30"]),
    ],
)  # fmt: skip
def test_cron_in_local_time(zone: str, cron: str, after: str, expected: list[str]) -> None:
    assert fires(after, 2, cron=cron, time_zone=zone) == expected


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"cron": "61 * * * *"}, "bad minute"),
        ({"cron": "* * * *"}, "wrong number of fields"),
        ({"cron": "@often"}, "wrong number of fields"),
        ({"cron": "0 0 30 2 *"}, "bad day-of-month"),
        ({"cron": "@daily", "time_zone": "Europe/Berln"}, "no time zone 'Europe/Berln'"),
        ({"cron": "@daily", "time_zone": "../etc/passwd"}, "no time zone"),
        ({"cron": "@daily", "time_zone": "Europe"}, "no time zone"),
    ],
)
def test_what_cannot_be_read_is_said_at_once(definition: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        find_fires(definition, datetime.now(UTC))


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
CRONS = [
    "*/7 * * * *", "30 2 * * *", "0 2,3 * * *", "15 */2 * * *", "*/20 2 * * *", "0 1-3 * * SUN", "*/40 * * * * *",
]  # fmt: skip
SPECS = st.one_of(
    st.fixed_dictionaries({"cron": st.sampled_from(CRONS), "time_zone": st.sampled_from(ZONES)}),
    st.fixed_dictionaries({"every": st.sampled_from([7.5, 600, 3601, 86400])}),
)
# The days on which clocks are changed, somewhere.
DAYS = ["2026-03-28", "2026-10-24", "2026-10-31", "2026-03-07", "2026-04-04", "2026-10-03"]


@given(SPECS, st.sampled_from(DAYS), st.integers(0, 2 * 86400), st.integers(1, 40))
def test_it_does_not_matter_where_a_search_begins(
    spec: dict[str, Any], day: str, seconds: int, steps: int
) -> None:
    """Finding one after the other, as the scheduler does, finds what a preview of the whole does, in order."""
    begin = datetime.fromisoformat(f"{day}T12:00Z")
    whole = list(islice(find_fires(spec, begin), steps))
    assert whole == sorted(set(whole))
    last, found = begin, list[datetime]()
    for _ in whole:
        last = next(find_fires(spec, last))
        found.append(last)
    assert found == whole
    middle = begin + timedelta(seconds=seconds)
    end = middle + timedelta(hours=2)
    through = takewhile(lambda at: at <= end, find_fires(spec, begin))
    assert [at for at in through if at > middle] == list(
        takewhile(lambda at: at <= end, find_fires(spec, middle))
    )
