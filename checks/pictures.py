"""The pictures in the documentation that Tasker draws itself: one workflow, as a template and as a task under way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pages import ROOT

from tasker.drawing.svg import to_svg
from tasker.drawing.tasks import graph_task
from tasker.drawing.templates import graph_template

IMAGES = ROOT / "docs" / "images"

Json = dict[str, Any]


def draw_pictures() -> Iterator[tuple[Path, str]]:
    """Each picture's file, and what is in it."""
    yield IMAGES / "template.svg", to_svg(graph_template(DEFINITION))
    yield IMAGES / "task.svg", to_svg(graph_task(TASK, list(_steps()), DEFINITION, []))


def _define(name: str, *depends_on: str, kind: str = "standard", **more: Any) -> Json:
    handler = f"shop.{name}"
    return {"name": name, "handler": handler, "kind": kind, "depends_on": depends_on, **more}


DEFINITION: Json = {
    "namespace": "shop",
    "name": "orders",
    "version": "1.0.0",
    "steps": [
        _define("validate_cart"),
        _define("choose_payment", "validate_cart", kind="decision"),
        _define("charge_card", "choose_payment", compensate={"handler": "shop.refund"}),
        _define("send_invoice", "choose_payment"),
        _define("reserve_stock", "validate_cart"),
        _define("paid", "charge_card", "send_invoice", kind="deferred_convergence"),
        _define("list_parcels", "paid", "reserve_stock", kind="batchable"),
        _define("pack_parcel", "list_parcels", kind="batch_worker"),
        _define("shipped", "pack_parcel", kind="deferred_convergence"),
    ],
}
TASK: Json = {
    **{"namespace": "shop", "template": "orders", "version": "1.0.0", "state": "in_progress"},
    "task_id": "0199a4c1-7b00-7000-8000-0000000000a1",
}
# Those of the others that the task has are complete.
_STATES = {
    "send_invoice": [],
    "pack_parcel": [
        *(["complete"] * 6),
        *["in_progress", "in_progress", "waiting_for_retry"],
        *(["enqueued"] * 3),
    ],
    "shipped": ["pending"],
}


def _steps() -> Iterator[Json]:
    number = 0
    for step in DEFINITION["steps"]:
        states = _STATES.get(step["name"], ["complete"])
        for instance, state in enumerate(states):
            number += 1
            yield {
                "step_no": number,
                "name": step["name"] + (f"/{instance}" if len(states) > 1 else ""),
                **{"kind": step["kind"], "state": state, "depends_on": list(step["depends_on"])},
                **{"attempt": 2 if step["name"] == "reserve_stock" else 1, "max_attempts": 3},
                **{"error": None, "undoes": None, "origin_no": None},
            }
