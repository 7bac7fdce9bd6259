"""How names, places and values are told in findings. Pure, and quick to import."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from itertools import islice

__all__ = ["Hints", "did_you_mean", "list_first", "list_nearest", "pointer", "show"]

_LONGEST_NAME = 100
_MOST_NAMES = 20_000
_MOST_LOOKED_AT = 60_000


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """`Did you mean "this"?` when one of `names` is near to `name`, else nothing. Looks at a bounded number of them."""
    known = [each for each, _ in zip(names, range(_MOST_NAMES), strict=False)]
    near = difflib.get_close_matches(str(name)[:_LONGEST_NAME], known, n=1)
    return f'Did you mean "{near[0]}"?' if near else ""


class Hints:
    """Finds which of `names` was meant, for a bounded number of wrong ones: each costs a look at all names."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._left = _MOST_LOOKED_AT

    def find(self, name: str, *, besides: str = "") -> str:
        """As `did_you_mean`, of all names but one; nothing once that has taken too long."""
        self._left -= len(self._names)
        others = (other for other in self._names if other != besides)
        return did_you_mean(name, others) if self._left >= 0 else ""


def list_first(names: Collection[str], most: int = 20) -> str:
    """The first of the names, and how many more there are."""
    more = len(names) - most
    return ", ".join(islice(names, most)) + (f" and {more} more" if more > 0 else "")


def list_nearest(name: str, names: Iterable[str], most: int = 5) -> str:
    """The names that are nearest to `name`, the nearest first, and how many more there are; of a bounded number."""
    known = [each for each, _ in zip(names, range(_MOST_NAMES), strict=False)]
    near = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=most, cutoff=0)
    more = len(known) - len(near)
    return ", ".join(near) + (f" and {more} more" if more else "")


def pointer(path: Iterable[str | int]) -> str:
    """A path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def show(value: object) -> str:
    """A value in a message: what it is, and no more of it than fits into a line."""
    match value:
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            text = repr(value) if abs(value) < 1e15 else "a large number"
        case _:
            text = repr(str(value)[:61])
    return text if len(text) <= 60 else f"{text[:57]}..."
