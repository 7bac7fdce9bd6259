"""What dynamic steps stand for that came of a fragment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tasker.names import FRAGMENT_STEP

__all__ = ["part_of"]

Row = Mapping[str, Any]


def part_of(row: Row) -> str | None:
    """Which step of a fragment a dynamic step is, as the fragment calls it; None for any other step."""
    given: Any = row.get("input") if row.get("handler") == FRAGMENT_STEP else None
    values = cast("Row", given).get("values") if isinstance(given, Mapping) else None
    if not isinstance(values, Mapping):
        return None
    named: Any = cast("Row", values).get("$step", "the fragment")
    return str(named)
