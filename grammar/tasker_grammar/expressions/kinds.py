"""Of what kind a value is. Pure."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_list", "is_object", "is_true", "kind_of"]


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a list."""
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object."""
    return isinstance(value, dict)


def is_true(value: Any) -> bool:
    """Whether a condition takes it for true: all but null and false."""
    return value is not None and value is not False


def kind_of(value: Any) -> str:
    """The word for what it is, as jq has it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _:
            return "array" if isinstance(value, list) else "object"
