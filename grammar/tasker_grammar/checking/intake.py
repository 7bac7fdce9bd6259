"""Takes in what was written, whatever it is: a copy that is JSON and of bounded size, or what is wrong with it.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tasker_grammar.findings import Finding
from tasker_grammar.leaves import is_unicode
from tasker_grammar.telling import pointer

__all__ = ["FRAGMENT", "WRITTEN", "Limits", "take"]

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken in: values and keys, characters of text in all, and how deep they may be nested."""

    nodes: int
    characters: int
    depth: int


WRITTEN = Limits(nodes=50_000, characters=1_000_000, depth=64)
"""For what people write."""

FRAGMENT = Limits(nodes=10_000, characters=100_000, depth=32)
"""For what is proposed at run time."""

_LARGEST = 2**63
_DEEPEST_TOLD = 8


class _Refused(Exception):
    """What was found, wherever the reading stood."""

    def __init__(self, code: str, path: Path, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(code, "error", message, path=pointer(path[:_DEEPEST_TOLD]))


def take(raw: object, limits: Limits) -> tuple[Any, Finding | None]:
    """A copy of plain objects, lists, texts and numbers; or, beside None, why there is none."""
    try:
        return _Taking(limits).copy(raw, ()), None
    except _Refused as refused:
        return None, refused.finding


class _Taking:
    """Counts what was copied so far."""

    __slots__ = ("_characters", "_limits", "_nodes")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._nodes = limits.nodes
        self._characters = limits.characters

    def copy(self, value: object, path: Path) -> Any:
        self._nodes -= 1
        if self._nodes < 0:
            raise _Refused("P003", (), f"there are more than {self._limits.nodes} values in it")
        match value:
            case str():
                return self._text(value, path)
            case None | bool():
                return value
            case int() if -_LARGEST <= value < _LARGEST:
                return int(value)
            case float() if math.isfinite(value):
                return float(value)
            case int() | float():
                raise _Refused("P001", path, "a number is beyond 64 bits, or not finite")
            case Mapping() | list() | tuple() if len(path) >= self._limits.depth:
                what = f"it is nested more than {self._limits.depth} deep"
                raise _Refused("P003", path, what)
            case Mapping():
                fields = cast("Mapping[object, object]", value)
                return {
                    self._key(k, path): self.copy(v, (*path, str(k))) for k, v in fields.items()
                }
            case list() | tuple():
                items = cast("list[object]", value)
                return [self.copy(item, (*path, at)) for at, item in enumerate(items)]
            case _:
                raise _Refused("P001", path, f"this is no JSON: {type(value).__name__}")

    def _key(self, key: object, path: Path) -> str:
        if not isinstance(key, str):
            raise _Refused("P001", path, f"a key is no text: {type(key).__name__}")
        return self._text(key, path)

    def _text(self, text: str, path: Path) -> str:
        self._characters -= len(text)
        if self._characters < 0:
            what = f"it has more than {self._limits.characters} characters"
            raise _Refused("P003", (), what)
        if "\0" in text or not is_unicode(text):
            raise _Refused("P001", path, "a text has a NUL, or half of a surrogate pair")
        return str(text)
