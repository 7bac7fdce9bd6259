"""The meta-schema of JSON Schema 2020-12 as one definition, so that editors need no network for schemas in a template.

The published one is eight documents that find each other by URL, and by dynamic references, which few editors follow.
"""

from __future__ import annotations

from typing import Any

from jsonschema_specifications import REGISTRY

NAME = "JsonSchema"
REF = {"$ref": f"#/$defs/{NAME}"}

_BASE = "https://json-schema.org/draft/2020-12/meta/"
_PARTS = (
    *(
        "core",
        "applicator",
        "unevaluated",
        "validation",
        "meta-data",
        "format-annotation",
        "content",
    ),
)


def define_schema() -> dict[str, Any]:
    """The definitions, by name: that of a schema, and what it refers to."""
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for part in _PARTS:
        contents: Any = REGISTRY.contents(_BASE + part)
        properties |= _adapt(contents["properties"])
        definitions |= {
            f"{NAME}.{name}": _adapt(d) for name, d in contents.get("$defs", {}).items()
        }
    return {NAME: {"type": ["object", "boolean"], "properties": properties}, **definitions}


def _adapt(value: Any) -> Any:
    match value:
        case {"$dynamicRef": "#meta", **rest}:
            return {**_adapt(rest), **REF}
        case {"$ref": ref, **rest} if isinstance(ref, str):
            return {**_adapt(rest), "$ref": f"#/$defs/{NAME}.{ref.rpartition('/')[2]}"}
        case dict():
            return {key: _adapt(item) for key, item in value.items()}
        case list():
            return [_adapt(item) for item in value]
        case _:
            return value
