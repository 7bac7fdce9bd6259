"""Reads files of the action grammar (compositions, resources, fragments), and says by line what is wrong with them.

Reads the files that it is given. YAML is read as templates are; a file whose name ends in .json is read as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tasker.errors import LocatedFinding
from tasker.yaml_source import Document, Problem, read_documents
from tasker.yaml_source import Path as DataPath
from tasker_grammar.findings import Finding

__all__ = ["NOT_READ", "SUFFIXES", "list_files", "locate", "read_file", "read_problems"]

SUFFIXES = (".yaml", ".yml", ".json")
NOT_READ = "P004"
"""The code of what keeps a file from being read at all."""

_LARGEST = 4_000_000


def list_files(path: Path) -> list[Path]:
    """The file, or all that can be read below a folder, in their order."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES)
    return [path]


def read_file(path: Path) -> list[Document]:
    """The documents in a file. What keeps it from being read is a problem of the only one."""
    try:
        if path.stat().st_size > _LARGEST:
            return [_unread(f"it is larger than {_LARGEST} bytes")]
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return [_unread("it is not UTF-8")]
    except (OSError, ValueError) as error:  # the latter where a name holds a NUL
        return [_unread(error.strerror or "" if isinstance(error, OSError) else str(error))]
    return [_read_json(text)] if path.suffix == ".json" else read_documents(text)


def read_problems(document: Document, file: Path | str) -> list[LocatedFinding]:
    """What is wrong with a document as YAML or JSON, before anything is looked at in it."""
    return [
        LocatedFinding(str(file), each.line, Finding(NOT_READ, "error", each.what, each.mend))
        for each in document.problems
    ]


def locate(
    finding: Finding, document: Document, file: Path | str, *below: str | int
) -> LocatedFinding:
    """A finding about what `below` leads to in a document, with its file and line."""
    path = (*below, *_path(finding.path, _find(document.data, below)))
    return LocatedFinding(str(file), document.line(path), finding)


def _read_json(text: str) -> Document:
    doubled: list[str] = []

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            names = [name for name, _ in pairs]
            doubled.extend(name for name in built if names.count(name) > 1)
        return built

    try:
        data = json.loads(text, object_pairs_hook=build, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return Document(None, [Problem(error.lineno, f"this is no JSON: {error.msg}", "")])
    except (ValueError, RecursionError) as error:
        return _unread(str(error))
    problems = [Problem(1, f'"{name}" is given twice', "Keep one of them.") for name in doubled]
    return replace(Document(data), problems=problems)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _unread(why: str) -> Document:
    return Document(None, [Problem(1, f"it cannot be read: {why}", "")])


def _find(data: Any, path: DataPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _path(pointer: str, data: Any) -> Iterator[str | int]:
    """A JSON pointer as a path into data; what it leads to need not be there."""
    for raw in pointer.split("/")[1:]:
        part = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(data, list) and part.isdecimal():
            items = cast("list[Any]", data)
            yield int(part)
            data = items[int(part)] if int(part) < len(items) else None
        else:
            yield part
            data = cast("dict[str, Any]", data).get(part) if isinstance(data, dict) else None
