"""Finds where one schema does not fit another, for people. Pure.

Whether it fits is not decided here: `locate` is given a judge, and follows it down into the parts
that it turns away. So what is said can be less exact than the verdict, but never contradicts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tasker_grammar.references import Part, resolve

__all__ = ["ANY_ELEMENT", "ANY_FIELD", "locate"]

Path = tuple[str | int, ...]

ANY_ELEMENT = -1
"""In a path: whichever element of an array."""

ANY_FIELD = "*"
"""In a path: whichever field of an object that has not been named."""

_NO_BOUNDS = frozenset({"type", "title", "description", "format", "properties", "default"})
_MOST_NAMES = 6
_LONGEST = 60
_TYPES_BY_KEYWORD = {"properties": "object", "items": "array"}


def locate(
    producer: dict[str, Any] | bool,
    consumer: dict[str, Any] | bool,
    fits: Callable[[Part, Part], bool],
) -> tuple[Path, str]:
    """The path to the first part of `producer` that does not fit, and why, as a clause."""
    return _Search(producer, consumer, fits).walk(producer, consumer, ())


@dataclass(frozen=True, slots=True)
class _Search:
    producer: Part
    consumer: Part
    judge: Callable[[Part, Part], bool]
    seen: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def walk(self, given: Part, taken: Part, path: Path) -> tuple[Path, str]:
        given, taken = resolve(given, self.producer), resolve(taken, self.consumer)
        self.seen.add((id(given), id(taken)))
        if isinstance(given, bool) or isinstance(taken, bool):
            return path, _contrast(given, taken)
        for branch in _branches(given):
            if self.misfits(branch, taken):
                return self.walk(branch, taken, path)
        accepting = _branches(taken)
        if accepting:
            return self.walk_branches(given, accepting, path)
        return (
            self.walk_object(given, taken, path)
            or self.walk_array(given, taken, path)
            or (
                path,
                _contrast(given, taken),
            )
        )

    def walk_branches(
        self, given: Mapping[str, Any], accepting: list[Part], path: Path
    ) -> tuple[Path, str]:
        alike = [
            branch
            for branch in accepting
            if _type_of(resolve(branch, self.consumer)) == _type_of(given)
        ]
        if len(alike) == 1 and self.misfits(given, alike[0]):
            return self.walk(given, alike[0], path)
        names = _either(summary(resolve(branch, self.consumer)) for branch in accepting)
        return path, f"takes {names}, is given {summary(given)}"

    def walk_object(
        self, given: Mapping[str, Any], taken: Mapping[str, Any], path: Path
    ) -> tuple[Path, str] | None:
        if _type_of(given) != "object" or _type_of(taken) != "object":
            return None
        has: Mapping[str, Part] = given.get("properties", {})
        wants: Mapping[str, Part] = taken.get("properties", {})
        sure = frozenset(given.get("required", ()))
        for name in taken.get("required", ()):
            if name not in sure:
                missing = "may be missing" if name in has else "is not given"
                return (*path, name), f"is required, but {missing}"
        given_rest, taken_rest = (s.get("additionalProperties", True) for s in (given, taken))
        names = [*has, *(name for name in wants if name not in has), ANY_FIELD]
        fields = [(n, has.get(n, given_rest), wants.get(n, taken_rest)) for n in names]
        # Plain values first: the way to the fault is shorter, and a recursive type has an end.
        for name, value, wanted in sorted(fields, key=lambda f: _is_nested(f[1])):
            if self.misfits(value, wanted):
                if wanted is False:
                    return (*path, name), "is given, but no such field is taken"
                return self.walk(value, wanted, (*path, name))
        return None

    def walk_array(
        self, given: Mapping[str, Any], taken: Mapping[str, Any], path: Path
    ) -> tuple[Path, str] | None:
        if _type_of(given) != "array" or _type_of(taken) != "array":
            return None
        if "prefixItems" in given or "prefixItems" in taken:
            return None
        value, wanted = given.get("items", True), taken.get("items", True)
        if not self.misfits(value, wanted):
            return None
        return self.walk(value, wanted, (*path, ANY_ELEMENT))

    def misfits(self, given: Part, taken: Part) -> bool:
        given, taken = resolve(given, self.producer), resolve(taken, self.consumer)
        if (id(given), id(taken)) in self.seen or given is False or taken is True:
            return False
        return not self.judge(given, taken)


def summary(part: Part) -> str:
    """A schema in a few words: "integer", "string (date-time)", "null or object", never many."""
    if isinstance(part, bool):
        return "anything" if part else "nothing"
    branches = _branches(part)
    if branches:
        return _either(summary(branch) for branch in branches)
    if "const" in part:
        return _shorten(repr(part["const"]))
    if "enum" in part:
        return _either(_shorten(repr(value)) for value in part["enum"])
    if "$ref" in part:
        return str(part["$ref"]).rsplit("/", 1)[-1]
    name = _type_of(part) or "anything"
    if name == "array" and "items" in part:
        return f"array of {summary(part['items'])}"
    note = part.get("format")
    return f"{name} ({note})" if note else name


def _shorten(text: str) -> str:
    """A text that may be long, as messages have it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _either(names: Iterable[str]) -> str:
    each = list(dict.fromkeys(names))
    rest = len(each) - _MOST_NAMES
    return " or ".join(each if rest < 2 else [*each[:_MOST_NAMES], f"{rest} more"])


def _is_nested(part: Part) -> bool:
    return not isinstance(part, bool) and _type_of(part) in (None, "object", "array")


def _contrast(given: Part, taken: Part) -> str:
    given_text, taken_text = summary(given), summary(taken)
    if given_text != taken_text:
        return f"takes {taken_text}, is given {given_text}"
    if isinstance(given, bool) or isinstance(taken, bool):
        return f"takes {taken_text} of another kind"
    bounds = [
        f"{key} {_shorten(str(value))}"
        for key, value in taken.items()
        if key not in _NO_BOUNDS and given.get(key) != value
    ]
    return f"takes {taken_text} with {', '.join(bounds) or 'other bounds'}"


def _branches(part: Mapping[str, Any]) -> list[Part]:
    return part.get("anyOf") or part.get("oneOf") or []


def _type_of(part: Part) -> str | None:
    if isinstance(part, bool):
        return None
    declared = part.get("type")
    if isinstance(declared, list):
        return " or ".join(cast("list[str]", declared))
    if declared is None:
        return next((t for key, t in _TYPES_BY_KEYWORD.items() if key in part), None)
    return declared
