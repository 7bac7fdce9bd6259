"""Reads a document's data as the fields of a template, around what is wrong in it. Pure.

One mistake should not hide the next. So what is missing or of the wrong type is noted and replaced by
something harmless, until the rest can be read and checked. What was replaced is remembered: what would
follow from it alone is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tasker.checking.codes import ABOUT_FIELDS, CODES
from tasker.errors import Fault
from tasker.yaml_fields import TemplateFields
from tasker.yaml_source import Document, Path

__all__ = ["Reading", "read_fields"]

_MOST_ROUNDS = 6

# What says how steps hang together, and what they give to each other.
_SHAPING = frozenset(
    {"name", "type", "step_type", "dependencies", "depends_on", "expands", "batch_config"}
)

_PLACEHOLDERS: Mapping[str, Callable[[Path], Any]] = {
    "name": lambda path: (
        "ALL" if path[0] == "environments" else " ".join(map(str, ("unnamed", *path[1:-1])))
    ),
    "namespace_name": lambda _: "unknown",
    "version": lambda _: "0",
    "callable": lambda _: "unknown",
    "handler": lambda _: {"callable": "unknown"},
    "steps": lambda _: [{"name": "unknown", "handler": {"callable": "unknown"}}],
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document says; `fields` is None where too little of it can be read."""

    fields: TemplateFields | None
    mistakes: tuple[ErrorDetails, ...] = ()
    replaced: frozenset[Path] = frozenset()

    def can_tell(self, fault: Fault) -> bool:
        """Whether a fault would be there without what was replaced."""
        reshaped = any(_is_shaping(path) for path in self.replaced)
        known = CODES.get(fault.code)  # those of the action grammar are its own
        if reshaped and (known is None or known.topic not in ABOUT_FIELDS):
            return False
        if fault.severity == "error":
            return True
        return not any(path[:2] == fault.path[:2] for path in self.replaced)


def read_fields(document: Document) -> Reading:
    """A number where a text is meant is taken as it was written: `version: 1.10` is not 1.1."""
    data: Any = document.data
    mistakes: list[ErrorDetails] = []
    replaced: set[Path] = set()
    for _ in range(_MOST_ROUNDS):
        try:
            fields = TemplateFields.model_validate(data)
        except ValidationError as error:
            found = error.errors(include_url=False)
        else:
            return Reading(fields, tuple(mistakes), frozenset(replaced))
        if not isinstance(data, dict):
            return Reading(None, tuple(found))
        if data is document.data:
            data = deepcopy(document.data)
        texts = [each for each in found if _is_text(each, document)]
        for each in texts:
            _put(data, each["loc"], document.texts[each["loc"]])
        for each in found if not texts else ():
            if each["loc"] not in replaced:
                mistakes.append(each)
            replaced.add(each["loc"])
            _replace(data, each)
    return Reading(None, tuple(mistakes))


def _is_text(error: ErrorDetails, document: Document) -> bool:
    return error["type"] == "string_type" and error["loc"] in document.texts


def _is_shaping(path: Path) -> bool:
    if path[:1] != ("steps",):
        return False
    return len(path) <= 2 or path[2] in _SHAPING


def _replace(data: Any, error: ErrorDetails) -> None:
    path = error["loc"]
    if error["type"] == "two_names":
        names = str(error.get("ctx", {}).get("both", "")).split(" and ")
        _find(data, path).pop(names[0], None)
        return
    if not path:
        return
    around, last = _find(data, path[:-1]), path[-1]
    if isinstance(last, int):
        step = {"name": f"unnamed {last}", "handler": {"callable": "unknown"}}
        around[last] = step if path[:-1] == ("steps",) else "unknown"
    elif error["type"] == "missing":
        around[last] = _PLACEHOLDERS[str(last)](path)
    else:
        around.pop(last, None)


def _find(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def _put(data: Any, path: Path, value: str) -> None:
    _find(data, path[:-1])[path[-1]] = value
