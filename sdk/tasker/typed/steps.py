"""The typed steps, one function each. In their expressions `.` is what the step is given. Pure.

All raise `DefinitionError` for a type that has no JSON Schema. `name` is the id that the step has in a composition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from tasker.typed.outside import Endpoint, Event, Table, produced, taken
from tasker.typed.step import Build, Built, Names, Step, after, apply, close, join, narrower
from tasker.typed.values import Both, Parted, Saved, Sent

__all__ = [
    "acquire",
    "assert_that",
    "both",
    "emit",
    "fan_out",
    "gate",
    "partition",
    "persist",
    "persist_all",
    "same",
    "transform",
    "validate",
    "wait",
]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

Mode = Literal["insert_once", "upsert", "update"]


def transform(takes: type[A], gives: type[B], value: str, *, name: str = "made") -> Step[A, B]:
    """Make one value of another: `value` is an expression."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "transform", "value": apply(value, given), "output": taken(gives)}

    return Step(taken(takes), produced(gives), _one(name, fields))


def same(type_: type[A]) -> Step[A, A]:
    """Give what is given; for a side of `both`."""

    def build(value: str, before: frozenset[str], _: Names) -> Built:
        return Built((), value, before)

    return Step(taken(type_), None, build)


def validate(type_: type[A], *, name: str = "valid") -> Step[object, A]:
    """Hold anything against a type. A misfit ends the composition with VALIDATION_FAILED."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "validate", "value": given, "schema": taken(type_)}

    return Step(True, taken(type_), _one(name, fields))


def partition(type_: type[A], *, name: str = "parted") -> Step[Sequence[object], Parted[A]]:
    """Hold each item of a list against a type, and give those that fit apart from those that do not."""

    def fields(given: str) -> dict[str, Any]:
        schema = taken(type_)
        return {"kind": "validate", "value": given, "schema": schema, "on_failure": "partition"}

    return Step({"type": "array"}, taken(Parted[type_]), _one(name, fields))


def assert_that(
    type_: type[A], that: str, *, code: str, message: str, name: str = "checked"
) -> Step[A, A]:
    """Give what is given, if the expression `that` holds of it; else the composition ends with `code`."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "assert", "that": apply(that, given), "code": code, "message": message}

    return Step(taken(type_), None, _beside(name, fields))


def wait(type_: type[A], duration: str, *, name: str = "waited") -> Step[A, A]:
    """Give what is given, after a time as "30s" or "2h"."""

    def fields(_: str) -> dict[str, Any]:
        return {"kind": "wait", "for": duration}

    return Step(taken(type_), None, _beside(name, fields))


def gate(
    type_: type[A],
    *,
    title: str,
    show: str = ".",
    approvers: Sequence[str] = (),
    timeout: str | None = None,
    name: str = "approval",
) -> Step[A, A]:
    """Give what is given, once a person has said yes. `title` and `show` are expressions: what is asked, and what is
    shown to decide by. A no ends the composition with REJECTED, no answer within `timeout` with EXPIRED.
    """

    def fields(given: str) -> dict[str, Any]:
        asked = {"kind": "gate", "title": apply(title, given), "show": apply(show, given)}
        limits = {"approvers": [*approvers] or None, "timeout": timeout}
        return asked | {key: value for key, value in limits.items() if value is not None}

    return Step(taken(type_), None, _beside(name, fields))


def acquire(source: Endpoint[A, B], *, name: str = "fetched") -> Step[A, B]:
    """Read an endpoint, which is asked for what the step is given."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "acquire", "resource": source.name, "params": given}

    claim = source.claim
    outside = {("endpoint", source.name): claim}
    return Step(claim.params, claim.result, _one(name, fields), "C301", outside)


def persist(table: Table[A], *, mode: Mode = "upsert", name: str = "saved") -> Step[A, Saved]:
    """Write the row that the step is given."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "persist", "resource": table.name, "mode": mode, "row": given}

    outside = {("table", table.name): table.claim}
    return Step(table.claim.row, produced(Saved), _one(name, fields), "C305", outside)


def persist_all(
    table: Table[A], *, mode: Mode = "upsert", name: str = "saved"
) -> Step[Sequence[A], Saved]:
    """Write the rows that the step is given: all of them, or none."""

    def fields(given: str) -> dict[str, Any]:
        return {"kind": "persist", "resource": table.name, "mode": mode, "rows": given}

    outside = {("table", table.name): table.claim}
    rows = {"type": "array", "items": table.claim.row}
    return Step(rows, produced(Saved), _one(name, fields), "C305", outside)


def emit(event: Event[A], *, key: str | None = None, name: str = "sent") -> Step[A, Sent]:
    """Send an event that carries what the step is given. `key`: an expression that gives a text; the same event is
    sent once for it.
    """

    def fields(given: str) -> dict[str, Any]:
        sent = {"kind": "emit", "event": event.name, "payload": given}
        return sent if key is None else {**sent, "key": apply(key, given)}

    outside = {("event", event.name): event.claim}
    return Step(event.claim.payload, produced(Sent), _one(name, fields), "C306", outside)


def fan_out(
    each: Step[A, B], *, max_items: int, concurrency: int = 4, name: str = "each"
) -> Step[Sequence[A], list[B]]:
    """Do a step for each item of a list, several at a time. The order is kept."""

    def build(value: str, before: frozenset[str], names: Names) -> Built:
        own = names.choose(name)
        steps, result = close(each.build(".item", frozenset(), names), names)
        fields = {
            "id": own,
            "kind": "fan_out",
            "over": value,
            "max_items": max_items,
            "concurrency": concurrency,
            "steps": list(steps),
            "result": result,
        }
        return Built((after(fields, before),), f".{own}")

    accepts = {"type": "array", "items": each.accepts}
    gives = {"type": "array", "items": each.output}
    return Step(accepts, gives, build, "C307", each.outside)


def both(left: Step[A, B], right: Step[A, C], *, name: str = "both") -> Step[A, Both[B, C]]:
    """Do two steps with the same input, and give what both gave."""
    accepts = narrower(left.accepts, right.accepts)

    def build(value: str, before: frozenset[str], names: Names) -> Built:
        one = left.build(value, before, names)
        two = right.build(value, before, names)
        own = names.choose(name)
        made = {
            "id": own,
            "kind": "transform",
            "value": f"{{left: {one.value}, right: {two.value}}}",
        }
        steps = (*one.steps, *two.steps, after(made, one.before | two.before))
        return Built(steps, f".{own}")

    gives = {
        "type": "object",
        "properties": {"left": left.output, "right": right.output},
        "required": ["left", "right"],
        "additionalProperties": False,
    }
    return Step(accepts, gives, build, outside=join(left.outside, right.outside))


def _one(wanted: str, fields: Callable[[str], dict[str, Any]]) -> Build:
    """A step that gives something of its own."""

    def build(value: str, before: frozenset[str], names: Names) -> Built:
        own = names.choose(wanted)
        return Built((after({"id": own, **fields(value)}, before),), f".{own}")

    return build


def _beside(wanted: str, fields: Callable[[str], dict[str, Any]]) -> Build:
    """A step that lets its input through, and holds up what follows."""

    def build(value: str, before: frozenset[str], names: Names) -> Built:
        own = names.choose(wanted)
        return Built((after({"id": own, **fields(value)}, before),), value, frozenset({own}))

    return build
