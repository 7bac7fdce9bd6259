"""JSON taken apart: its leaves with their paths, and quick looks for what cannot be stored or is large. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

__all__ = ["Path", "has_long_number", "is_larger", "is_unicode", "leaves"]

Path = tuple[str | int, ...]

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_MANY_DIGITS = b"0" * 19  # as 2^63 has


def has_long_number(data: bytes) -> bool:
    """Whether JSON has so many digits in a row that an integer in it may go beyond 64 bits."""
    return _MANY_DIGITS in data.translate(_DIGITS)


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, so that it can be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All that is no container, with keys of objects among them, in order."""
    match value:
        case Mapping():
            for key, item in cast("Mapping[str, Any]", value).items():
                yield path, key
                yield from leaves(item, (*path, key))
        case list():
            for index, item in enumerate(cast("list[Any]", value)):
                yield from leaves(item, (*path, index))
        case _:
            yield path, value


def is_larger(value: Any, most: int) -> bool:
    """Whether there are more than so many values in it, itself among them."""
    left: list[Any] = [value]
    for _ in range(most):
        if not left:
            return False
        part = left.pop()
        match part:
            case Mapping():
                inner = cast("Mapping[str, Any]", part).values()
            case list():
                inner = cast("list[Any]", part)
            case _:
                continue
        if len(inner) > most:
            return True
        left.extend(inner)
    return bool(left)
