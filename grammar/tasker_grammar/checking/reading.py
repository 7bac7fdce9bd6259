"""Reads steps: the fields of each, as its kind has them, and the names that its expressions refer to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from tasker_grammar.expressions import references
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Primitive, Source, StepFields, Ties
from tasker_grammar.shape import shape_findings
from tasker_grammar.telling import did_you_mean, show

__all__ = ["ITEM_NAMES", "Kinds", "Step", "id_of", "read_step"]

Kinds = Mapping[str, Primitive[Any, Any]]

ITEM_NAMES = frozenset({"item", "index"})
"""What the expressions of a fan_out's steps see beside the rest."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was read. `refers_to`: all names that its expressions have; of steps, `input`, and whatever else."""

    index: int
    primitive: Primitive[Any, Any]
    fields: StepFields
    ties: Ties
    refers_to: frozenset[str]

    @property
    def id(self) -> str:
        """The step's id."""
        return self.fields.id


def read_step(index: int, raw: Mapping[str, Any], kinds: Kinds) -> Step | list[Finding]:
    """The step, or what is wrong with its fields, with paths from the step."""
    kind = raw.get("kind")
    primitive = kinds.get(kind) if isinstance(kind, str) else None
    if primitive is None:
        return [_no_kind(raw, kinds)]
    try:
        fields: StepFields = primitive.fields.model_validate(raw)
    except ValidationError as error:
        return shape_findings(error, primitive.fields)
    ties = primitive.ties(fields)
    names = _names(fields) | _names_within(ties.within, kinds)
    return Step(index, primitive, fields, ties, names)


def id_of(raw: Mapping[str, Any]) -> str | None:
    """The id of a step that may not be one otherwise."""
    found = raw.get("id")
    return found if isinstance(found, str) else None


def _no_kind(raw: Mapping[str, Any], kinds: Kinds) -> Finding:
    known = f"There are: {', '.join(kinds)}."
    if "kind" not in raw:
        return Finding("P001", "error", 'the field "kind" is missing', known)
    hint = did_you_mean(raw["kind"], kinds) or known
    return Finding("P001", "error", f"there is no kind of step {show(raw['kind'])}", hint, "/kind")


def _names(fields: StepFields) -> frozenset[str]:
    read = (references(source) for source in _sources(fields))
    return frozenset(name for names in read if isinstance(names, frozenset) for name in names)


def _names_within(steps: Sequence[Mapping[str, Any]], kinds: Kinds) -> frozenset[str]:
    """The names that steps within a step take from without."""
    if not steps:
        return frozenset()
    read = [step for raw in steps if isinstance(step := read_step(0, raw, kinds), Step)]
    own = frozenset(filter(None, map(id_of, steps)))
    names = frozenset(name for step in read for name in step.refers_to)
    return names - own - ITEM_NAMES


def _sources(value: object) -> Iterator[Source]:
    """The expressions in a step's fields. Those of steps within it stand in plain objects, and are left out."""
    match value:
        case Source():
            yield value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _sources(getattr(value, name))
        case tuple():
            for item in cast("tuple[object, ...]", value):
                yield from _sources(item)
        case _:
            pass
