"""References inside of a schema: what a `$ref` leads to. Pure; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

__all__ = ["Part", "follow", "resolve", "with_definitions"]

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


def _steps(ref: str) -> list[str]:
    return [
        unquote(step).replace("~1", "/").replace("~0", "~")
        for step in ref.removeprefix("#").split("/")[1:]
    ]
