"""Finds integers that JSON's reader would turn into other numbers. Pure.

Beyond 64 bits an integer is read as a float. Where that writes the same digits, as JavaScript's numbers do, nothing is
lost; else it would be another number, without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from tasker_grammar.contracts import path_text

__all__ = ["find_altered"]

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_MANY_DIGITS = b"0" * 19
_ALTERED = object()

Path = tuple[str | int, ...]


def find_altered(line: bytes, member: str) -> str | None:
    """Where in a member of the line's object such an integer stands; None in most lines, which is quick to say."""
    if _MANY_DIGITS not in line.translate(_DIGITS):
        return None
    try:
        path = _find(json.loads(line, parse_int=_read)[member], ())
    except RecursionError:  # nested so deep that it cannot be stored either
        return None
    return None if path is None else path_text(path)


def _read(digits: str) -> Any:
    value = Decimal(digits)
    if -(2**63) <= value < 2**64 or value == Decimal(repr(float(digits))):
        return value
    return _ALTERED


def _find(value: Any, path: Path) -> Path | None:
    parts: Iterable[tuple[str | int, Any]]
    match value:
        case dict():
            parts = cast("dict[str, Any]", value).items()
        case list():
            parts = enumerate(cast("list[Any]", value))
        case _:
            return path if value is _ALTERED else None
    found = (_find(part, (*path, key)) for key, part in parts)
    return next((where for where in found if where is not None), None)
