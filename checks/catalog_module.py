"""Writes sdk/tasker/catalog.py: a function for each composition that comes with Tasker, from its file."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator

from pages import ROOT

from tasker_grammar.catalog import bundled
from tasker_grammar.composition import Composition, Parameter
from tasker_grammar.filling import is_optional

TARGET = ROOT / "sdk" / "tasker" / "catalog.py"

_HEAD = '''\
"""The compositions that come with Tasker, as functions: each gives the composition with its parameters filled in.

What it gives is for `Workflow.compose`. An expression is a text in jq; a number or a truth value stands for itself. All
raise `DefinitionError` for arguments that do not fit. Written by checks/docs.py --write from the catalog's files; do
not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tasker.compositions import ExpressionText, SchemaLike, bind
from tasker_grammar.composition import Composition

'''

_TYPES = {
    "expression": "ExpressionText",
    "schema": "SchemaLike",
    "arguments": "Mapping[str, Any]",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "duration": "str | float",
    "names": "list[str]",
}


def render() -> str:
    """The module's text, in the project's format."""
    compositions = list(bundled())
    names = json.dumps([each.name for each in compositions])
    functions = "\n\n".join(_function(each) for each in compositions)
    text = f"{_HEAD}__all__ = {names}\n\n\n{functions}"
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return formatted.stdout


def _function(composition: Composition) -> str:
    parameters = composition.parameters.items()
    ordered = sorted(parameters, key=lambda each: is_optional(each[1]))
    signature = ", ".join(_signature(name, parameter) for name, parameter in ordered)
    given = ", ".join(f'"{name}": {name}' for name in composition.parameters)
    reference = f"{composition.name}@{composition.version}"
    return (
        f"def {composition.name}(*, {signature}) -> Composition:\n"
        f'    """{_docstring(composition)}\n    """\n'
        f'    return bind("{reference}", {{{given}}})\n'
    )


def _signature(name: str, parameter: Parameter) -> str:
    kind = _TYPES.get(parameter.kind, "str")
    if parameter.choices is not None:
        kind = f"Literal[{', '.join(map(repr, parameter.choices))}]"
    if not is_optional(parameter):
        return f"{name}: {kind}"
    default = parameter.default
    if default is None or isinstance(default, dict | list):
        return f"{name}: {kind} | None = None"
    return f"{name}: {kind} = {default!r}"


def _docstring(composition: Composition) -> str:
    summary, _, rest = composition.description.partition(". ")
    return "\n".join(
        [
            f"{summary.rstrip('.')}.",
            "",
            *_wrap(rest),
            "",
            *(
                line
                for name, parameter in composition.parameters.items()
                for line in _wrap(_describe(name, parameter), hanging="    ")
            ),
        ]
    ).rstrip()


def _describe(name: str, parameter: Parameter) -> str:
    seen = f" An expression; it sees {parameter.sees}." if parameter.sees else ""
    about = "" if seen or parameter.kind not in ("endpoint", "table", "event") else " Its name."
    return f"{name}: {parameter.description}{seen}{about}"


def _wrap(text: str, hanging: str = "") -> Iterator[str]:
    yield from (
        f"    {line}".rstrip()
        for line in textwrap.wrap(
            text, 112, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
        )
    )
