"""Values as text, as jq writes them. Pure."""

from __future__ import annotations

import json
from typing import Any

from tasker_grammar.expressions.evaluation import DataError, Meter
from tasker_grammar.expressions.kinds import is_list, is_object
from tasker_grammar.expressions.numerals import LIMIT

__all__ = ["to_json", "to_text"]

_SMALLEST = 1e-4


def to_text(value: Any, meter: Meter) -> str:
    """A text as it is, anything else as JSON. Raises DataError: see `to_json`."""
    return value if isinstance(value, str) else to_json(value, meter)


def to_json(value: Any, meter: Meter) -> str:
    """JSON without spaces. Raises DataError for a number of which jq keeps how it was written: very small, or large and
    no integer."""
    pieces: list[str] = []
    _write(value, meter, pieces)
    return "".join(pieces)


def _write(value: Any, meter: Meter, pieces: list[str]) -> None:
    if is_list(value):
        _write_parts("[", [("", item) for item in value], "]", meter, pieces)
    elif is_object(value):
        named = [(f"{_quoted(name, meter)}:", item) for name, item in value.items()]
        _write_parts("{", named, "}", meter, pieces)
    else:
        pieces.append(_scalar(value, meter))


def _write_parts(
    start: str, parts: list[tuple[str, Any]], end: str, meter: Meter, pieces: list[str]
) -> None:
    meter.spend(len(parts) + 1)
    pieces.append(start)
    for index, (name, value) in enumerate(parts):
        pieces.append(f"{',' if index else ''}{name}")
        _write(value, meter, pieces)
    pieces.append(end)


def _scalar(value: Any, meter: Meter) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value, meter)
        case _:
            return _number(value)


def _quoted(text: str, meter: Meter) -> str:
    meter.spend(len(text) // 16 + 1)
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _number(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    if not value or _SMALLEST <= abs(value) < LIMIT:
        return repr(value)
    raise DataError("DATA_ERROR", f"the number {value!r} has no single way to be written as text")
