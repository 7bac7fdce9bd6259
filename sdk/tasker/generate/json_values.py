"""Parsed JSON, looked at: what of it is an object or a list. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

__all__ = ["items_of", "members_of"]


def members_of(value: Any) -> Mapping[str, Any]:
    """The members of an object; none of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def items_of(value: Any) -> list[Any]:
    """The items of a list; none of anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []
