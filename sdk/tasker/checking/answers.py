"""What a decision may answer, by its result schema. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tasker.checking.fields import allows_type
from tasker_grammar.contracts import Schema

__all__ = ["Answers", "read_answers"]


@dataclass(frozen=True, slots=True)
class Answers:
    """The branches that a decision may choose, and whether several of them at once.

    `names` and `several` are None where its schema does not say.
    """

    names: frozenset[str] | None = None
    several: bool | None = None


def read_answers(schema: Schema | None) -> Answers | None:
    """What the schema of a decision's stored result says; None when it allows no list of names.

    That result is always an array: of one name, where the handler returned a text.
    """
    if schema is None or schema is True:
        return Answers()
    if schema is False:
        return None
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema and "type" not in schema:
            ways = [read_answers(way) for way in cast("list[Schema]", schema[keyword])]
            return _either([way for way in ways if way is not None])
    if not allows_type(schema, "array"):
        return None
    if "$ref" in schema:
        return Answers()
    if "const" in schema or "enum" in schema:
        return _read_values([schema["const"]] if "const" in schema else schema["enum"])
    most: Any = schema.get("maxItems")
    if most == 0:
        return Answers(frozenset(), False)
    if "prefixItems" in schema:
        return Answers()
    items: Any = schema.get("items")
    names = _read_names(items)
    if names is None and not allows_type(items, "string"):
        return None
    return Answers(names, (most is None or most > 1) and (names is None or len(names) > 1))


def _either(ways: list[Answers]) -> Answers | None:
    if not ways:
        return None
    names = [way.names for way in ways if way.names is not None]
    several = [way.several for way in ways]
    return Answers(
        frozenset[str]().union(*names) if len(names) == len(ways) else None,
        True if True in several else (None if None in several else False),
    )


def _read_values(values: list[Any]) -> Answers | None:
    lists = [cast("list[Any]", value) for value in values if isinstance(value, list)]
    answers = [names for names in lists if all(isinstance(name, str) for name in names)]
    if not answers:
        return None
    names = frozenset(name for answer in answers for name in answer)
    return Answers(names, any(len(set(answer)) > 1 for answer in answers))


def _read_names(items: Any) -> frozenset[str] | None:
    if not isinstance(items, Mapping):
        return None
    schema = cast("Mapping[str, Any]", items)
    if "const" in schema:
        return frozenset([schema["const"]]) if isinstance(schema["const"], str) else None
    if isinstance(schema.get("enum"), list):
        values: list[Any] = schema["enum"]
        return frozenset(value for value in values if isinstance(value, str))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            each = [_read_names(way) for way in schema[keyword]]
            known = [names for names in each if names is not None]
            return frozenset[str]().union(*known) if len(known) == len(each) else None
    return None
