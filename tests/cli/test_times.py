import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from tasker.cli.times import (
    format_age,
    format_moment,
    format_span,
    format_took,
    localise,
    parse_time,
)

NOW = datetime(2030, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.get("TZ")
    time.tzset()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (1.24, "1.2 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (184, "3 min 4 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 2 + 3600 * 5, "2 d 5 h"),
    ],
)
def test_a_span_is_written_in_the_unit_that_suits_it(seconds, text):
    assert format_span(seconds) == text


def test_an_age_looks_back_and_ahead():
    assert format_age(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert format_age(NOW + timedelta(seconds=5), NOW) == "in 5.0 s"
    assert format_age(NOW + timedelta(milliseconds=100), NOW) == "now"


def test_times_are_local_and_carry_a_date_only_when_it_is_another_day(berlin):
    assert format_moment(NOW - timedelta(minutes=1), NOW) == "12:59:00 (1 min ago)"
    assert format_moment(NOW - timedelta(days=1), NOW) == "2030-01-30 13:00:00 (1 d ago)"
    assert format_moment(None, NOW) == "-"


def test_the_database_s_sentences_are_put_into_local_time(berlin):
    sentence = "worker-1 runs attempt 2, with a lease until 2030-01-31 12:00:15.123456+00"
    assert (
        localise(sentence, NOW) == "worker-1 runs attempt 2, with a lease until 13:00:15 (in 15 s)"
    )
    assert localise("at 2030-01-31 12:00:15+05:30", NOW).startswith("at 07:30:15 (5 h 29 min ago)")


def test_what_still_runs_is_marked():
    begun = NOW - timedelta(seconds=12)
    assert format_took(begun, None, NOW) == "12 s…"
    assert format_took(begun, begun + timedelta(seconds=2), NOW) == "2.0 s"
    assert format_took(None, None, NOW) == ""


def test_timestamps_are_read_as_postgresql_writes_them():
    assert parse_time("2030-01-31T12:00:00+00:00") == NOW
    assert parse_time(None) is None
