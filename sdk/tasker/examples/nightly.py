"""A nightly schedule: at half past two, by the clocks of Berlin, the books of the day before are closed.

Days are closed in their order, each by a task of its own, also when the night was spent without power. Which day it is
follows from the time that the task was submitted for, not from when it runs.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from tasker import Cron, Schedule, StepContext, Workflow

ZONE = "Europe/Berlin"

books = Workflow("close_books", namespace="shop", version="1.0.0")


class Closed(BaseModel):
    """A day whose books are closed."""

    day: date
    text: str


@books.step
def choose_day(ctx: StepContext) -> date:
    """Choose the day before the night that the task was submitted for."""
    night = ctx.scheduled.fire_at if ctx.scheduled else datetime.now(UTC)
    return night.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)


@books.step
def close_day(choose_day: date) -> Closed:
    """Close the books of a day."""
    return Closed(day=choose_day, text=f"The books of {choose_day:%A, %d %B %Y} are closed.")


nightly = Schedule(
    books,
    Cron("30 2 * * *", ZONE),
    overlap="buffer_all",  # one day after the other
    catchup_window="30d",  # no day is left out
    jitter="5m",  # the other shops close theirs too
)
