"""The JSON Schema of compositions as they are written, for editors: made from the fields of the primitives. Pure.

It says less than the checker, which alone knows the arguments, the resources, the types and the graph.
"""

from __future__ import annotations

from typing import Any

from tasker_grammar.composition import Composition
from tasker_grammar.step_schemas import step_definitions, tidied

__all__ = ["composition_schema"]

_PARAMETER = {"$ref": "#/$defs/filled_in"}
_FIXED = ("id", "kind", "needs")
_FILLED_IN: dict[str, Any] = {
    "type": "object",
    "properties": {"$param": {"type": "string"}},
    "required": ["$param"],
    "additionalProperties": False,
    "description": "Stands for a parameter.",
}


def composition_schema() -> dict[str, Any]:
    """The schema of a document that is one composition; a parameter may stand for any field of a step but its id, its
    kind and its needs.
    """
    whole = tidied(Composition.model_json_schema(by_alias=True))
    definitions = step_definitions(lambda part: _fillable(tidied(part)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "description": "A composition: steps that run as one step of a task.",
        "$defs": {**whole["$defs"], "filled_in": _FILLED_IN, **definitions},
    }


def _fillable(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: part if name in _FIXED else {"anyOf": [part, _PARAMETER]}
        for name, part in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema
