"""Turns the rows of a write into what PostgreSQL reads as the types of its columns. Pure.

PostgreSQL reads more than it should be told by data: "now" and "tomorrow" are times, and 03/04/2026 is a day that
depends on a setting. Of dates and times only RFC 3339 passes here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tasker.actions.table_shape import Shape
from tasker_grammar.world import ActionFailed

__all__ = ["encode_rows"]

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?"
_OFFSET = r"(?:[Zz]|[+-]\d{2}:\d{2})"
_TIMES = {
    "date": re.compile(_DATE),
    "time": re.compile(_TIME),
    "timetz": re.compile(_TIME + _OFFSET),
    "timestamp": re.compile(f"{_DATE}[Tt ]{_TIME}"),
    "timestamptz": re.compile(f"{_DATE}[Tt ]{_TIME}{_OFFSET}"),
}
_DOCUMENTS = frozenset({"json", "jsonb"})


def encode_rows(shape: Shape, rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a JSON array. Raises ActionFailed (CONSTRAINT) for what no column of that type can hold."""
    made = [{name: _value(shape, name, value) for name, value in row.items()} for row in rows]
    return json.dumps(made, allow_nan=False)


def _value(shape: Shape, name: str, value: object) -> Any:
    column = shape.columns[name]
    if column.kind in _DOCUMENTS:
        return value
    if column.is_array and isinstance(value, list):
        return [_value(shape, name, item) for item in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # 1.0 is an integer, though not to PostgreSQL
    times = _TIMES.get(column.kind)
    well_formed = isinstance(value, str) and times is not None and times.fullmatch(value)
    if times is not None and value is not None and not well_formed:
        raise ActionFailed("CONSTRAINT", f"{name} is no {column.type} as RFC 3339 writes it")
    return cast("Any", value)
