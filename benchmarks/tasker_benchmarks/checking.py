"""How long checking a composition of 20 invocations takes. Pure but for the clock.

Each composition has fields of its own names, so that no two have an expression or a schema in common: what the checker
keeps of earlier ones does not help it. Beside that, the same composition checked again.
"""

from __future__ import annotations

import time
from typing import Any

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.resources import Resources

__all__ = ["measure"]

INVOCATIONS = 20
_WARM_UP = 20


def measure(checks: int) -> tuple[list[float], list[float]]:
    """The seconds that each check takes: of compositions that are all new, and of one that is checked again."""
    new = [_time(*_make(number)) for number in range(checks + _WARM_UP)]
    same = _make(0)
    again = [_time(*same) for _ in range(checks)]
    return new[_WARM_UP:], again


def _time(composition: dict[str, Any], resources: Resources) -> float:
    began = time.perf_counter()
    report = check_composition(composition, resources, bundled())
    took = time.perf_counter() - began
    if report.program is None:
        raise AssertionError([str(finding) for finding in report.findings])
    if report.program.cost.work < INVOCATIONS:
        raise AssertionError(f"these are {report.program.cost.work} invocations")
    return took


def _closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _make(number: int) -> tuple[dict[str, Any], Resources]:
    """A composition of 20 invocations of all kinds that there are, with names of its own; and its resources."""
    key, sku, sum_, qty = (f"{name}_{number}" for name in ("key", "sku", "sum", "qty"))
    line = _closed(**{sku: {"type": "string"}, qty: {"type": "integer", "minimum": 1}})
    order = _closed(**{key: {"type": "string"}, "lines": {"type": "array", "items": line}})
    price = _closed(**{"cents": {"type": "integer"}, "note": {"type": ["string", "null"]}})
    params = _closed(**{key: {"type": "string"}})
    row = _closed(**{key: {"type": "string"}, sum_: {"type": "integer"}})
    resources = Resources.model_validate(
        {
            "endpoints": {
                "orders": {"base_url": "https://a.example", "params": params, "result": order},
                "prices": {"base_url": "https://b.example", "params": params, "result": price},
            },
            "tables": {"orders": {"table": "orders", "row": row, "key": [key]}},
            "events": {"placed": {"payload": row}},
        }
    )
    branches = [
        {"id": "small", "kind": "transform", "value": f'{{route: "auto", of: .order.{key}}}'},
        {"id": "asked", "kind": "gate", "title": f'"Accept \\(.order.{key}) of \\(.total)?"'},
        {"id": "large", "kind": "transform", "value": '{route: "asked", of: (.asked.by // "")}'},
    ]
    steps: list[dict[str, Any]] = [
        {"id": "order", "kind": "acquire", "resource": "orders", "params": f"{{{key}: .input.{key}}}"},
        {"id": "lines", "kind": "transform", "value": f".order.lines | map(select(.{qty} > 0))"},
        {
            "id": "priced",
            "kind": "fan_out",
            "over": ".lines",
            "max_items": 1,
            "result": "line",
            "steps": [
                {"id": "price", "kind": "acquire", "resource": "prices", "params": f"{{{key}: .item.{sku}}}"},
                {"id": "line", "kind": "transform", "value": f"{{cents: (.price.cents * .item.{qty})}}"},
            ],
        },
        {"id": "total", "kind": "transform", "value": "[.priced[].cents] | add // 0"},
        {"id": "some", "kind": "assert", "that": "(.lines | length) > 0", "code": "NO_LINES"},
        {
            "id": "route",
            "kind": "decide",
            "cases": [{"name": "small", "when": ".total < 100000", "then": ["small"]}],
            "else": ["asked", "large"],
        },
        *branches,
        {"id": "routed", "kind": "converge", "needs": ["small", "large"], "mode": "created"},
        {
            "id": "accepted",
            "kind": "transform",
            "value": '(.routed.small.route // .routed.large.route) // "none"',
        },
        {"id": "held", "kind": "validate", "value": ".order", "schema": order},
        {"id": "later", "kind": "wait", "for": "1s", "needs": ["held"]},
        {
            "id": "row",
            "kind": "transform",
            "needs": ["later", "some"],
            "value": f"{{{key}: .held.{key}, {sum_}: .total}}",
            "output": row,
        },
        {"id": "saved", "kind": "persist", "resource": "orders", "mode": "upsert", "row": ".row"},
        {"id": "told", "kind": "emit", "event": "placed", "payload": ".row", "key": f".row.{key}", "needs": ["saved"]},
        {
            "id": "report",
            "kind": "transform",
            "value": '"\\(.lines | length) lines, \\(.total) cents, \\(.accepted)"',
        },
        {
            "id": "result",
            "kind": "transform",
            "value": "{report: .report, event: .told.event_id, changed: .saved.changed, wide: (.total > 5)}",
        },
    ]  # fmt: skip
    return {
        "name": f"order_{number}",
        "input": params,
        "steps": steps,
        "result": "result",
    }, resources
