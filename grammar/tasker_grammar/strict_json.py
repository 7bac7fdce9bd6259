"""Reads JSON that comes from outside, and takes only what can be kept as it is. Pure.

JSON as it is found in the world says things that systems read differently, or that the database cannot store: keys
given twice, NaN, numbers beyond all bounds, NUL characters, halves of surrogate pairs, nesting without end. None of
them passes.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn, cast

from tasker_grammar.leaves import is_unicode

__all__ = ["MAX_DEPTH", "NotStrict", "read_json"]

MAX_DEPTH = 64
"""How many arrays and objects may stand within each other."""

_LONGEST_NUMBER = 400  # characters; a float needs no more than 330 or so


class NotStrict(ValueError):
    """This is no JSON, or JSON that is not taken; the message says why, and holds nothing of the text."""


def read_json(data: bytes | str, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text (UTF-8, a byte order mark is passed over). Raises NotStrict."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except NotStrict:
        raise
    except UnicodeDecodeError as error:
        raise NotStrict(f"byte {error.start} is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotStrict(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise NotStrict(f"it is nested more than {max_depth} deep") from None
    _check(value, max_depth)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotStrict("an object has a key twice")
    return made


def _constant(_: str) -> NoReturn:
    raise NotStrict("it holds NaN or an infinity, which JSON has not")


def _float(text: str) -> float:
    number = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if not math.isfinite(number):
        raise NotStrict("a number is too large to be kept")
    return number or 0.0  # never the negative zero, over which systems differ


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else 2**64
    if not -(2**63) <= number < 2**64:
        raise NotStrict("an integer goes beyond 64 bits")
    return number


def _check(root: Any, max_depth: int) -> None:
    """Look at every text and at the depth, level by level."""
    level: list[Any] = [root]
    depth = 0
    while level:
        inner: list[Any] = []
        containers = 0
        for value in level:
            match value:
                case str():
                    _check_text(value)
                case dict():
                    containers += 1
                    held = cast("dict[str, Any]", value)
                    for key in held:
                        _check_text(key)
                    inner.extend(held.values())
                case list():
                    containers += 1
                    inner.extend(cast("list[Any]", value))
                case _:
                    pass
        if containers and depth == max_depth:
            raise NotStrict(f"it is nested more than {max_depth} deep")
        level, depth = inner, depth + 1


def _check_text(text: str) -> None:
    if "\0" in text:
        raise NotStrict("a text holds a NUL character, which PostgreSQL cannot store")
    if not is_unicode(text):
        raise NotStrict("a text holds half of a surrogate pair, which is no text")
