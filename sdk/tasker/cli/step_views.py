"""A step as people read it. Pure functions from the functions' JSON to rich renderables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.text import Text

from tasker.cli.graph_view import describe_progress
from tasker.cli.marks import describe_state, sign_of, style_of
from tasker.cli.tables import make_facts, make_heading, make_table
from tasker.cli.task_views import describe_error
from tasker.cli.times import format_clock, format_moment, format_took, parse_time

Row = Mapping[str, Any]


def draw_step(step: Row, explanation: Row, now: datetime) -> RenderableType:
    """Draw one step: how it stands and why, its attempts, what it got and gave, and what operators
    did.
    """
    parts: list[RenderableType] = [_heading(step), _facts(step, explanation, now)]
    if step["attempts"]:
        parts += [
            Text(),
            Text("Attempts that did not succeed", style="bold"),
            _attempts(step["attempts"], now),
        ]
    error: Row = step["error"] or {}
    if error.get("traceback"):
        parts += [Text(), Text("Where it failed", style="bold"), Text(error["traceback"].rstrip())]
    if step["actions"]:
        parts += [Text(), Text("What operators did", style="bold"), _actions(step["actions"], now)]
    return Group(*parts)


def _heading(step: Row) -> Text:
    state: str = step["state"]
    return make_heading(
        step["name"], Text(f"{sign_of(state)} ", style=style_of(state)) + describe_state(state)
    )


def _facts(step: Row, explanation: Row, now: datetime) -> RenderableType:
    started, ended = parse_time(step["started_at"]), parse_time(step["completed_at"])
    deadline = parse_time(step["deadline_at"]) if step["state"] == "in_progress" else None
    return make_facts(
        [
            ("why", explanation["reason"]),
            ("task", step["task_id"]),
            ("handler", step["handler"]),
            ("queue", f"{step['queue']} ({_load(explanation)})"),
            ("after", ", ".join(step["depends_on"])),
            ("undoes", step["undoes"]),
            ("undone by", f"undo:{step['name']} ({step['undone']})" if step["undone"] else None),
            ("attempt", f"{step['attempt']} of {step['max_attempts']}"),
            ("worker", _worker(step)),
            (
                "enqueued",
                format_moment(parse_time(step["enqueued_at"]), now)
                if step["enqueued_at"]
                else None,
            ),
            ("started", format_moment(started, now) if started else None),
            (
                "ended",
                f"{format_moment(ended, now)}, after {format_took(started, ended, now)}"
                if ended
                else None,
            ),
            ("time limit", format_moment(deadline, now) if deadline else None),
            ("progress", describe_progress(step["progress"]) if step["progress"] else None),
            ("error", Text(describe_error(step["error"]), style="red") if step["error"] else None),
            ("config", _json(step["config"])),
            ("task's input", _json(step["input"])),
            ("result", JSON.from_data(step["result"]) if step["result"] is not None else None),
        ]
    )


def _load(explanation: Row) -> str:
    workers, steps = explanation["workers"], explanation["queue_depth"]
    return f"{workers} worker{_s(workers)}, {steps} step{_s(steps)} can run"


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _worker(row: Row) -> str | None:
    """Write who ran it; of a worker that has left only the id is known."""
    name, known = row["worker"], row["worker_id"]
    return f"one that has left, {known}" if known and name in (None, known) else name


def _json(value: Any) -> RenderableType | None:
    return JSON.from_data(value, indent=None) if value else None


def _attempts(attempts: Sequence[Row], now: datetime) -> RenderableType:
    table = make_table("#", "OUTCOME", "STARTED", "TOOK", "WORKER", "ERROR")
    for attempt in attempts:
        started, ended = parse_time(attempt["started_at"]), parse_time(attempt["ended_at"])
        table.add_row(
            str(attempt["attempt"]),
            attempt["outcome"],
            format_clock(started, now) if started else "",
            format_took(started, ended, now),
            _worker(attempt) or "",
            describe_error(attempt["error"]) if attempt["error"] else "",
        )
    return table


def _actions(actions: Sequence[Row], now: datetime) -> RenderableType:
    table = make_table("WHEN", "WHAT", "WHO", "WHY")
    for action in actions:
        table.add_row(
            format_moment(parse_time(action["at"]), now),
            action["verb"],
            action["actor"],
            action["reason"],
        )
    return table
