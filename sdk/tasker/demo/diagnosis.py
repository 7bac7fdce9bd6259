"""Why nothing moves. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasker.cli.database import call_one
from tasker.cli.watch import AT_REST
from tasker.demo.board import Board

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["explain_standstill"]

_ENDED = frozenset({"complete", "resolved_manually", "cancelled"})


def explain_standstill(connection: Connection, board: Board, seconds: float) -> str:
    """Say what did not come to rest within so many seconds, and why, as the database sees it."""
    lines = [f"it did not come to rest within {seconds:g} s"]
    for seen in board:
        if seen.state in AT_REST:
            continue
        lines.append(f"{seen.run.title} ({seen.run.task_id}) is {seen.state}")
        for step in seen.steps:
            if step["state"] not in _ENDED:
                explanation = call_one(
                    connection, "explain_step", task_id=seen.run.task_id, step_name=step["name"]
                )
                lines.append(f"  {step['name']} is {step['state']}: {explanation['reason']}")
    return "\n".join(lines)
