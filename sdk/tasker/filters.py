"""Which tasks are meant: the filter language, from its text to what `tasker.list_tasks` takes. Pure.

    state=error,blocked_by_failures template=shop/order tag=vip created>2d failed=charge error~"card declined"

Terms stand side by side, and all must fit. What is read here is only the form; the database says what is wrong with the
rest, so that all languages agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import orjson

from tasker.errors import InvalidInputError
from tasker.priority import Priority, priority_number

__all__ = ["Filter", "merge_filters", "parse_filter", "serialize_filter"]

Filter = str | Mapping[str, Any]
"""A text in the filter language, or an object as `tasker.list_tasks` takes it."""

_NAMED = {
    "state", "namespace", "template", "tag", "failed", "error", "fingerprint", "priority",
    "correlation_id", "parent", "rerun_of",
}  # fmt: skip
_TIMED = {"created", "started", "completed"}
_SIDES = {">": "after", "<": "before"}
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s",]+)'
_TERM = re.compile(rf"(?P<key>\w+)(?P<sign>[=~<>])(?P<values>{_VALUE}(?:,{_VALUE})*)(?=\s|$)")
_AGO = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+")
_HOW = (
    'Write terms such as state=error,blocked_by_failures template=shop/order tag=vip created>2d error~"no money", '
    "side by side; all must fit."
)


def parse_filter(text: str) -> dict[str, Any]:
    """The filter that a text says. Raises InvalidInputError with the term that is wrong, where it stands, and why."""
    found: dict[str, Any] = {}
    at = _skip(text, 0)
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            word = text[at:].split()[0]
            raise InvalidInputError(
                f"filter, character {at + 1}: {word!r} is no term{_find_fault(text[at:], word)}",
                _HOW,
            )
        try:
            found = merge_filters(found, _read_term(match["key"], match["sign"], match["values"]))
        except InvalidInputError as error:
            raise InvalidInputError(
                f"filter, character {at + 1}: {error.message}", error.hint
            ) from None
        at = _skip(text, match.end())
    return found


def merge_filters(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The filter that fits what both fit. Raises InvalidInputError where both name one thing, except tags and times."""
    merged = dict(one)
    for key, value in other.items():
        if key not in merged:
            merged[key] = value
        elif key == "tag":
            merged[key] = [*merged[key], *value]
        elif key in _TIMED and not merged[key].keys() & value.keys():
            merged[key] = {**merged[key], **value}
        elif key in _TIMED:
            raise InvalidInputError(
                f"two times on one side of {key}",
                f"Give at most one it is later than and one it is earlier than: {key}>3d {key}<2d",
            )
        else:
            raise InvalidInputError(
                f"{key} is given twice", f"Separate several values with commas: {key}=a,b"
            )
    return merged


def serialize_filter(given: Filter | None) -> str:
    """The filter as JSON text for the database; None is all tasks. Raises InvalidInputError."""
    found = parse_filter(given) if isinstance(given, str) else dict(given or {})
    try:
        return orjson.dumps(found).decode()
    except TypeError as error:
        raise InvalidInputError(f"the filter is not JSON: {error}", _HOW) from None


def _read_term(key: str, sign: str, text: str) -> dict[str, Any]:
    values = list(_split(text))
    if sign == "=" and key in _NAMED:
        return {key: [_read_priority(v) for v in values] if key == "priority" else values}
    if sign == "~" and key == "error":
        return {"message": values}
    if sign in _SIDES and key in _TIMED and len(values) == 1:
        return {key: {_SIDES[sign]: _read_time(values[0])}}
    raise InvalidInputError(
        f"{key}{sign}{text} means nothing",
        f"There are {', '.join(f'{name}=' for name in sorted(_NAMED))}, error~TEXT, and"
        f" {', '.join(f'{name}> {name}<' for name in sorted(_TIMED))}, each of one time.",
    )


def _split(text: str) -> Iterator[str]:
    for value in re.findall(_VALUE, text):
        yield re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _find_fault(rest: str, word: str) -> str:
    """What is wrong with the text of no term, as the end of a sentence; empty where it cannot be told."""
    if "!=" in word:
        return ": there is no !=; name the values that are wanted"
    if re.fullmatch(r"\w+[=~<>]", word):
        return ": it has no value"
    if len(re.findall(r'(?<!\\)"', rest)) % 2:
        return ": its quotation mark is not closed"
    return ""


def _read_priority(text: str) -> int | str:
    """The number of a class; one that is a number already is left to the database."""
    return text if re.fullmatch(r"-?\d+", text) else priority_number(cast("Priority", text))


def _read_time(text: str) -> str:
    """A time as the database takes it: how long ago, or a timestamp, which without a zone is local."""
    if _AGO.fullmatch(text):
        return text
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"{text!r} is no time",
            "Write 2030-01-31, 2030-01-31T12:00:00Z, or how long ago: 30m, 2d, 1h30m.",
        ) from None


def _skip(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())
