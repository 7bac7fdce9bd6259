"""What has happened between two looks at the board, as sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tasker.cli.task_views import describe_error
from tasker.cli.watch import AT_REST
from tasker.demo.board import Board, Row, Seen

__all__ = ["list_events"]


def list_events(before: Board, after: Board) -> Iterator[str]:
    """Give a sentence for each step that failed or was granted again, and each task at rest."""
    known = {seen.run.task_id: seen for seen in before}
    for seen in after:
        earlier = known.get(seen.run.task_id)
        yield from _step_events(earlier, seen)
        if seen.state in AT_REST and (earlier is None or earlier.state != seen.state):
            yield f"{seen.run.title}: {seen.state.replace('_', ' ')}"


def _step_events(earlier: Seen | None, seen: Seen) -> Iterator[str]:
    known = {step["name"]: step for step in earlier.steps} if earlier else {}
    for step in seen.steps:
        was = known.get(step["name"])
        if was is None or (was["state"], was["attempt"]) != (step["state"], step["attempt"]):
            event = _describe(step)
            if event is not None:
                yield f"{seen.run.title}: {event}"


def _describe(step: Row) -> str | None:
    name, attempt = step["name"], f"attempt {step['attempt']} of {step['max_attempts']}"
    match step["state"]:
        case "in_progress" if step["attempt"] > 1:
            return f"{name} runs again, {attempt}, by worker {step['worker']}"
        case "waiting_for_retry":
            why = describe_error(step["error"])
            return f"{name} failed, {attempt}, and will be tried again: {why}"
        case "error":
            return f"{name} failed for good, {attempt}: {describe_error(step['error'])}"
        case _:
            return None
