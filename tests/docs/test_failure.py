"""docs/failure.md gives the delays that the database waits, and the defaults it has."""

from __future__ import annotations

import psycopg
import pytest
from checks.pages import ROOT, read_tables

from tasker.durations import to_seconds
from tasker.policy import Retry

PAGE = ROOT / "docs" / "failure.md"

POLICIES, DELAYS = read_tables(PAGE, "Retries")

DELAY = """
select extract(epoch from tasker.backoff_delay(jsonb_populate_record(null::tasker.step_definition,
    jsonb_build_object('backoff', %s::text, 'backoff_base', '1 s', 'backoff_cap', '60 s', 'jitter', 0)), n))::int
from generate_series(1, %s) as n
"""


@pytest.mark.parametrize("row", DELAYS, ids=lambda row: row[0].strip("`"))
def test_the_delays_are_those_of_the_database(row: list[str], database: str) -> None:
    backoff, _, *documented = row
    with psycopg.connect(database) as connection:
        rows = connection.execute(DELAY, [backoff.strip("`"), len(documented)]).fetchall()
    assert [int(each) for each in documented] == [delay for (delay,) in rows]


def test_the_defaults_are_those_of_the_code() -> None:
    documented = {row[0].strip("`"): row[3].strip("`") for row in POLICIES}
    assert int(documented["max_attempts"]) == Retry().max_attempts
    assert documented["backoff"] == Retry().backoff
    assert to_seconds(documented["base"]) == to_seconds(Retry().base)
    assert to_seconds(documented["cap"]) == to_seconds(Retry().cap)
    assert float(documented["jitter"]) == Retry().jitter
    assert (documented["permanent"], Retry().permanent) == ("none", ())
