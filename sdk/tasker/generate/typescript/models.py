"""Types for TypeScript: interfaces, by json-schema-to-typescript. Starts Node."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, cast

import orjson

from tasker.errors import GenerateError
from tasker.generate.typescript.tool import run_tool

__all__ = ["write_interfaces"]

_ROOT = "EveryType"
# What it says of where each type is referred to, which is of no use to a reader.
_REFERENCED = re.compile(
    r"(^ *\*\n)?^ *\* This interface was referenced by `\w+`'s JSON-Schema\n^ *\* via the `definition` \"\w+\"\.\n",
    re.MULTILINE,
)


def write_interfaces(definitions: Mapping[str, Mapping[str, Any]], named: Collection[str]) -> str:
    """Declarations of types, one a definition; those that are `named` must be in it. Raises GenerateError."""
    if not definitions:
        return ""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in definitions},
        "$defs": {name: _prepare(told) for name, told in definitions.items()},
    }
    text = run_tool(
        "types.mjs",
        orjson.dumps({"name": _ROOT, "schema": schema}).decode(),
    )
    for name in named:
        if not re.search(rf"^export (interface|type) {name}\b", text, re.MULTILINE):
            raise GenerateError(f"json-schema-to-typescript has given {name} another name")
    text = re.sub(rf"^export interface {_ROOT} \{{.*?^\}}\n", "", text, flags=re.M | re.S)
    return _REFERENCED.sub("", text).replace("/**\n */\n", "")


def _prepare(schema: Any) -> Any:
    """A schema in the words of the drafts that the generator reads."""
    if isinstance(schema, list):
        return [_prepare(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", schema).items():
        if key in ("properties", "patternProperties"):
            made[key] = {name: _prepare(each) for name, each in value.items()}
        else:
            made[key] = value if key in ("const", "enum", "required") else _prepare(value)
    if "prefixItems" in made:
        rest = made.pop("items", True)
        made = {"minItems": 0, **made, "items": made["prefixItems"], "additionalItems": rest}
        del made["prefixItems"]
    if made.get("type") == "object" and not made.keys() & {"properties", "patternProperties"}:
        made.setdefault("additionalProperties", True)
    return made
