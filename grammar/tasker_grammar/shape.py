"""What is wrong with the shape of what was written, as findings: fields that are missing, unknown or of the wrong type.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tasker_grammar.findings import Finding
from tasker_grammar.telling import did_you_mean, pointer, show

__all__ = ["shape_findings"]

_WORDS: Mapping[str, str] = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "a text",
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
}
"""What the beginnings of pydantic's kinds of errors ask for."""


def shape_findings(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """What pydantic said of a `model`, as findings P001: one for each field, with how to mend it."""
    return [_finding(dict(each), model) for each in error.errors(include_url=False)]


def _finding(error: Mapping[str, Any], model: type[BaseModel]) -> Finding:
    path, kind = error["loc"], error["type"]
    name = str(path[-1]) if path else "it"
    match kind:
        case "missing":
            what, hint = f'the field "{name}" is missing', f"Add `{name}:`."
        case "extra_forbidden":
            known = [field.alias or key for key, field in model.model_fields.items()]
            what = f'there is no field "{show(name)[1:-1]}" here'
            near = did_you_mean(name, known) if len(path) == 1 else ""
            hint = near or (f"There are: {', '.join(known)}." if len(path) == 1 else "Remove it.")
        case _:
            what = (
                f'"{name}" is {show(error["input"])}' if path else f"it is {show(error['input'])}"
            )
            hint = f"It should {_asked_for(kind, error['msg'])}."
    return Finding("P001", "error", what, hint, pointer(path))


def _asked_for(kind: str, message: str) -> str:
    for beginning, word in _WORDS.items():
        if kind.startswith(beginning):
            return f"be {word}"
    _, should, asked = message.partition(" should ")
    return asked if should else f"be {message.removeprefix('Value error, ')}"
