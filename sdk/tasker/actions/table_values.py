"""Turns the rows of a write into what PostgreSQL reads as the types of its columns. Pure.

PostgreSQL reads more than it should be told by data: "now" and "tomorrow" are times, also as an end of a range, and
03/04/2026 is a day that depends on a setting. Of dates and times only RFC 3339 passes here, of numbers what is one: not
"NaN", and not "0x1F".
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
_RFC = "as RFC 3339 writes it"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"), "in digits"
_RANGE = re.compile(r"(?!.*(?:now|today|tomorrow|yesterday)).*", re.I | re.S), "whose ends stay"
_WRITTEN: Mapping[str, tuple[re.Pattern[str], str]] = {
    "date": (re.compile(_DATE), _RFC),
    "time": (re.compile(_TIME), _RFC),
    "timetz": (re.compile(_TIME + _OFFSET), _RFC),
    "timestamp": (re.compile(f"{_DATE}[Tt ]{_TIME}"), _RFC),
    "timestamptz": (re.compile(f"{_DATE}[Tt ]{_TIME}{_OFFSET}"), _RFC),
    **dict.fromkeys(("numeric", "float4", "float8"), _NUMBER),
    **dict.fromkeys(("daterange", "tsrange", "tstzrange"), _RANGE),
    **dict.fromkeys(("datemultirange", "tsmultirange", "tstzmultirange"), _RANGE),
    "bytea": (re.compile(r"\\x(?:[0-9a-fA-F]{2})*"), "in hexadecimal digits behind \\x"),
}
"""How texts must be written for some kinds of columns, and how that is told. Of times, all values are texts."""
_TIMES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz"})
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
    pattern, how = _WRITTEN.get(column.kind, (None, ""))
    if isinstance(value, str):
        fits = pattern is None or pattern.fullmatch(value)
    else:
        fits = value is None or column.kind not in _TIMES
    if not fits:
        raise ActionFailed("CONSTRAINT", f"{name} is no {column.type} {how}")
    return cast("Any", value)
