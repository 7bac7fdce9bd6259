"""Schedules as programs write them, and what a task knows of the one that started it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, assert_never

import orjson

from tasker.durations import Duration, to_seconds
from tasker.errors import InvalidInputError
from tasker.priority import Priority, priority_number
from tasker_orchestration.fire_times import SpecError, find_fires

if TYPE_CHECKING:
    from tasker.workflow import Workflow

__all__ = [
    "At",
    "Cron",
    "Every",
    "Overlap",
    "Schedule",
    "Scheduled",
    "When",
    "encode_schedule",
    "list_next_fires",
    "read_scheduled",
]

Overlap = Literal[
    "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"
]
"""What a fire does while a task of the same schedule still runs."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of a cron expression, of five fields or six (seconds first), or a name such as "@daily"."""

    expression: str
    time_zone: str = "UTC"
    """The zone whose clocks it goes by, as in "Europe/Berlin"."""


@dataclass(frozen=True, slots=True)
class Every:
    """Each multiple of an interval since 1970 (UTC), and an offset: "1h" is on the hour, whenever it was created."""

    interval: Duration
    offset: Duration = 0


@dataclass(frozen=True, slots=True)
class At:
    """One time, with a time zone."""

    time: datetime


When = Cron | Every | At


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which task to submit, and when. `template` is "namespace/name" or a workflow; its namespace is the schedule's."""

    template: str | Workflow
    when: When
    input: Any = None
    version: str | None = None
    """Of the template; None is the one registered last when a fire starts, also where a workflow is given."""
    overlap: Overlap = "skip"
    jitter: Duration = 0
    """Each fire is delayed by a part of this, always the same for one fire."""
    catchup_window: Duration = "1d"
    """How late a fire may start when no orchestrator ran at its time. What is older is recorded as missed."""
    start_at: datetime | None = None
    end_at: datetime | None = None
    context: Mapping[str, Any] | None = None
    tags: Sequence[str] = ()
    priority: Priority = "normal"

    def next_fires(self, count: int = 10, after: datetime | None = None) -> list[datetime]:
        """The next times, in UTC, before jitter: what the orchestrator will fire. Raises InvalidInputError."""
        return list_next_fires(_times(self), count, after)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What a task knows of the fire that it was submitted for."""

    name: str
    """The schedule's, without its namespace."""
    fire_at: datetime
    """The nominal time: when it was to fire, however late it did. In UTC."""
    origin: Literal["schedule", "trigger", "backfill"]


def read_scheduled(context: Any) -> Scheduled | None:
    """What a task's context says of the fire it was submitted for; None when it was none."""
    match context:
        case {"schedule": {"name": str(name), "fire_at": str(at), "origin": origin}}:
            return Scheduled(name, datetime.fromisoformat(at), origin)
        case _:
            return None


def list_next_fires(
    definition: Mapping[str, Any], count: int = 10, after: datetime | None = None
) -> list[datetime]:
    """The next times of a definition as the database has it, after `after` (default: now)."""
    try:
        return list(islice(find_fires(definition, after or datetime.now(UTC)), count))
    except SpecError as error:
        raise InvalidInputError(str(error)) from None


def encode_schedule(schedule: Schedule, template: str, data: bytes, context: Any) -> bytes:
    """A definition as `tasker.create_schedule` takes it. `data` is the input, JSON; so is `context`, or None."""
    times = _times(schedule)
    list_next_fires(times, 1)
    return orjson.dumps(
        {
            **times,
            "template": template,
            "version": schedule.version,
            "input": orjson.Fragment(data),
            "overlap": schedule.overlap,
            "jitter": _seconds("jitter", schedule.jitter),
            "catchup_window": _seconds("catchup_window", schedule.catchup_window),
            "context": context,
            "tags": list(schedule.tags),
            "priority": priority_number(schedule.priority),
        }
    )


def _times(schedule: Schedule) -> dict[str, Any]:
    bounds = {
        key: None if at is None else _moment(key, at)
        for key, at in (("start_at", schedule.start_at), ("end_at", schedule.end_at))
    }
    match schedule.when:
        case Cron(expression, time_zone):
            return {"cron": expression, "time_zone": time_zone, **bounds}
        case Every(interval, offset):
            every = _seconds("every", interval)
            if every < 1:
                raise InvalidInputError(f"every is {interval!r}", "The shortest interval is 1s.")
            return {"every": every, "offset": _seconds("offset", offset), **bounds}
        case At(time):
            return {"at": _moment("at", time), **bounds}
        case _ as never:
            assert_never(never)


def _seconds(what: str, duration: Duration) -> float:
    try:
        return to_seconds(duration)
    except ValueError as error:
        raise InvalidInputError(f"{what}: {error}") from None


def _moment(what: str, at: object) -> str:
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise InvalidInputError(
            f"{what} is {at!r}, which is no time with a time zone",
            "Give it one, as in datetime(2030, 1, 31, 12, tzinfo=UTC).",
        )
    return at.astimezone(UTC).isoformat()
