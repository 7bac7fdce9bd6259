"""Times as people read them: local, with their age. Pure functions; the caller says what time it
is.
"""

import re
from datetime import datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?")


def parse_time(text: str | None) -> datetime | None:
    """Read a timestamp as PostgreSQL writes it into JSON; None stays None."""
    return None if text is None else datetime.fromisoformat(text)


def format_span(seconds: float) -> str:
    """Write a length of time in seconds with the unit that suits it: `12 ms`, `1.2 s`, `3 min 4 s`,
    `2 d 5 h`.
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return _two_units(seconds, MINUTE, "min", 1, "s")
    if seconds < DAY:
        return _two_units(seconds, HOUR, "h", MINUTE, "min")
    return _two_units(seconds, DAY, "d", HOUR, "h")


def format_age(then: datetime, now: datetime) -> str:
    """Say how long ago a moment was, or how far ahead it is."""
    seconds = (now - then).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{format_span(seconds)} ago" if seconds > 0 else f"in {format_span(-seconds)}"


def format_clock(then: datetime, now: datetime) -> str:
    """Write a moment in local time, without its date when that is today's."""
    local, today = then.astimezone(), now.astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def format_moment(then: datetime | None, now: datetime) -> str:
    """Write a moment in local time with its age, or a dash for none."""
    return "-" if then is None else f"{format_clock(then, now)} ({format_age(then, now)})"


def format_took(started: datetime | None, ended: datetime | None, now: datetime) -> str:
    """Say how long something took, or has taken so far (with a trailing `…`); empty when it has not
    begun.
    """
    if started is None:
        return ""
    seconds = max(0.0, ((ended or now) - started).total_seconds())
    return format_span(seconds) + ("" if ended else "…")


def _two_units(seconds: float, big: int, big_name: str, small: int, small_name: str) -> str:
    whole, rest = divmod(int(seconds), big)
    return f"{whole} {big_name}" + (f" {rest // small} {small_name}" if rest // small else "")


def localise(text: str, now: datetime) -> str:
    """Rewrite the timestamps in a sentence of the database as local times with their age."""
    return _TIMESTAMP.sub(lambda found: format_moment(_read_timestamp(found), now), text)


def _read_timestamp(found: re.Match[str]) -> datetime:
    return datetime.fromisoformat(found.group())
