"""Templates as people read them. Pure functions from JSON to rich renderables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.text import Text

from tasker.cli.graph_view import draw_template_graph
from tasker.cli.tables import make_facts, make_heading, make_table
from tasker.cli.times import format_moment, format_span, parse_time

Row = Mapping[str, Any]


def draw_templates(templates: Sequence[Row], now: datetime) -> RenderableType:
    """Draw the registered templates, as list_templates gives them."""
    if not templates:
        return Text(
            "No template is registered. Register one: tasker template register FILE", style="dim"
        )
    table = make_table("TEMPLATE", "VERSION", "STEPS", "REGISTERED", "DESCRIPTION")
    for template in templates:
        table.add_row(
            f"{template['namespace']}/{template['name']}",
            template["version"] + (" (paused)" if template["paused"] else ""),
            str(template["steps"]),
            format_moment(parse_time(template["created_at"]), now),
            template["description"] or "",
        )
    return table


def draw_template(definition: Row, registered_at: datetime | None, now: datetime) -> RenderableType:
    """Draw a definition with its graph; `registered_at` is None for one that is only in a file."""
    limit = definition.get("time_limit")
    schema = definition.get("input_schema")
    parts: list[RenderableType] = [
        make_heading(f"{definition['namespace']}/{definition['name']}", definition["version"]),
        make_facts(
            [
                ("description", definition.get("description")),
                (
                    "registered",
                    format_moment(registered_at, now) if registered_at else "not by this command",
                ),
                ("time limit", format_span(limit) if limit is not None else None),
                (
                    "metadata",
                    JSON.from_data(definition["metadata"], indent=None)
                    if definition.get("metadata")
                    else None,
                ),
            ]
        ),
        Text(),
        draw_template_graph(definition["steps"]),
    ]
    if schema:
        parts += [Text(), Text("Input schema", style="bold"), JSON.from_data(schema)]
    return Group(*parts)
