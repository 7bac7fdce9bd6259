"""Holds values and schemas against JSON Schemas. Pure: a `$ref` out of the schema is never fetched.

The dialect is the one that `$schema` names, by default 2020-12. `format` is a note to readers, as
that dialect has it: it does not turn values away, because writers differ over, say, whether a
date-time needs an offset. Between schemas it counts: a plain string does not fit a date.

A `pattern` that looks around or back is refused: how long it takes may grow with the square of the text, and nothing
else of the process goes on meanwhile. For the same reason not everything is told that is wrong with a large value.

Whether one schema fits another is decided on a subset of the language, which `subset` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind
from jsonschema_rs.canonical import CanonicalizationError, Containment

from tasker_grammar import misfit, subset
from tasker_grammar.leaves import is_larger
from tasker_grammar.references import Part, with_definitions

__all__ = [
    "Contract",
    "Finding",
    "No",
    "Schema",
    "SchemaError",
    "Undecided",
    "Verdict",
    "Yes",
    "check",
    "fits",
    "path_text",
    "strip_prose",
]

Schema = Mapping[str, Any] | bool

_PROSE = frozenset({"title", "description", "examples", "$comment", "deprecated"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LITERAL = frozenset({"const", "enum", "default"})
_COST_OF_ASKING = 100
_LINEAR = jsonschema_rs.RegexOptions()
_LARGE = 5_000  # nodes


class SchemaError(ValueError):
    """This is no usable JSON Schema: malformed, or it refers to something outside of itself.

    `path` leads to what is wrong in it, as keys and places; it is empty where the whole is.
    """

    def __init__(self, message: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(message)
        self.path = tuple(path)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a value: where, as in `$.items[0].sku`, and what. Never the value."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"at {self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Yes:
    """Every value that the producer's schema allows, the consumer's allows too."""


@dataclass(frozen=True, slots=True)
class No:
    """Some value that the producer's schema allows, the consumer's refuses; where and why."""

    path: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """It could be neither proved nor refuted; where the proof stuck. It does not fit, as with `No`."""

    path: str
    explanation: str


Verdict = Yes | No | Undecided


class Contract:
    """A schema compiled once, to check many values. Raises `SchemaError` when it is not usable."""

    __slots__ = ("_validator",)

    def __init__(self, schema: Schema) -> None:
        try:
            self._validator = jsonschema_rs.validator_for(
                _plain(schema),
                offline=True,
                validate_formats=False,
                mask="the value",
                pattern_options=_LINEAR,
            )
        except jsonschema_rs.ValidationError as error:
            raise SchemaError(_describe(error), error.instance_path) from None
        except ValueError as error:  # a text that is no Unicode
            raise SchemaError(str(error)) from None

    def check(self, value: Any) -> list[Finding]:
        """Everything wrong with `value`, which is parsed JSON; empty when nothing is. Of a large one, one thing."""
        if self._validator.is_valid(value):
            return []
        if is_larger(value, _LARGE):
            return [_finding(self._first_error(value))]
        return [_finding(error) for error in self._validator.iter_errors(value)]

    def _first_error(self, value: Any) -> jsonschema_rs.ValidationError:
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return error
        raise AssertionError("the value is valid after all")


def check(schema: Schema, value: Any) -> list[Finding]:
    """Everything wrong with `value` by `schema`. To check many values, compile a `Contract` once.

    Raises `SchemaError` when the schema itself is not usable.
    """
    return Contract(schema).check(value)


def fits(producer: Schema, consumer: Schema) -> Verdict:
    """Whether all that `producer` allows satisfies `consumer`. Raises `SchemaError`.

    It is `Undecided` where one of them says what is not decided, or is too large to be compared in
    about a second. Two that are the same always fit.
    """
    for schema in (producer, consumer):
        Contract(schema)
    given, taken = _plain(producer), _plain(consumer)
    if _text(given) == _text(taken):
        return Yes()
    for schema in (given, taken):
        if (outside := subset.survey(schema, schema).outside) is not None:
            return Undecided(path_text(outside[0]), outside[1])
    judge = _Judge(given, taken)
    answer = judge.ask(given, taken)
    if answer is Containment.YES:
        return Yes()
    path, explanation = misfit.locate(given, taken, judge)
    outcome = No if answer is Containment.NO else Undecided
    return outcome(path_text(path), explanation)


def path_text(path: Iterable[str | int]) -> str:
    """A path into a value as people write it: `$.items[0]["odd name"]`.

    `[]` stands for any element of an array, `.*` for any field of an object.
    """
    return "$" + "".join(map(_step_text, path))


def strip_prose(schema: Schema) -> Schema:
    """The schema without titles, descriptions and examples, which change without meaning more."""
    return cast("Schema", _strip(schema)) if isinstance(schema, Mapping) else schema


def _strip(schema: object) -> object:
    if isinstance(schema, list):
        return [_strip(item) for item in cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    stripped: dict[str, object] = {}
    for key, value in cast("Mapping[str, object]", schema).items():
        if key in _LITERAL:
            stripped[key] = value
        elif key in _NAMED and isinstance(value, Mapping):
            named = cast("Mapping[str, object]", value)
            stripped[key] = {name: _strip(part) for name, part in named.items()}
        elif key not in _PROSE:
            stripped[key] = _strip(value)
    return stripped


class _Judge:
    """Whether parts of one schema fit parts of another. When it has looked at enough, it says that all does."""

    __slots__ = ("_consumer", "_left", "_producer")

    def __init__(self, producer: Part, consumer: Part) -> None:
        self._producer = producer
        self._consumer = consumer
        self._left = 2 * subset.MAX_COST

    def __call__(self, given: Part, taken: Part) -> bool:
        return self._left <= 0 or self.ask(given, taken) is Containment.YES

    def ask(self, given: Part, taken: Part) -> Containment:
        one, other = subset.survey(given, self._producer), subset.survey(taken, self._consumer)
        if not (one.refs or other.refs) and _text(given) == _text(taken):
            return Containment.YES
        self._left -= one.cost + other.cost + _COST_OF_ASKING
        narrow = with_definitions(given, self._producer, one.refs)
        wide = with_definitions(taken, self._consumer, other.refs)
        # Asked twice where there are formats: with them, so that a string does not pass for a date;
        # and without, because the first answer may rest on a format that `check` does not enforce.
        ways = (True, False) if one.has_formats or other.has_formats else (False,)
        answers = [_covers(wide, narrow, formats) for formats in ways]
        doubts = (Containment.NO, Containment.UNKNOWN)
        return next((doubt for doubt in doubts if doubt in answers), Containment.YES)


def _covers(consumer: Part, producer: Part, formats: bool) -> Containment:
    try:
        wide, narrow = (
            jsonschema_rs.canonicalize(_plain(s), offline=True, validate_formats=formats)
            for s in (consumer, producer)
        )
        return wide.covers(narrow)
    except (CanonicalizationError, ValueError):
        return Containment.UNKNOWN  # sound, and all that can be said of what it cannot model


def _text(schema: Part) -> str:
    return json.dumps(schema, sort_keys=True)


def _plain(schema: Schema) -> dict[str, Any] | bool:
    match cast("object", schema):  # may come from YAML or JSON, so its type is not taken on trust
        case bool(given):
            return given
        case Mapping():
            return dict(cast("Mapping[str, Any]", schema))
        case _:
            raise SchemaError(f"a schema is an object, true or false, not {schema!r}")


def _finding(error: jsonschema_rs.ValidationError) -> Finding:
    return Finding(path_text(error.instance_path), error.message)


def _describe(error: jsonschema_rs.ValidationError) -> str:
    if not error.instance_path:
        return error.message
    what = f"{error.instance!r} at {path_text(error.instance_path)}"
    if isinstance(error.kind, ValidationErrorKind.Format):
        return (
            f"{what} is no pattern: one is a regular expression, which may not look around or back"
        )
    return f"{what} is no JSON Schema"


def _step_text(step: str | int) -> str:
    match step:
        case misfit.ANY_ELEMENT:
            return "[]"
        case int():
            return f"[{step}]"
        case misfit.ANY_FIELD:
            return ".*"
        case _:
            return f".{step}" if step.isidentifier() else f'["{step}"]'
