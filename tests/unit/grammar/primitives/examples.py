"""Uses of each primitive, sound ones, on which it is tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker_grammar.catalog import Catalog
from tasker_grammar.composition import Composition
from tasker_grammar.conformance import Example
from tasker_grammar.resources import Resources


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT = {"type": "string"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer", "minimum": 0}
ORDER = closed(
    id=TEXT,
    total=NUMBER,
    lines={"type": "array", "maxItems": 5, "items": closed(sku=TEXT, quantity=COUNT)},
)
RECEIPT = {**closed(receipt=TEXT, note=TEXT), "required": ["receipt"]}

RESOURCES = Resources.model_validate(
    {
        "endpoints": {
            "orders": {"base_url": "https://shop.test", "params": closed(id=TEXT), "result": ORDER}
        },
        "tables": {"totals": {"table": "t", "key": ["id"], "row": closed(id=TEXT, total=NUMBER)}},
        "events": {"paid": {"payload": closed(id=TEXT)}},
        "actions": {
            "charge": {
                "handler": "shop.charge",
                "effect": "idempotent_write",
                "input": closed(total=NUMBER),
                "result": RECEIPT,
                "failures": ["CardDeclined"],
            },
            "price": {
                "handler": "shop.price",
                "effect": "read",
                "input": closed(total=NUMBER),
                "result": NUMBER,
            },
        },
        "schemas": {"order": ORDER},
    }
)

HALVE = Composition.model_validate(
    {
        "name": "halve",
        "input": NUMBER,
        "steps": [{"id": "half", "kind": "transform", "value": ".input / 2"}],
        "result": "half",
    }
)


def use(
    kind: str,
    others: Sequence[Mapping[str, Any]] = (),
    answers: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Example:
    step = {"id": "tried", "kind": kind, **fields}
    return Example(step, others, ORDER, RESOURCES, answers or {}, Catalog((HALVE,)))


def transform(id: str, value: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "kind": "transform", "value": value, **fields}


ACQUIRE = {"id": "read", "kind": "acquire", "resource": "orders", "params": "{id: .item.sku}"}
BRANCHES = [
    {
        "id": "size",
        "kind": "decide",
        "cases": [{"name": "large", "when": ".input.total > 1", "then": ["large"]}],
        "else": ["small"],
    },
    transform("large", ".input.total"),
    transform("small", '"small"'),
]
FAN_OUT: dict[str, Any] = {"over": ".input.lines", "max_items": 4, "result": "made"}
EACH = [ACQUIRE, transform("made", "{sku: .item.sku, at: .index, total: .read.total}")]

EXAMPLES: Mapping[str, Sequence[Example]] = {
    "transform": [
        use("transform", value="{id: .input.id, count: (.input.lines | length)}"),
        use("transform", value="1 / .input.total"),
        use("transform", value=".input", output="order"),
    ],
    "assert": [
        use("assert", that=".input.total > 0", code="NOT_PAID", message="it is not paid"),
        use("assert", that=".input.id == .input.id"),
    ],
    "validate": [
        use("validate", value=".input", schema={**ORDER, "required": ["id"]}),
        use("validate", value=".input.lines[0]", schema=closed(sku=TEXT, quantity=COUNT)),
        use(
            "validate",
            value=".input.lines",
            schema=closed(sku={"minLength": 2}, quantity=COUNT),
            on_failure="partition",
        ),
    ],
    "acquire": [
        use("acquire", resource="orders", params="{id: .input.id}", answers={"tried": ORDER})
    ],
    "decide": [
        use(
            "decide",
            cases=[
                {"name": "large", "when": ".input.total > 100", "then": []},
                {"when": "1 / .input.total < 0", "then": []},
            ],
        )
    ],
    "fan_out": [
        use("fan_out", steps=[transform("made", ".item.quantity * 2")], **FAN_OUT),
        use("fan_out", steps=EACH, concurrency=3, answers={"tried.read": ORDER}, **FAN_OUT),
        use(
            "fan_out",
            steps=[
                {"id": "some", "kind": "assert", "that": ".item.quantity > 3", "code": "NONE"},
                transform("made", ".item", needs=["some"]),
            ],
            on_item_error="skip",
            **FAN_OUT,
        ),
    ],
    "converge": [
        use("converge", BRANCHES, needs=["large", "small"]),
        use("converge", [{**BRANCHES[0], "else": []}, BRANCHES[1]], needs=["size", "large"]),
        use(
            "converge",
            [transform("one", "1"), transform("two", "2")],
            needs=["one", "two"],
            mode="all",
        ),
    ],
    "gate": [
        use(
            "gate",
            title='"Pay \\(.input.total)?"',
            show=".input",
            timeout="2d",
            answers={"tried": closed(approved={"type": "boolean"}, by=TEXT, note=TEXT)},
        ),
        use(
            "gate",
            title=".input.id",
            on_no="give",
            answers={"tried": closed(approved={"type": "boolean"}, expired={"type": "boolean"})},
        ),
    ],
    "persist": [
        use(
            "persist", resource="totals", mode="upsert", row="{id: .input.id, total: .input.total}"
        ),
        use(
            "persist",
            resource="totals",
            mode="insert_once",
            rows="[.input.lines[] | {id: .sku, total: .quantity}]",
        ),
    ],
    "emit": [
        use("emit", event="paid", payload="{id: .input.id}"),
        use("emit", event="paid", payload="{id: .input.id}", key=".input.id"),
    ],
    "wait": [
        use("wait", **{"for": "1h30m"}),
        use("wait", until=".input.id"),
        use("wait", until=".input.total"),
    ],
    "invoke": [
        use("invoke", action="charge", input="{total: .input.total}", answers={"tried": RECEIPT}),
        use("invoke", action="price", input="{total: .input.total}", answers={"tried": NUMBER}),
    ],
    "compose": [use("compose", composition="halve", input=".input.total")],
}
