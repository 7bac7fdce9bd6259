"""The JSON Schemas of steps, made from the fields of the primitives: what those of compositions and of fragments have
in common. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from tasker_grammar.primitives import PRIMITIVES

__all__ = ["step_definitions", "tidied"]

_STEP = {"$ref": "#/$defs/step"}
_ANY_STEP: dict[str, Any] = {"type": "object", "additionalProperties": True}


def step_definitions(change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """What a `step` is, by kind; and by name, what their fields refer to. Each but the first was changed so."""
    kinds = [{"$ref": f"#/$defs/{kind}"} for kind in PRIMITIVES]
    definitions: dict[str, Any] = {"step": {"oneOf": kinds}}
    for kind, primitive in PRIMITIVES.items():
        own = primitive.fields.model_json_schema(by_alias=True)
        own["properties"]["kind"] = {"const": kind}
        definitions |= {name: change(part) for name, part in own.pop("$defs", {}).items()}
        definitions[kind] = {**change(own), "description": primitive.summary}
    return definitions


def tidied(schema: Any, instead: Callable[[dict[str, Any]], Any] = lambda part: None) -> Any:
    """The schema without pydantic's titles, and with steps where steps stand; and where `instead` has something for a
    part, with that.
    """
    if isinstance(schema, list):
        return [tidied(item, instead) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast("dict[str, Any]", schema)
    if (other := instead(fields)) is not None:
        return other
    if fields.get("type") == "array" and fields.get("items") == _ANY_STEP:
        fields = {**fields, "items": _STEP}
    return {
        key: tidied(value, instead)
        for key, value in fields.items()
        if not (key == "title" and isinstance(value, str))  # a property may be called so, too
    }
