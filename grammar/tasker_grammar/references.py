"""References inside of a schema: what a `$ref` leads to. Pure; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

__all__ = ["Part", "follow", "inline", "resolve", "with_definitions"]

Part = Mapping[str, Any] | bool
"""A schema, or a part of one that is a schema itself."""

_CONTAINERS = ("$defs", "definitions")


def resolve(part: Part, root: Part) -> Part:
    """What a part is, where it only refers to another."""
    for _ in range(32):
        if isinstance(part, bool) or "$ref" not in part:
            return part
        part = follow(str(part["$ref"]), root)
    return part


def follow(ref: str, root: Part) -> Part:
    """The part of `root` that a reference like `#/$defs/name` leads to; anything where there is none."""
    part: Any = root
    for step in _steps(ref):
        if isinstance(part, list):
            items = cast("list[Any]", part)
            part = items[int(step)] if step.isdecimal() and int(step) < len(items) else {}
        elif isinstance(part, Mapping):
            part = cast("Mapping[str, Any]", part).get(step, {})
        else:
            return {}
    return cast("Part", part) if isinstance(part, Mapping | bool) else {}


def with_definitions(part: Part, root: Part, refs: frozenset[str]) -> Part:
    """The part as a schema of its own, with the definitions of `root` that the references lead into."""
    if isinstance(part, bool) or isinstance(root, bool):
        return part
    into = {tuple(_steps(ref)[:2]) for ref in refs}
    kept = {
        container: {name: root[container][name] for at, name in sorted(into) if at == container}
        for container in _CONTAINERS
        if any(at == container for at, *_ in into) and container in root
    }
    return {**{key: value for key, value in part.items() if key not in _CONTAINERS}, **kept}


def inline(schema: Part) -> Part | None:
    """The schema with what its references lead to in their place, so that it can stand within another; None where one
    leads around in a circle.
    """
    if isinstance(schema, bool):
        return schema
    own = {key: value for key, value in schema.items() if key not in _CONTAINERS}
    try:
        return cast("Part", _inline(own, schema, ()))
    except RecursionError:
        return None


def _inline(value: Any, root: Part, within: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_inline(item, root, within) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    ref = fields.get("$ref")
    if not isinstance(ref, str):
        return {key: _inline(item, root, within) for key, item in fields.items()}
    if ref in within:
        raise RecursionError
    found = _inline(follow(ref, root), root, (*within, ref))
    beside = {key: item for key, item in fields.items() if key != "$ref"}
    return {**found, **beside} if beside else found


def _steps(ref: str) -> list[str]:
    return [
        unquote(step).replace("~1", "/").replace("~0", "~")
        for step in ref.removeprefix("#").split("/")[1:]
    ]
