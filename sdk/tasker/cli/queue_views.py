"""Queues, workers and dead letters as people read them. Pure functions from JSON to rich
renderables.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from tasker.cli.tables import make_table
from tasker.cli.task_views import describe_error
from tasker.cli.times import format_age, format_moment, format_span, parse_time

Row = Mapping[str, Any]


def draw_queues(queues: Sequence[Row]) -> RenderableType:
    """Draw each queue's depth and age, and who serves it, as queue_stats gives them."""
    if not queues:
        return Text(
            "No queue yet: one is made when a template is registered or a worker starts.",
            style="dim",
        )
    table = make_table("QUEUE", "READY", "IN LINE", "RUNNING", "OLDEST", "WORKERS", "IDLE", "SLOTS")
    for queue in queues:
        table.add_row(
            _name(queue),
            str(queue["ready"]),
            str(queue["in_line"]) if queue["in_line"] else "",
            str(queue["leased"]),
            format_span(queue["oldest_age_seconds"])
            if queue["oldest_age_seconds"] is not None
            else "",
            _workers(queue),
            str(queue["idle_workers"]),
            str(queue["slots"]),
        )
    return table


def draw_workers(workers: Sequence[Row], now: datetime) -> RenderableType:
    """Draw the workers that report, as list_workers gives them."""
    if not workers:
        return Text("No worker reports. Start one: tasker worker MODULE", style="dim")
    table = make_table("WORKER", "QUEUES", "RUNNING", "HANDLERS", "VERSION", "STARTED", "SEEN")
    for worker in workers:
        seen = parse_time(worker["seen_at"])
        table.add_row(
            worker["name"],
            ", ".join(worker["queues"] or ()),
            f"{worker['running']} of {worker['slots']}",
            ", ".join(worker["handlers"]),
            worker["version"],
            format_moment(parse_time(worker["registered_at"]), now),
            format_age(seen, now) if seen else "",
        )
    return table


def draw_groups(groups: Sequence[Row], now: datetime) -> RenderableType:
    """Draw dead letters in groups of one cause, as list_dead_letters gives them."""
    if not groups:
        return Text("Nothing has failed for good.", style="green")
    table = make_table("FINGERPRINT", "COUNT", "STEP", "FIRST", "LAST", "EXAMPLE", "ERROR")
    for group in groups:
        table.add_row(
            group["fingerprint"],
            str(group["count"]),
            f"{group['namespace']}/{group['template']} {group['step']}",
            format_moment(parse_time(group["first_at"]), now),
            format_moment(parse_time(group["last_at"]), now),
            f"{group['task_id']}/{group['example']}",
            describe_error(group),
        )
    return table


def draw_dead_letters(letters: Sequence[Row], now: datetime) -> RenderableType:
    """Draw the steps that failed for good and wait for an operator."""
    if not letters:
        return Text("Nothing has failed for good.", style="green")
    table = make_table("STEP", "TEMPLATE", "ATTEMPTS", "FAILED", "ERROR")
    for letter in letters:
        table.add_row(
            f"{letter['task_id']}/{letter['step']}",
            f"{letter['namespace']}/{letter['template']} {letter['version']}",
            str(letter["attempt"]),
            format_moment(parse_time(letter["failed_at"]), now),
            describe_error(letter["error"]),
        )
    return table


def _name(queue: Row) -> Text:
    return Text.assemble(queue["queue"], (" (paused)" if queue["paused"] else "", "yellow"))


def _workers(queue: Row) -> Text:
    alarming = queue["workers"] == 0 and queue["ready"] > 0
    return Text(
        str(queue["workers"]) + (" (start one)" if alarming else ""),
        style="red" if alarming else "",
    )
