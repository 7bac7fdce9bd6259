"""The JSON Schema of compositions as they are written, for editors: made from the fields of the primitives. Pure.

It says less than the checker, which alone knows the arguments, the resources, the types and the graph.
"""

from __future__ import annotations

from typing import Any, cast

from tasker_grammar.composition import Composition
from tasker_grammar.primitives import PRIMITIVES

__all__ = ["composition_schema"]

_STEP = {"$ref": "#/$defs/step"}
_ANY_STEP: dict[str, Any] = {"type": "object", "additionalProperties": True}
_PARAMETER = {"$ref": "#/$defs/filled_in"}
_FIXED = ("id", "kind", "needs")


def composition_schema() -> dict[str, Any]:
    """The schema of a document that is one composition; a parameter may stand for any field of a step but its id, its
    kind and its needs.
    """
    definitions: dict[str, Any] = {
        "step": {"oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in PRIMITIVES]},
        "filled_in": {
            "type": "object",
            "properties": {"$param": {"type": "string"}},
            "required": ["$param"],
            "additionalProperties": False,
            "description": "Stands for a parameter.",
        },
    }
    for kind, primitive in PRIMITIVES.items():
        own = primitive.fields.model_json_schema(by_alias=True)
        own["properties"]["kind"] = {"const": kind}
        inner = own.pop("$defs", {})
        definitions |= {name: _fillable(_tidy(part)) for name, part in inner.items()}
        definitions[kind] = {**_fillable(_tidy(own)), "description": primitive.summary}
    whole = _tidy(Composition.model_json_schema(by_alias=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "description": "A composition: steps that run as one step of a task.",
        "$defs": {**whole["$defs"], **definitions},
    }


def _fillable(schema: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: part if name in _FIXED else {"anyOf": [part, _PARAMETER]}
        for name, part in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties} if properties else schema


def _tidy(schema: Any) -> Any:
    """Without titles, and with steps where steps stand."""
    if isinstance(schema, list):
        return [_tidy(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast("dict[str, Any]", schema)
    if fields.get("type") == "array" and fields.get("items") == _ANY_STEP:
        fields = {**fields, "items": _STEP}
    return {
        key: _tidy(value)
        for key, value in fields.items()
        if not (key == "title" and isinstance(value, str))
    }
