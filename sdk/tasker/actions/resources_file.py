"""Loads resources from a file, YAML or JSON: what compositions may name of the outside. Reads the file it is given.

What is wrong is collected and raised at once, each finding with its line and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tasker.actions.resources_check import check_resources
from tasker.errors import LocatedFinding, ResourcesError
from tasker.names import did_you_mean
from tasker.yaml_source import Document, Path, read_documents
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Action, Endpoint, Event, Pages, Resources, Table

__all__ = ["examine_resources", "load_resources", "read_resources"]

_LARGEST = 4_000_000  # bytes
_SECTIONS: Mapping[str, type[Endpoint | Table | Event | Action]] = {
    "endpoints": Endpoint,
    "tables": Table,
    "events": Event,
    "actions": Action,
}


def load_resources(path: str | FilePath) -> Resources:
    """The resources in a file. Raises ResourcesError with everything that is wrong."""
    try:
        data = FilePath(path).read_bytes()
        text = data.decode()
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, f"cannot be read: {said}") from None
    if len(data) > _LARGEST:
        raise _unreadable(path, f"has more than {_LARGEST:,} bytes")
    return read_resources(text, file=str(path))


def read_resources(text: str, *, file: str = "<text>") -> Resources:
    """The resources in a text. `file` is what messages call it. Raises ResourcesError."""
    resources, findings = examine_resources(text, file=file)
    errors = [each for each in findings if each.finding.severity == "error"]
    if resources is None or errors:
        raise ResourcesError(errors)
    return resources


def examine_resources(
    text: str, *, file: str = "<text>"
) -> tuple[Resources | None, list[LocatedFinding]]:
    """The resources, if they can be read, and all that there is to be said about them; nothing is raised."""
    documents = [d for d in read_documents(text) if d.data is not None or d.problems]
    if len(documents) != 1:
        what = "there are no resources in it" if not documents else "it holds several documents"
        return None, [_about(file, what, "Write one mapping: endpoints, tables, events, …")]
    [document] = documents
    found = [
        LocatedFinding(file, p.line, Finding("P001", "error", p.what, p.mend))
        for p in document.problems
    ]
    try:
        resources = Resources.model_validate(document.data)
    except ValidationError as error:
        mistakes = _read_mistakes(error.errors(include_url=False), document)
        return None, found + list(_locate(file, document, mistakes))
    if found:
        return None, found
    return resources, list(_locate(file, document, check_resources(resources)))


def _locate(file: str, document: Document, findings: Iterable[Finding]) -> Iterator[LocatedFinding]:
    for finding in findings:
        path = _path(document.data, finding.path)
        yield LocatedFinding(file, document.line(path), finding)


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
    pointer = "".join(f"/{_escape(str(step))}" for step in path)
    if kind == "extra_forbidden":
        known = _fields_at(path)
        hint = did_you_mean(name, known) or f"There are: {', '.join(known)}."
        return Finding("P001", "error", f'the field "{name}" is unknown', hint, pointer)
    if kind == "missing":
        return Finding("P001", "error", f"{name} is missing", f"Add `{name}:`.", pointer)
    if "Secret" in error["loc"] or path[-2:-1] == ("headers",) or name == "base_url":
        hint = 'Write a text, or {"$secret": name}.'
        return Finding("P001", "error", f"{name} is neither a text nor a secret", hint, pointer)
    should = error["msg"].replace("Input should", "It should")
    return Finding("P001", "error", f"{name} is not right", f"{should}.", pointer)


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


def _path(data: Any, pointer: str) -> Path:
    path: list[str | int] = []
    here: Any = data
    for text in pointer.split("/")[1:]:
        name = text.replace("~1", "/").replace("~0", "~")
        step = int(name) if isinstance(here, list) and name.isdigit() else name
        here = _get(here, step)
        path.append(step)
    return tuple(path)


def _get(data: Any, step: str | int) -> Any:
    return data[step] if _has(data, step) else None


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _about(file: str, what: str, hint: str) -> LocatedFinding:
    return LocatedFinding(file, 1, Finding("P001", "error", what, hint))


def _unreadable(path: str | FilePath, what: str) -> ResourcesError:
    return ResourcesError([_about(str(path), f"the file {what}", "Name a file of resources.")])
