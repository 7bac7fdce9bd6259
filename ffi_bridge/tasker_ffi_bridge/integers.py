"""Finds integers that JSON's reader would turn into other numbers. Pure.

Beyond 64 bits an integer is read as a float. Where that writes the same digits, as JavaScript's numbers do, nothing is
lost; else it would be another number, without a word.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tasker_grammar.contracts import path_text
from tasker_grammar.leaves import has_long_number, leaves

__all__ = ["find_altered"]

_ALTERED = object()


def find_altered(line: bytes, member: str) -> str | None:
    """Where in a member of the line's object such an integer stands; None in most lines, which is quick to say."""
    if not has_long_number(line):
        return None
    try:
        found = leaves(json.loads(line, parse_int=_read)[member])
        return next((path_text(path) for path, leaf in found if leaf is _ALTERED), None)
    except RecursionError:  # nested so deep that it cannot be stored either
        return None


def _read(digits: str) -> Any:
    value = Decimal(digits)
    if -(2**63) <= value < 2**64 or value == Decimal(repr(float(digits))):
        return value
    return _ALTERED
