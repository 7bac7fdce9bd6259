"""What has happened to a task between two looks at it, a line each: how it is followed where there
is no terminal.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasker.cli.graph import Step
from tasker.cli.marks import sign_of
from tasker.cli.times import format_took, parse_time

Row = Mapping[str, Any]


def list_changes(
    before: tuple[Row, Sequence[Step]] | None, after: tuple[Row, Sequence[Step]], now: datetime
) -> Iterator[str]:
    """Give a line for each step, and then the task, whose state or attempt differs from the last
    look.
    """
    task, steps = after
    known = {step["name"]: (step["state"], step["attempt"]) for step in before[1]} if before else {}
    for step in steps:
        state: str = step["state"]
        was = known.get(step["name"], ("pending", 0))
        if (state, step["attempt"]) != was:
            yield f"{sign_of(state)} {step['name']} {state.replace('_', ' ')}{_detail(step, now)}"
    if before is None or before[0]["state"] != task["state"]:
        yield f"{sign_of(task['state'])} task {task['task_id']} {task['state'].replace('_', ' ')}"


def _detail(step: Step, now: datetime) -> str:
    attempt = f"attempt {step['attempt']} of {step['max_attempts']}"
    match step["state"]:
        case "in_progress":
            return f" ({attempt})"
        case "complete":
            took = format_took(
                parse_time(step["started_at"]), parse_time(step["completed_at"]), now
            )
            return f" ({attempt}, {took})" if took else ""
        case "waiting_for_retry" | "error" | "tolerated":
            from tasker.cli.task_views import describe_error

            return f" ({attempt}): {describe_error(step['error'])}"
        case _:
            return ""
