"""The JSON Schema of fragments: what may be proposed, for editors, and for models whose answers are held to one. It is
made from the fields of the primitives. Pure.

It says less than the checker, which alone knows the resources, the types and the graph.
"""

from __future__ import annotations

from typing import Any, cast

from tasker_grammar.checking.reading import Kinds
from tasker_grammar.composition import Fragment
from tasker_grammar.primitives import PRIMITIVES

__all__ = ["fragment_schema"]

_STEP = {"$ref": "#/$defs/step"}
_ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}
_NAME = {"type": "string", "description": "The name of a schema among the resources."}


def fragment_schema(kinds: Kinds = PRIMITIVES) -> dict[str, Any]:
    """The schema of a fragment whose steps are of these kinds."""
    definitions: dict[str, Any] = {
        "step": {
            "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
            "discriminator": {"propertyName": "kind"},
        }
    }
    for kind, primitive in kinds.items():
        own = primitive.fields.model_json_schema(by_alias=True)
        definitions |= {name: _mend(part) for name, part in own.pop("$defs", {}).items()}
        own["properties"]["kind"] = {"const": kind}
        definitions[kind] = {**_mend(own), "description": primitive.summary}
    whole = _mend(Fragment.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "description": "Steps that are proposed for a running task.",
        "$defs": definitions,
    }


def _mend(schema: Any) -> Any:
    """The schema without titles, with steps where steps stand, and names where a fragment can only name a schema."""
    match schema:
        case {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "boolean"}, *rest]}:
            return {"anyOf": [_NAME, *rest]} if rest else _NAME
        case {"type": "array", "items": items} if items == _ANY_OBJECT:
            return {**{k: v for k, v in schema.items() if k != "title"}, "items": _STEP}
        case dict():
            fields = cast("dict[str, Any]", schema)
            return {k: _mend(v) for k, v in fields.items() if not _is_title(k, v)}
        case list():
            return [_mend(item) for item in cast("list[Any]", schema)]
        case _:
            return schema


def _is_title(key: str, value: object) -> bool:
    """Whether it is pydantic's title; a property may be called so, too."""
    return key == "title" and isinstance(value, str)
