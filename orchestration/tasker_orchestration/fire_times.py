"""When a schedule fires: its nominal times, from its definition. Pure; a kept library reads cron expressions.

Definitions are those of `tasker.create_schedule`. A time is found from its definition and the time before it alone, so
that it does not matter where a search begins: the scheduler, a backfill and a preview find the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

__all__ = ["SpecError", "find_fires", "parse_time"]

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class SpecError(ValueError):
    """A definition from which no times can be found; the message says why."""


def find_fires(definition: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    """The times after `after`, ascending, in UTC, within the definition's bounds. Raises SpecError at once."""
    start, end = definition.get("start_at"), definition.get("end_at")
    if start is not None:
        after = max(after, parse_time(start) - _TICK)
    times = _times(definition, after)
    if end is None:
        return times
    last = parse_time(end)
    return takewhile(lambda at: at <= last, times)


def parse_time(text: str) -> datetime:
    """A time as definitions have it, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _times(definition: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    if (cron := definition.get("cron")) is not None:
        return _cron_times(cron, definition.get("time_zone") or "UTC", after)
    if (every := definition.get("every")) is not None:
        return _interval_times(every, definition.get("offset") or 0, after)
    at = parse_time(definition["at"])
    return iter([at] if at > after else [])


def _interval_times(every: float, offset: float, after: datetime) -> Iterator[datetime]:
    """Multiples of the interval since the epoch, and the offset: the same whenever the schedule was made."""
    step = timedelta(seconds=every)
    first = _EPOCH + timedelta(seconds=offset)

    def generate(count: int) -> Iterator[datetime]:
        while True:
            try:
                yield first + count * step
            except OverflowError:
                return
            count += 1

    return generate((after - first) // step + 1)


def _cron_times(expression: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError) as error:  # unknown; malformed; the name of a folder
        raise SpecError(f"no time zone {time_zone!r}: name it as in Europe/Berlin") from error
    text = expression.strip()
    try:
        times = CronSim(_NAMED.get(text.lower(), text), after.astimezone(zone))
    except CronSimError as error:
        raise SpecError(f"cron expression {expression!r}: {str(error).lower()}") from error

    def generate(last: datetime) -> Iterator[datetime]:
        # Where clocks are put back, the search may begin in the hour that came before; where they are put forward, two
        # local times may be one.
        for local in times:
            at = local.astimezone(UTC)
            if at > last:
                yield at
                last = at

    return generate(after)
