"""Fills a composition's parameters in: `{"$param": name}` gives way to the argument, as a value, never as text. Pure.

What comes out has no parameters, and can be checked. The arguments' own meaning is checked there, where they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from tasker_grammar.composition import Composition, Parameter
from tasker_grammar.findings import Finding
from tasker_grammar.shape import shape_findings
from tasker_grammar.telling import did_you_mean, pointer, show

__all__ = ["fill", "find_parameter_faults", "is_optional", "parameter_places"]

Path = tuple[str | int, ...]

_MARK = "$param"
_PLACES = ("steps", "result", "input", "output")
"""The fields of a composition in which parameters may stand."""
_DEEPEST = 100
_NOTHING = object()
_TOO_DEEP = object()
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_REFERENCE = re.compile(r"[a-z][a-z0-9_]{0,62}(@\S{1,50})?")


def fill(composition: Composition, arguments: Mapping[str, Any]) -> Composition | list[Finding]:
    """The composition with its parameters filled in, and none left; or everything that keeps it from being so.

    The paths of findings about arguments begin with "/with", of those about the composition with "/steps" and the
    like: as they stand in it unfilled.
    """
    findings = [
        *(each for each in find_parameter_faults(composition) if each.severity == "error"),
        *_find_argument_faults(composition, arguments),
    ]
    if findings:
        return findings
    given = {
        name: arguments.get(name, _default(parameter))
        for name, parameter in composition.parameters.items()
    }
    fields = {name: _replace(getattr(composition, name), given) for name in _PLACES}
    kept = {name: value for name, value in fields.items() if value is not _NOTHING}
    about = composition.model_dump(include={"name", "version", "description", "effect"})
    try:
        return Composition.model_validate({**about, **kept})
    except ValidationError as error:
        return shape_findings(error, Composition)


def parameter_places(composition: Composition) -> dict[str, str]:
    """Where parameters stand, as JSON pointers into the composition, with the parameters' names. What is found there
    when it is filled in, is about the argument.
    """
    return {pointer(path): name for path, name in _find_marks(composition) if isinstance(name, str)}


def is_optional(parameter: Parameter) -> bool:
    """Whether a parameter may be left out."""
    return not parameter.required or "default" in parameter.model_fields_set


def find_parameter_faults(composition: Composition) -> list[Finding]:
    """What is wrong with a composition's parameters and their use, before any are given."""
    findings: list[Finding] = []
    used: set[str] = set()
    for path, name in _find_marks(composition):
        if name is _TOO_DEEP:
            what = f"this is nested more than {_DEEPEST} deep"
            findings.append(Finding("P003", "error", what, "Flatten it.", pointer(path[:8])))
        elif not isinstance(name, str):
            what = f'"{_MARK}" must stand alone, with a name: {{"{_MARK}": "source"}}'
            findings.append(Finding("P104", "error", what, path=pointer(path)))
        elif name not in composition.parameters:
            hint = did_you_mean(name, composition.parameters) or "Add it to `parameters`."
            what = f'there is no parameter "{name}"'
            findings.append(Finding("P104", "error", what, hint, pointer(path)))
        else:
            used.add(name)
    for name, parameter in composition.parameters.items():
        path = pointer(("parameters", name))
        if name not in used:
            what = f'the parameter "{name}" is used nowhere'
            findings.append(Finding("P105", "warning", what, "Remove it, or use it.", path))
        if parameter.default is not None and (fault := _misfit(parameter, parameter.default)):
            what = f'the default of "{name}" is {show(parameter.default)}'
            findings.append(Finding("P103", "error", what, f"It should be {fault}.", path))
    return findings


def _find_argument_faults(
    composition: Composition, arguments: Mapping[str, Any]
) -> Iterator[Finding]:
    parameters = composition.parameters
    for name, value in arguments.items():
        path = pointer(("with", name))
        if name not in parameters:
            what = f"{composition.name} has no parameter {show(name)}"
            known = f"It has: {', '.join(parameters) or 'none'}."
            yield Finding("P101", "error", what, did_you_mean(name, parameters) or known, path)
        elif fault := _misfit(parameters[name], value):
            what = f'"{name}" of {composition.name} is {show(value)}'
            yield Finding("P103", "error", what, f"It should be {fault}.", path)
    for name, parameter in parameters.items():
        if name not in arguments and not is_optional(parameter):
            what = f'{composition.name} is not given "{name}"'
            hint = parameter.description or f"Give it: {_KINDS[parameter.kind][0]}."
            yield Finding("P102", "error", what, hint, "/with")


def _default(parameter: Parameter) -> Any:
    return parameter.default if "default" in parameter.model_fields_set else _NOTHING


def _find_marks(composition: Composition) -> Iterator[tuple[Path, Any]]:
    """Each place of a parameter, with its name; or with None, where what stands there is no proper one. Beyond a depth
    there is no looking, but _TOO_DEEP.
    """
    for name in _PLACES:
        yield from _walk(getattr(composition, name), (name,))


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    match value:
        case dict() | list() if len(path) > _DEEPEST:
            yield path, _TOO_DEEP
        case dict():
            fields = cast("dict[str, Any]", value)
            if _MARK in fields:
                name = fields[_MARK]
                yield path, name if len(fields) == 1 and isinstance(name, str) else None
            else:
                for key, item in fields.items():
                    yield from _walk(item, (*path, key))
        case list() | tuple():
            for index, item in enumerate(cast("list[Any]", value)):
                yield from _walk(item, (*path, index))
        case _:
            pass


def _replace(value: Any, given: Mapping[str, Any]) -> Any:
    """What a value comes to, or _NOTHING: then what holds it goes without."""
    match value:
        case dict():
            fields = cast("dict[str, Any]", value)
            if _MARK in fields:
                return given[fields[_MARK]]
            filled = {key: _replace(item, given) for key, item in fields.items()}
            return {key: item for key, item in filled.items() if item is not _NOTHING}
        case list() | tuple():
            items = [_replace(item, given) for item in cast("list[Any]", value)]
            return [item for item in items if item is not _NOTHING]
        case _:
            return value


def _misfit(parameter: Parameter, value: Any) -> str:
    """What an argument of the parameter's kind is, in words, where this is none."""
    words, fits = _KINDS[parameter.kind]
    if fits(value) and parameter.choices is not None and value not in parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    return "" if fits(value) else words


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_KINDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "expression": (
        'an expression, as a text in quotes: "{id: .input.id}"',
        lambda value: _is_text(value) or isinstance(value, bool) or _is_number(value),
    ),
    "endpoint": ("the name of an endpoint among the resources", _is_name),
    "table": ("the name of a table among the resources", _is_name),
    "event": ("the name of an event among the resources", _is_name),
    "action": ("the name of an action among the resources", _is_name),
    "schema": (
        "a JSON Schema, or the name of one among the resources",
        lambda value: isinstance(value, bool | dict) or _is_name(value),
    ),
    "composition": (
        'the name of a composition, as "name" or "name@version"',
        lambda value: isinstance(value, str) and _REFERENCE.fullmatch(value) is not None,
    ),
    "arguments": ("a mapping of a composition's parameters", lambda value: isinstance(value, dict)),
    "text": ("a text", _is_text),
    "integer": (
        "a whole number",
        lambda value: isinstance(value, int) and not isinstance(value, bool),
    ),
    "number": ("a number", _is_number),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "duration": (
        'a time, as "30s" or "1h30m", or a number of seconds',
        lambda value: _is_text(value) or _is_number(value),
    ),
    "names": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(map(_is_text, cast("list[Any]", value))),
    ),
}
"""What an argument of each kind is, in words, and whether a value is one."""
