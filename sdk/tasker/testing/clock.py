"""The clock of a test's database. Touches the database, and runs what becomes due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tasker.durations import Duration, to_seconds

if TYPE_CHECKING:
    from tasker.testing.kit import AsyncTasker

__all__ = ["AsyncClock"]


@dataclass(frozen=True, slots=True)
class AsyncClock:
    """The clock of the test's database. What handlers read themselves, such as `datetime.now()`, is not on it."""

    _tasker: AsyncTasker

    async def now(self) -> datetime:
        """The time there, in UTC."""
        async with self._tasker.session() as session:
            now: datetime = await session.ask("select tasker_testing.clock_timestamp()")
            return now.astimezone(UTC)

    async def advance(self, duration: Duration) -> None:
        """Let time pass: everything that becomes due meanwhile runs, in its order, each until at rest.

        What a task waits for one after the other may add up to `duration`. Raises ValueError for what is no duration.
        """
        seconds = to_seconds(duration)
        async with self._tasker.work() as work:
            end = await work.moved() + timedelta(seconds=seconds)
            await work.rest()
            while (left := end - await work.moved()) > timedelta():
                await work.move(left)
                await work.rest()

    async def advance_to(self, moment: datetime) -> None:
        """Let time pass until a moment. Raises ValueError when it is over, or has no time zone."""
        if moment.utcoffset() is None:
            raise ValueError(f"{moment!r} has no time zone: give it one, as in tzinfo=UTC")
        left = moment - await self.now()
        if left < timedelta():
            raise ValueError(f"{moment} is over: a clock does not go back")
        await self.advance(left)
