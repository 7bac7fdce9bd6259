"""Templates as people read them. Pure functions from JSON to rich renderables."""

import json
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

_SPANS = ("time_limit", "attempt_time_limit", "step_time_limit", "retry.base", "retry.cap")


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


def draw_template(found: Row, now: datetime) -> RenderableType:
    """Draw a template with its graph, as get_template gives it, or as it was found in a file.

    That has no `created_at`, and it has `environments`; as it is in one of them also `environment` and `changes`.
    """
    definition: Row = found["definition"]
    limit = definition.get("time_limit")
    schema = definition.get("input_schema")
    registered_at = parse_time(found["created_at"])
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
                ("environments", ", ".join(found.get("environments", ()))),
            ]
        ),
        Text(),
        draw_template_graph(definition["steps"]),
    ]
    if "environment" in found:
        parts += [Text(), _draw_changes(found["environment"], found["changes"])]
    if schema:
        parts += [Text(), Text("Input schema", style="bold"), JSON.from_data(schema)]
    return Group(*parts)


def _draw_changes(environment: str, changes: Sequence[Row]) -> RenderableType:
    """Draw what an environment changes: on which step, which value, and from what to what."""
    if not changes:
        return Text(f"The environment {environment} changes nothing here.", style="dim")
    table = make_table("STEP", "FIELD", "ELSEWHERE", f"IN {environment}")
    for change in changes:
        table.add_row(
            Text(change["step"] or "the template", style="bold" if change["step"] else "dim"),
            change["field"],
            Text(_write_value(change["field"], change["before"]), style="dim"),
            Text(_write_value(change["field"], change["after"]), style="yellow"),
        )
    return Group(Text(f"Changed in {environment}", style="bold"), table)


def _write_value(field: str, value: Any) -> str:
    if value is not None and field in _SPANS:
        return format_span(value)
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
