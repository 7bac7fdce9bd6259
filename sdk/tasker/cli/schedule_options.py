"""The options that define a schedule, and how their text is read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from tasker.cli.arguments import read_json, read_seconds_of
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.priorities import PriorityClass

TIMES = "When it fires"
TASKS = "What it starts"


class Overlap(StrEnum):
    """What a fire does while a task of the schedule still runs."""

    skip = "skip"
    buffer_one = "buffer_one"
    buffer_all = "buffer_all"
    cancel_other = "cancel_other"
    terminate_other = "terminate_other"
    allow_all = "allow_all"


ScheduleName = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="NAMESPACE/NAME of a schedule.")
]
CronText = Annotated[
    str | None,
    typer.Option(
        "--cron",
        help="A cron expression of five fields (or six, seconds first), or a name as @daily.",
        rich_help_panel=TIMES,
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        "--time-zone",
        help="The zone of --cron, as Europe/Berlin. Default: UTC.",
        rich_help_panel=TIMES,
    ),
]
EveryText = Annotated[
    str | None,
    typer.Option(
        "--every", help="An interval, as 10m: its multiples since 1970.", rich_help_panel=TIMES
    ),
]
Offset = Annotated[
    str | None,
    typer.Option("--offset", help="How long after those of --every.", rich_help_panel=TIMES),
]
AtText = Annotated[
    str | None,
    typer.Option("--at", help="One time, local unless it says otherwise.", rich_help_panel=TIMES),
]
Start = Annotated[
    str | None, typer.Option("--start", help="Not before this time.", rich_help_panel=TIMES)
]
End = Annotated[
    str | None, typer.Option("--end", help="Not after this time.", rich_help_panel=TIMES)
]
Jitter = Annotated[
    str | None,
    typer.Option(
        "--jitter", help="Delay each fire by a part of this, as 5m.", rich_help_panel=TIMES
    ),
]
CatchupWindow = Annotated[
    str | None,
    typer.Option(
        "--catchup-window", help="How late a fire may start. Default: 1d.", rich_help_panel=TIMES
    ),
]
OverlapPolicy = Annotated[
    Overlap | None,
    typer.Option(
        "--overlap",
        help="What to do while its last task still runs. Default: skip.",
        rich_help_panel=TASKS,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        "--context", help="The tasks' context as JSON; @FILE reads a file.", rich_help_panel=TASKS
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", help="A tag of the tasks; may be repeated.", rich_help_panel=TASKS),
]
Priority = Annotated[
    PriorityClass | None,
    typer.Option("--priority", help="The tasks' priority.", rich_help_panel=TASKS),
]


def split_name(given: str) -> tuple[str, str]:
    """Read NAMESPACE/NAME. Raises CommandFailed (usage)."""
    namespace, slash, name = given.partition("/")
    if not (slash and namespace and name):
        raise CommandFailed(
            ExitCode.USAGE, f"{given!r} is no schedule", "Name one as NAMESPACE/NAME."
        )
    return namespace, name


def read_times(**given: str | None) -> dict[str, Any]:
    """Read the options under TIMES that were given to what a definition has. Raises CommandFailed (usage)."""
    read = {
        "every": _read_seconds,
        "offset": _read_seconds,
        "jitter": _read_seconds,
        "catchup_window": _read_seconds,
        "at": _read_time,
        "start_at": _read_time,
        "end_at": _read_time,
    }
    return {
        key: read[key](key, text) if key in read else text
        for key, text in given.items()
        if text is not None
    }


def read_tasks(
    overlap: Overlap | None,
    context: str | None,
    tags: list[str] | None,
    priority: PriorityClass | None,
) -> dict[str, Any]:
    """Read the options under TASKS that were given to what a definition has. Raises CommandFailed (usage)."""
    given = {
        "overlap": None if overlap is None else overlap.value,
        "context": None if context is None else read_json(context),
        "tags": tags or None,
        "priority": None if priority is None else priority.number,
    }
    return {key: value for key, value in given.items() if value is not None}


def check_times(definition: Mapping[str, Any]) -> None:
    """Raise CommandFailed (usage) unless the definition has times, and they can be found."""
    if len([key for key in ("cron", "every", "at") if definition.get(key) is not None]) != 1:
        raise CommandFailed(ExitCode.USAGE, "give one of --cron, --every and --at")
    for option, of in (("time_zone", "cron"), ("offset", "every")):
        if definition.get(option) is not None and definition.get(of) is None:
            raise CommandFailed(ExitCode.USAGE, f"--{option.replace('_', '-')} goes with --{of}")
    list_fires(definition, 1)


def list_fires(definition: Mapping[str, Any], count: int) -> list[datetime]:
    """List the next times of a definition. Raises InvalidInputError for one that cannot be read."""
    from tasker.schedules import list_next_fires

    return list_next_fires(definition, count)


def parse_moment(what: str, text: str) -> datetime:
    """Read an ISO time, local unless it says otherwise. Raises CommandFailed (usage)."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandFailed(
            ExitCode.USAGE, f"--{what} is {text!r}", "Give a time as 2030-01-31T09:00."
        ) from error


def _read_time(key: str, text: str) -> str:
    return parse_moment(key.removesuffix("_at"), text).isoformat()


def _read_seconds(key: str, text: str) -> float:
    return read_seconds_of(f"--{key.replace('_', '-')}", text)
