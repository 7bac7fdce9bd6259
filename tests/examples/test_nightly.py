"""The nightly schedule, on a clock that the test moves over nights in which others are changed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tasker import SyncClient, SyncScheduleHandle
from tasker.examples.nightly import Closed, books, nightly
from tasker.testing import Tasker


@pytest.fixture
def schedule(tasker: Tasker) -> Iterator[SyncScheduleHandle]:
    """Create it some day after the clocks of the machine, at noon before Berlin's are put forward."""
    tasker.register(books)
    year = datetime.now(UTC).year + 1
    last = max(d for d in range(25, 32) if date(year, 3, d).weekday() == 6)
    tasker.clock.advance_to(datetime(year, 3, last, 12, tzinfo=UTC) - timedelta(days=1))
    with SyncClient(tasker.database_url) as client:
        yield client.create_schedule("close_books", nightly)


def closed(tasker: Tasker, schedule: SyncScheduleHandle) -> list[date]:
    fires = [fire for fire in schedule.fires() if fire["task_id"]]
    return [tasker.task(fire["task_id"]).result(Closed).day for fire in reversed(fires)]


def test_each_day_is_closed_once_and_in_order(tasker: Tasker, schedule: SyncScheduleHandle) -> None:
    today = tasker.clock.now().date()
    tasker.clock.advance("5d")
    assert closed(tasker, schedule) == [today + timedelta(days=n) for n in range(5)]
    first, second, *_ = reversed(schedule.fires())
    times = [datetime.fromisoformat(fire["fire_at"]) for fire in (first, second)]
    assert [f"{at.astimezone(UTC):%H:%M}" for at in times] == ["01:00", "00:30"]


def test_a_day_is_closed_again_when_asked_for(tasker: Tasker, schedule: SyncScheduleHandle) -> None:
    tasker.clock.advance("3d")
    days = closed(tasker, schedule)
    night = datetime.fromisoformat(schedule.fires()[-1]["fire_at"])
    schedule.backfill(night, night + timedelta(days=1), "receipts were found")
    tasker.settle()
    assert closed(tasker, schedule) == [*days, *days[:2]]


def test_what_a_day_s_text_says() -> None:
    from tasker.examples.nightly import close_day

    assert close_day(date(2027, 3, 28)).text == "The books of Sunday, 28 March 2027 are closed."
