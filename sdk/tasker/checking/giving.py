"""What a step gives to those that depend on it, and what a field of theirs takes, as schemas. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from tasker_grammar.contracts import Schema

if TYPE_CHECKING:
    from tasker.template import Kind, StepDefinition

__all__ = ["given_schema", "read_field"]

_DEFINITIONS = ("$defs", "definitions", "$schema")
"""What a part of a schema cannot be read without: what it refers to, and which dialect it is of."""
_NAMES: Schema = {"type": "array", "items": {"type": "string"}}
_FAILURE: Schema = {
    "type": "object",
    "properties": {"instance": {"type": "integer"}, "input": True, "error": {"type": "object"}},
    "required": ["instance", "input", "error"],
    "additionalProperties": False,
}


def given_schema(step: StepDefinition, to: Kind) -> Schema | None:
    """What a step gives to one of kind `to`; None where nothing is said of it.

    A batch gives its worker one item. The workers of a batch together give an array, or, where it goes
    on without those that fail, their results and failures. So do dynamic steps give an array.
    """
    schema = step.result_schema
    match step.kind:
        case "decision":
            return _NAMES if schema is None else schema
        case "batchable" if to == "batch_worker":
            return _items(schema)
        case "batch_worker" if step.batch.on_failure == "continue":
            return _within(schema, _results)
        case "batch_worker" | "dynamic":
            return _within(schema, _array)
        case _:
            return schema


def read_field(schema: Mapping[str, Any], name: str) -> Schema:
    """What one field of an object takes, as a schema by itself."""
    part: Schema = schema.get("properties", {}).get(name, True)
    return _with_definitions(part, schema)


def _items(schema: Schema | None) -> Schema | None:
    if not isinstance(schema, Mapping) or "prefixItems" in schema:
        return None
    items = cast("Schema | None", schema.get("items"))
    return None if items is None else _with_definitions(items, schema)


def _array(part: Schema) -> dict[str, Any]:
    return {"type": "array", "items": part}


def _results(part: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"results": _array(part), "failures": _array(_FAILURE)},
        "required": ["results", "failures"],
        "additionalProperties": False,
    }


def _within(schema: Schema | None, around: Any) -> Schema | None:
    """A schema as a part of another: what it defines moves to the top, where its references look for it."""
    if not isinstance(schema, Mapping):
        return None if schema is None else around(schema)
    own = {key: value for key, value in schema.items() if key not in _DEFINITIONS}
    return _with_definitions(around(own), schema)


def _with_definitions(part: Schema, whole: Mapping[str, Any]) -> Schema:
    shared = {key: whole[key] for key in _DEFINITIONS if key in whole}
    return {**part, **shared} if shared and isinstance(part, Mapping) else part
