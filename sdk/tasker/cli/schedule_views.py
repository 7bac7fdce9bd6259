"""Schedules as people read them. Pure functions from the functions' JSON to rich renderables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.text import Text

from tasker.cli.marks import describe_state
from tasker.cli.tables import make_facts, make_grid, make_heading, make_table
from tasker.cli.times import format_age, format_moment, format_span, parse_time

Row = Mapping[str, Any]

_STYLES = {"started": "green", "buffered": "yellow", "missed": "red", "refused": "red"}


def draw_schedules(
    found: Sequence[tuple[Row, Sequence[datetime]]], now: datetime
) -> RenderableType:
    """Draw a list of schedules, each with its next time."""
    if not found:
        return Text(
            "No schedule is there. Create one: tasker schedule create NAME TEMPLATE --cron …",
            style="dim",
        )
    table = make_table("SCHEDULE", "TEMPLATE", "WHEN", "OVERLAP", "NEXT", "RUNNING")
    for schedule, times in found:
        table.add_row(
            f"{schedule['namespace']}/{schedule['name']}",
            schedule["template"] + (f"@{schedule['version']}" if schedule["version"] else ""),
            describe_times(schedule),
            schedule["overlap"].replace("_", " "),
            _describe_next(schedule, times, now),
            str(schedule["running"])
            + (f" (and {schedule['buffered']} wait)" if schedule["buffered"] else ""),
        )
    return table


def draw_schedule(
    schedule: Row, fires: Sequence[Row], times: Sequence[datetime], now: datetime
) -> RenderableType:
    """Draw one schedule with its last fires and its next times."""
    jitter, actions = schedule["jitter"], schedule["actions"]
    parts: list[RenderableType] = [
        make_heading(
            f"{schedule['namespace']}/{schedule['name']}",
            Text("paused", style="yellow") if schedule["paused"] else Text(""),
        ),
        make_facts(
            [
                (
                    "template",
                    schedule["template"]
                    + (f"@{schedule['version']}" if schedule["version"] else ", the latest"),
                ),
                ("when", describe_times(schedule)),
                ("from", _moment(schedule["start_at"], now)),
                ("until", _moment(schedule["end_at"], now)),
                ("jitter", f"up to {format_span(jitter)}" if jitter else None),
                ("overlap", schedule["overlap"].replace("_", " ")),
                ("catches up", format_span(schedule["catchup_window"])),
                ("fault", Text(schedule["fault"], style="red") if schedule["fault"] else None),
                ("note", schedule["note"]),
                ("running", str(schedule["running"])),
                ("waiting", str(schedule["buffered"]) if schedule["buffered"] else None),
                ("backfills", str(schedule["backfills"]) if schedule["backfills"] else None),
                (
                    "input",
                    JSON.from_data(schedule["input"], indent=None) if schedule["input"] else None,
                ),
                ("tags", ", ".join(schedule["tags"])),
            ]
        ),
    ]
    if times:
        parts += [Text(), Text("Next", style="bold"), draw_times(times, find_zone(schedule), now)]
    if fires:
        parts += [Text(), Text("Last fires", style="bold"), draw_fires(fires, now)]
    if actions:
        parts += [Text(), Text("Changes", style="bold"), _draw_actions(actions, now)]
    return Group(*parts)


def draw_fires(fires: Sequence[Row], now: datetime) -> RenderableType:
    """Draw what became of fires."""
    table = make_table("TIME", "ORIGIN", "FIRE", "TASK", "STATE")
    for fire in fires:
        table.add_row(
            format_moment(parse_time(fire["fire_at"]), now),
            fire["origin"],
            Text(fire["state"], style=_STYLES.get(fire["state"], "dim"))
            + (f": {fire['note']}" if fire["note"] else ""),
            fire["task_id"] or "",
            describe_state(fire["task_state"]) if fire["task_state"] else "",
        )
    return table


def draw_times(times: Sequence[datetime], zone: str | None, now: datetime) -> RenderableType:
    """Draw times, in a zone or (None) in local time."""
    if not times:
        return Text("It does not fire any more.", style="dim")
    from zoneinfo import ZoneInfo

    place = ZoneInfo(zone) if zone else None
    table = make_grid(columns=2)
    for at in times:
        table.add_row(at.astimezone(place).strftime("%a %Y-%m-%d %H:%M:%S %Z"), format_age(at, now))
    return table


def describe_times(schedule: Row) -> str:
    """Write when a schedule fires."""
    if schedule.get("cron") is not None:
        return f"{schedule['cron']} ({find_zone(schedule)})"
    if schedule.get("every") is not None:
        offset = f" and {format_span(schedule['offset'])}" if schedule.get("offset") else ""
        return f"every {format_span(schedule['every'])}{offset}"
    return f"at {schedule['at']}"


def describe_fire(fire: Row) -> str:
    """Write what became of a fire in a line."""
    match fire["state"]:
        case "started":
            return f"started {fire['task_id']}"
        case "buffered":
            return "buffered: it starts when what runs has ended"
        case state:
            return f"{state}: {fire['note']}"


def find_zone(schedule: Row) -> str | None:
    """Find the zone that a definition's times are in; None where it has none."""
    return (schedule.get("time_zone") or "UTC") if schedule.get("cron") is not None else None


def _describe_next(schedule: Row, times: Sequence[datetime], now: datetime) -> Text:
    if schedule["paused"]:
        return Text(f"paused: {schedule['note']}", style="yellow")
    if schedule["fault"]:
        return Text(schedule["fault"], style="red")
    return Text(format_moment(times[0], now) if times else "ended")


def _moment(text: str | None, now: datetime) -> str | None:
    return None if text is None else format_moment(parse_time(text), now)


def _draw_actions(actions: Sequence[Row], now: datetime) -> RenderableType:
    table = make_table("TIME", "WHAT", "WHO", "WHY")
    for action in actions:
        table.add_row(
            format_moment(parse_time(action["at"]), now),
            action["verb"],
            action["actor"],
            action["reason"],
        )
    return table
