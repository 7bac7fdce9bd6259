"""The JSON Schema of fragments: what may be proposed, for editors, and for models whose answers are held to one. It is
made from the fields of the primitives. Pure.

It says less than the checker, which alone knows the resources, the types and the graph.
"""

from __future__ import annotations

from typing import Any

from tasker_grammar.composition import Fragment
from tasker_grammar.step_schemas import step_definitions, tidied

__all__ = ["fragment_schema"]

_NAME = {"type": "string", "description": "The name of a schema among the resources."}


def fragment_schema() -> dict[str, Any]:
    """The schema of a fragment."""
    definitions = step_definitions(lambda part: tidied(part, _named))
    definitions["step"]["discriminator"] = {"propertyName": "kind"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **tidied(Fragment.model_json_schema(), _named),
        "description": "Steps that are proposed for a running task.",
        "$defs": definitions,
    }


def _named(schema: dict[str, Any]) -> dict[str, Any] | None:
    """A name, where a composition may hold a schema: a fragment can only name one."""
    match schema:
        case {"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "boolean"}, *rest]}:
            return {"anyOf": [_NAME, *rest]} if rest else _NAME
        case _:
            return None
