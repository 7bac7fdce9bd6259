"""What someone may have meant. Pure, and quick to import."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]

_LONGEST_NAME = 100
_MOST_NAMES = 20_000


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """`Did you mean "this"?` when one of `names` is near to `name`, else nothing. Looks at a bounded number of them."""
    known = [each for each, _ in zip(names, range(_MOST_NAMES), strict=False)]
    near = difflib.get_close_matches(str(name)[:_LONGEST_NAME], known, n=1)
    return f'Did you mean "{near[0]}"?' if near else ""
