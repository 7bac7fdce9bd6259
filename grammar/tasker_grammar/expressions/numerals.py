"""Which numbers may be written, and computed with. Pure.

jq keeps a number as it is written and computes with doubles; this keeps what JSON in Python is, `int` and `float`. The
two agree below 2^53, and on numbers that are written in the shortest way: nothing else is let in.
"""

from __future__ import annotations

from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At

__all__ = ["LIMIT", "parse"]

LIMIT = 2**53
"""Integers at and above it are not all doubles: what is computed stays below."""


def parse(text: str, at: At) -> int | float:
    """The number that stands for itself. Raises Fault where jq would make another of it."""
    if "e" in text or "E" in text:
        raise Fault("X002", at, f"the number {text} has an exponent", "Write its digits out.")
    if text.isdecimal():
        whole = int(text)
        if whole >= LIMIT:
            hint = f"Up to {LIMIT - 1} all are. Pass it in as data if it is only moved."
            raise Fault("X002", at, f"the number {text} is too large to be exact", hint)
        if str(whole) != text:
            raise Fault("X002", at, f"the number {text} has a needless zero", f"Write {whole}.")
        return whole
    value = float(text)
    short = _plain(value)
    if value >= LIMIT or short != text:
        hint = f"Write {short}." if value < LIMIT else ""
        raise Fault("X002", at, f"the number {text} is not in its shortest form", hint)
    return value


def _plain(value: float) -> str:
    """The shortest digits that mean this double, without an exponent."""
    text = repr(value)
    if "e-" not in text:
        return text
    digits, exponent = text.split("e-")
    return "0." + "0" * (int(exponent) - 1) + digits.replace(".", "")
