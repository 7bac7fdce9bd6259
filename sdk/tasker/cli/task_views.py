"""Tasks as people read them. Pure functions from the functions' JSON to rich renderables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.text import Text

from tasker.cli.graph import Step
from tasker.cli.graph_view import DONE, STEPS_PER_LEVEL, describe_progress, draw_task_graph
from tasker.cli.marks import describe_counts, describe_state, sign_of, style_of
from tasker.cli.tables import make_facts, make_heading, make_table
from tasker.cli.times import format_age, format_clock, format_moment, format_took, parse_time
from tasker.priority import priority_name

if TYPE_CHECKING:
    from tasker.drawing.inside import Inner

Row = Mapping[str, Any]


def draw_tasks(tasks: Sequence[Row], now: datetime) -> RenderableType:
    """Draw a list of tasks, as list_tasks gives them."""
    if not tasks:
        return Text("No task matches.", style="dim")
    table = make_table("TASK", "TEMPLATE", "STATE", "CREATED", "TOOK", "TAGS")
    for task in tasks:
        created, ended = parse_time(task["created_at"]), parse_time(task["completed_at"])
        table.add_row(
            task["task_id"],
            f"{task['namespace']}/{task['template']} {task['version']}",
            Text(f"{sign_of(task['state'])} ") + describe_state(task["state"]),
            f"{format_clock(created, now)} ({format_age(created, now)})" if created else "",
            format_took(created, ended, now) if ended else "",
            ", ".join(task["tags"]),
        )
    return table


def draw_task(
    task: Row,
    steps: Sequence[Step],
    reasons: Mapping[str, str],
    now: datetime,
    per_level: int = STEPS_PER_LEVEL,
    children: Sequence[Row] = (),
    inner: Mapping[str, Sequence["Inner"]] | None = None,
) -> RenderableType:
    """Draw one task with its graph. `reasons` says, by step name, why a step is not running;
    `children` are the tasks that its steps have started, as list_children gives them; `inner` the steps inside
    compositions, by the step that runs one.
    """
    parts: list[RenderableType] = [draw_task_heading(task), draw_task_facts(task, now), Text()]
    parts.append(draw_task_graph(steps, now, per_level, children, inner))
    notes = [(name, text) for name, text in reasons.items()]
    if notes:
        parts += [Text(), Text("Open steps", style="bold"), make_facts(notes)]
    if any(step["state"] == "error" for step in steps):
        parts += [Text(), draw_failures(task, steps)]
    return Group(*parts)


def draw_task_heading(task: Row) -> Text:
    """Draw the line that says which task this is and how it stands."""
    state: str = task["state"]
    return make_heading(
        f"{task['namespace']}/{task['template']}",
        task["version"],
        Text(f"{sign_of(state)} ", style=style_of(state)) + describe_state(state),
    )


def draw_task_facts(task: Row, now: datetime) -> RenderableType:
    """Draw what is known of a task beside its graph."""
    started, ended = parse_time(task["started_at"]), parse_time(task["completed_at"])
    start_at = parse_time(task["start_at"])
    return make_facts(
        [
            ("task", task["task_id"]),
            ("child of", _describe_parent(task["parent"])),
            ("created", format_moment(parse_time(task["created_at"]), now)),
            ("starts", format_moment(start_at, now) if start_at and not started else None),
            ("started", format_moment(started, now) if started else None),
            (
                "ended",
                f"{format_moment(ended, now)}, after {format_took(started, ended, now)}"
                if ended
                else None,
            ),
            ("paused", _describe_pause(task["paused"], now)),
            ("reason", task["reason"]),
            ("undone", _describe_undoing(task)),
            ("reruns", task["rerun_of"]),
            ("rerun as", ", ".join(task["reruns"])),
            ("steps", describe_counts(task["steps"])),
            ("priority", priority_name(task["priority"]) if task["priority"] else None),
            ("tags", ", ".join(task["tags"])),
            ("correlation", task["correlation_id"]),
            ("idempotency key", task["idempotency_key"]),
            ("input", JSON.from_data(task["input"], indent=None) if task["input"] else None),
        ]
    )


def _describe_parent(parent: Row | None) -> str | None:
    """Write which step of which task has started this one."""
    return None if parent is None else f"{parent['task_id']}/{parent['step']}, as {parent['name']}"


def _describe_pause(pause: Row | None, now: datetime) -> str | None:
    """Write who has paused a task, or its template, when and why."""
    if pause is None:
        return None
    what = "together with its template, by" if pause["verb"] == "pause_template" else "by"
    return (
        f"{what} {pause['actor']}, {format_moment(parse_time(pause['at']), now)}: {pause['reason']}"
    )


def _describe_undoing(task: Row) -> str | None:
    """Write what undoing a task has come to."""
    ends_as, state = task["ends_as"], task["state"]
    if ends_as is None:
        return None
    if state == ends_as:
        return "what it had completed"
    return "in part" if task["completed_at"] else f"is being undone, and then {ends_as}"


def draw_failures(task: Row, steps: Sequence[Step]) -> RenderableType:
    """Draw the errors of failed steps, and what an operator can do about them: while a task is being
    undone, about compensations only.
    """
    failed = [step for step in steps if step["state"] == "error"]
    mendable = [step for step in failed if task["ends_as"] is None or step["undoes"]]
    first = f"{task['task_id']}/{(mendable or failed)[0]['name']}"
    hints = [Text(f"Next:  tasker step show {first}", style="dim")]
    if mendable:
        hints += [
            Text(f"       tasker task retry {task['task_id']} --reason …", style="dim"),
            Text(f"       tasker step resolve {first} --result … --reason …", style="dim"),
        ]
    return Group(
        Text("Failed", style="bold red"),
        make_facts(
            [
                (step["name"], Text(describe_error(step["error"])))
                for step in failed[:STEPS_PER_LEVEL]
            ]
        ),
        *hints,
    )


def describe_error(error: Row | None) -> str:
    """Write a step's error in a line: its type and its message."""
    if not error:
        return "an error of which nothing is known"
    kind, message = error.get("type"), error.get("message")
    return ": ".join(str(part) for part in (kind, message) if part) or str(dict(error))


def choose_unexplained(steps: Sequence[Step], most: int = STEPS_PER_LEVEL) -> list[str]:
    """Choose the steps whose reason for not running is worth asking for: the first ones that are
    neither done nor failed.
    """
    settled = DONE | {"error", "cancelled"}
    return [step["name"] for step in steps if step["state"] not in settled][:most]


def note_progress(steps: Sequence[Step]) -> dict[str, str]:
    """Give, by step name, the progress that running handlers have told."""
    return {
        step["name"]: describe_progress(step["progress"])
        for step in steps
        if step.get("progress") and step["state"] not in DONE
    }


def draw_result(result: Row) -> RenderableType:
    """Draw what a task came to: its result, or the errors of its failed steps."""
    if result["errors"]:
        return make_facts([(e["step"], Text(describe_error(e["error"]))) for e in result["errors"]])
    return JSON.from_data(result["result"])
