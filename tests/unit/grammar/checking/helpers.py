"""Compositions and fragments in short, and what the checker says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.grammar.primitives.examples import ORDER, RESOURCES, TEXT, closed

from tasker_grammar.catalog import Catalog
from tasker_grammar.checking import Report, check_composition, check_fragment
from tasker_grammar.composition import Bounds, Composition
from tasker_grammar.resources import Resources
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import Field, Object

Step = dict[str, Any]

GIVEN = Object({"input": Field(type_of(ORDER))})
UNGATED = Bounds(gate_writes=False)

LABELLED = Resources.model_validate(
    {
        "labels": ["public", "internal", "personal"],
        "endpoints": {
            "orders": {"base_url": "https://a.test", "params": closed(id=TEXT), "result": ORDER},
            "people": {
                "base_url": "https://b.test",
                "label": "personal",
                "accepts": "internal",
                "params": closed(id=TEXT),
                "result": {"type": "array", "maxItems": 9, "items": closed(id=TEXT)},
            },
        },
        "events": {
            "open": {"payload": closed(id=TEXT)},
            "closed": {"payload": closed(id=TEXT), "accepts": "personal"},
        },
    }
)


def step(id: str, kind: str = "transform", **fields: Any) -> Step:
    return {"id": id, "kind": kind, **({"value": "1"} if kind == "transform" else {}), **fields}


def decide(id: str, **branches: list[str]) -> Step:
    """A decision between branches, by the input; one called `other` is its else."""
    named = {name: then for name, then in branches.items() if name != "other"}
    cases = [
        {"name": name, "when": f".input.total > {number}", "then": then}
        for number, (name, then) in enumerate(named.items())
    ]
    return {"id": id, "kind": "decide", "cases": cases, "else": branches.get("other", [])}


def gate(id: str, **fields: Any) -> Step:
    return step(id, "gate", title='"Go on?"', **fields)


def emit(id: str, payload: str = "{id: .input.id}", event: str = "paid", **fields: Any) -> Step:
    return step(id, "emit", event=event, payload=payload, **fields)


def check(
    *steps: Step,
    result: str = "done",
    resources: Resources = RESOURCES,
    own: Catalog | None = None,
    **more: Any,
) -> Report:
    raw: Mapping[str, Any] = {
        "name": "example",
        "input": ORDER,
        "steps": list(steps),
        "result": result,
        **more,
    }
    return check_composition(raw, resources, own or Catalog(()))


def propose(
    *steps: Step,
    result: str = "done",
    bounds: Bounds | None = None,
    own: Catalog | None = None,
    given: Object = GIVEN,
    **more: Any,
) -> Report:
    raw = {"version": "1", "steps": list(steps), "result": result}
    return check_fragment(raw, RESOURCES, own or Catalog(()), given, bounds=bounds, **more)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def catalog(**steps: list[Step]) -> Catalog:
    """Compositions by name, whose result is their last step."""
    return Catalog(
        tuple(
            Composition.model_validate({"name": n, "steps": each, "result": each[-1]["id"]})
            for n, each in steps.items()
        )
    )
