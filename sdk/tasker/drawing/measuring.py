"""How wide texts are, and how large the box of a node: estimates, for what draws them may choose any face. Pure."""

from __future__ import annotations

import unicodedata
from math import ceil

from tasker.drawing.graph import Node

__all__ = ["LINE", "NAME", "WIDEST", "cut", "measure", "width_of"]

NAME, LINE = 13.0, 11.0  # sizes of type
WIDEST = 250.0  # of a text in a box
_NARROW = frozenset("iljtfrI.,:;'|![]()/ ")
_BROAD = frozenset("mwMW@%—…")


def measure(node: Node) -> tuple[float, float]:
    """How wide and high the box of a node is."""
    texts = [width_of(node.name, NAME) * 1.12, *(width_of(line, LINE) for line in node.lines)]
    slanted = 24 if node.kind in ("decision", "deferred_convergence", "batchable") else 0
    return ceil(min(max(texts), WIDEST) + 26 + slanted), 24.0 + 15 * len(node.lines) + 6


def width_of(text: str, size: float) -> float:
    """About how wide a text is in a usual face."""
    return sum(map(_share, text)) * size


def _share(char: str) -> float:
    if char in _NARROW:
        return 0.34
    if char in _BROAD:
        return 0.9
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    return 0.72 if char.isupper() else 0.58


def cut(text: str, width: float, size: float) -> str:
    """A text that fits: of one that is too long its beginning and its end."""
    if width_of(text, size) <= width:
        return text
    keep = max(int(len(text) * width / width_of(text, size)) - 2, 2)
    return f"{text[: ceil(keep / 2)]}…{text[len(text) - keep // 2 :]}"
