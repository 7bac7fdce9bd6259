"""Limits as people read them. Pure functions from JSON to rich renderables."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from tasker.cli.tables import make_table
from tasker.cli.times import format_span

Row = Mapping[str, Any]


def draw_limits(limits: Sequence[Row]) -> RenderableType:
    """Draw limits with their numbers, as list_limits gives them."""
    if not limits:
        return Text(
            "No limit yet: templates bring theirs; tasker limit set queue:NAME sets a queue's.",
            style="dim",
        )
    table = make_table("LIMIT", "COUNTS", "AT ONCE", "RATE", "RUNNING", "IN LINE")
    for limit in limits:
        table.add_row(
            limit["name"],
            f"{limit['unit']}s",
            _number(limit["concurrency"]),
            "any"
            if limit["rate"] is None
            else f"{limit['rate']} in {format_span(limit['period_seconds'])}",
            str(limit["running"]) if limit["concurrency"] is not None else "",
            str(limit["in_line"]),
        )
    return table


def draw_keys(limit: str, keys: Sequence[Row]) -> RenderableType:
    """Draw the keys of a limit, as list_limit_keys gives them."""
    if not keys:
        return Text(f"Nothing runs under {limit}, and nothing stands in line.", style="dim")
    table = make_table("KEY", "RUNNING", "IN LINE", "OLDEST")
    for key in keys:
        age = key["oldest_age_seconds"]
        table.add_row(
            key["key"] or "(none)",
            str(key["running"]),
            str(key["in_line"]),
            "" if age is None else format_span(age),
        )
    return table


def _number(value: int | None) -> str:
    return "any" if value is None else str(value)
