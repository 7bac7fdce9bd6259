"""Loads resources from a file, YAML or JSON: what compositions may name of the outside. Reads the file it is given.

What is wrong is collected and raised at once, each finding with its line and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tasker.actions.resources_check import check_resources
from tasker.errors import LocatedFinding, ResourcesError
from tasker.grammar_files import NOT_READ, locate, read_file, read_problems
from tasker.names import did_you_mean
from tasker.yaml_source import Document, Path, read_documents
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Action, Endpoint, Event, Pages, Resources, Table
from tasker_grammar.telling import pointer, show

__all__ = ["Examined", "examine_resources", "load_resources", "parse_resources"]

_SECTIONS: Mapping[str, type[Endpoint | Table | Event | Action]] = {
    "endpoints": Endpoint,
    "tables": Table,
    "events": Event,
    "actions": Action,
}

Examined = tuple[Resources | None, Document, list[LocatedFinding]]
"""The resources, if they can be read; what was read; and all that there is to be said about it."""


def load_resources(path: str | FilePath) -> Resources:
    """The resources in a file. Raises ResourcesError with everything that is wrong."""
    return _all_or_none(*examine_resources(path))


def parse_resources(text: str, *, file: str = "<text>") -> Resources:
    """The resources in a text. `file` is what messages call it. Raises ResourcesError."""
    return _all_or_none(*_examine(read_documents(text), file))


def examine_resources(path: str | FilePath) -> Examined:
    """As load_resources, without raising."""
    return _examine(read_file(FilePath(path)), str(path))


def _all_or_none(
    resources: Resources | None, _: Document, findings: Sequence[LocatedFinding]
) -> Resources:
    errors = [each for each in findings if each.finding.severity == "error"]
    if resources is None or errors:
        raise ResourcesError(errors)
    return resources


def _examine(documents: Sequence[Document], file: str) -> Examined:
    documents = [d for d in documents if d.data is not None or d.problems]
    if len(documents) != 1:
        what = "there are no resources in it" if not documents else "it holds several documents"
        hint = "Write one mapping: endpoints, tables, events, …"
        finding = Finding(NOT_READ, "error", what, hint)
        return None, Document(), [LocatedFinding(file, 1, finding)]
    [document] = documents
    found = read_problems(document, file)
    if document.data is None:
        return None, document, found
    try:
        resources = Resources.model_validate(document.data)
    except ValidationError as error:
        mistakes = _read_mistakes(error.errors(include_url=False), document)
        return None, document, [*found, *(locate(each, document, file) for each in mistakes)]
    if found:
        return None, document, found
    return resources, document, [locate(f, document, file) for f in check_resources(resources)]


def _read_mistakes(errors: Sequence[ErrorDetails], document: Document) -> list[Finding]:
    """One finding for each place: of the alternatives that a place has, each makes an error of its own."""
    found: dict[Path, Finding] = {}
    for error in errors:
        path = _reach(document.data, error)
        if any(path[: len(known)] == known for known in found if known != path):
            continue
        found.setdefault(path, _mistake(path, error))
    return list(found.values())


def _mistake(path: Path, error: ErrorDetails) -> Finding:
    name, kind = (str(path[-1]) if path else "the file"), error["type"]
    at = pointer(path)
    if kind == "extra_forbidden":
        known = _fields_at(path)
        hint = did_you_mean(name, known) or f"There are: {', '.join(known)}."
        return Finding("P001", "error", f'the field "{name}" is unknown', hint, at)
    if kind == "queue_name":
        return Finding("R505", "error", error["msg"], error.get("ctx", {})["hint"], at)
    if error["loc"][-1:] == ("[key]",):
        hint = "Use up to 63 lower-case letters, digits and underscores, a letter first."
        return Finding("P001", "error", f'"{name}" is no name', hint, at)
    if kind == "missing":
        return Finding("P001", "error", f"{name} is missing", f"Add `{name}:`.", at)
    if "Secret" in error["loc"] or path[-2:-1] == ("headers",) or name == "base_url":
        hint = 'Write a text, or {"$secret": name}.'
        return Finding("P001", "error", f"{name} is neither a text nor a secret", hint, at)
    _, should, asked = error["msg"].partition(" should ")
    hint = f"It should {asked}." if should else f"{error['msg']}."
    if kind == "float_parsing":
        of = " of seconds" if name == "timeout" else ""
        what = f"{name} is {show(error['input'])}"
        return Finding("P001", "error", what, f"It should be a number{of}.", at)
    return Finding("P001", "error", f"{name} is not right", hint, at)


def _fields_at(path: Path) -> list[str]:
    match path:
        case (_,):
            model = Resources
        case (str(section), _, _) if section in _SECTIONS:
            model = _SECTIONS[section]
        case (_, _, "pages", _):
            model = Pages
        case _:
            return ["$secret"]
    return [field.alias or name for name, field in model.model_fields.items() if name != "kind"]


def _reach(data: Any, error: ErrorDetails) -> Path:
    """Where in the data an error is; what pydantic says beyond names its alternatives."""
    path: list[str | int] = []
    for step in error["loc"]:
        if not _has(data, step):
            if error["type"] == "missing" and step == error["loc"][-1] and step != "$secret":
                path.append(step)
            break
        path.append(step)
        data = data[step]
    return tuple(path)


def _has(data: Any, step: str | int) -> bool:
    match data:
        case dict():
            return step in cast("dict[Any, Any]", data)
        case list():
            return isinstance(step, int) and step < len(cast("list[Any]", data))
        case _:
            return False
