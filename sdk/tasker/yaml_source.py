"""Reads YAML into what JSON can hold, and keeps the line of everything. Pure.

The dialect is that of YAML 1.2, which published templates are written in: only true and false are
booleans, dates are text, keys are text. Nothing is constructed but plain values. A key given twice
is a problem, where YAML libraries take the last one without a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

__all__ = ["Document", "Path", "Problem", "read_documents"]

Path = tuple[str | int, ...]

_MOST_NODES = 200_000
_DEEPEST = 100
_LONGEST_NUMBER = 4_000  # digits; Python reads no more than 4,300
_PREFIX = "tag:yaml.org,2002:"
_TEXTS = ("str", "timestamp", "binary", "value")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the YAML itself, by line (from 1)."""

    line: int
    what: str
    mend: str
    code: str = "unsupported-yaml"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `data` can be relied on where no `problems` are but keys that are given twice."""

    data: Any = None
    problems: list[Problem] = field(default_factory=list[Problem])
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    texts: dict[Path, str] = field(default_factory=dict[Path, str])
    """The numbers, as they were written: `1.10` is 1.1, but as a version it is not."""

    def line(self, path: Path) -> int:
        """The line of what `path` leads to, or of the nearest thing around it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_documents(text: str) -> list[Document]:
    """The documents in a text. One that is no YAML ends the list, with a problem."""
    documents: list[Document] = []
    try:
        for node in yaml.compose_all(text, _Loader):
            documents.append(_Reader().read(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"this is no YAML: {error.problem or error.context}"
        line = mark.line + 1 if mark else 1
        mend = "Mend the line, or the one above."
        documents.append(_broken(Problem(line, what, mend, "invalid-yaml")))
    except yaml.YAMLError as error:
        what = f"this is no YAML: {str(error).splitlines()[0]}"
        documents.append(_broken(Problem(1, what, "Save it as UTF-8 text.", "invalid-yaml")))
    except RecursionError:
        documents.append(_broken(Problem(1, "the nesting is too deep", "Flatten it.")))
    return documents


def _broken(problem: Problem) -> Document:
    return Document(None, [problem])


_RESOLVERS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    ("merge", r"<<", ["<"]),
)


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """What tells plain values apart, by their first character, as PyYAML wants it."""
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for name, pattern, firsts in _RESOLVERS:
        for first in firsts:
            entry = (_PREFIX + name, re.compile(f"^(?:{pattern})$"))
            table.setdefault(first, []).append(entry)
    return table


class _Loader(yaml.SafeLoader):
    """Tells YAML 1.2's plain values apart, and no others."""

    yaml_implicit_resolvers = _resolvers()


class _Reader:
    """Turns one document's nodes into values. Aliases are read again where they are used."""

    def __init__(self) -> None:
        self.document = Document()
        self.open: set[int] = set()
        self.nodes = 0
        self.endless = False

    def read(self, root: yaml.Node) -> Document:
        data = self.value(root, ())
        found = self.document
        return Document(data, found.problems, found.lines, found.texts)

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.document.lines.setdefault(path, node.start_mark.line + 1)
        self.nodes += 1
        if self.nodes > _MOST_NODES or id(node) in self.open:
            if not self.endless:
                self.endless = True
                self.problem(node, "there is no end to it", "Take out the alias that repeats it.")
            return None
        if len(path) > _DEEPEST:
            if not self.endless:
                self.endless = True
                self.problem(node, "the nesting is too deep", "Flatten it.")
            return None
        match node:
            case yaml.ScalarNode():
                return self.scalar(node, path)
            case yaml.SequenceNode():
                self.open.add(id(node))
                items = [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
                self.open.discard(id(node))
                return items
            case yaml.MappingNode():
                self.open.add(id(node))
                mapping = self.mapping(node, path)
                self.open.discard(id(node))
                return mapping
            case _:
                return self.problem(node, "this is neither a value, a list nor a mapping", "")

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, "a key is a list or a mapping", "A key is a text.")
            elif key.tag == _PREFIX + "merge":
                for source in self.sources(value):
                    for name, item in self.mapping(source, path).items():
                        merged.setdefault(name, item)
            elif key.value in own:
                first = self.document.lines[(*path, key.value)]
                what = f'"{key.value}" is given twice; the first time on line {first}'
                line = key.start_mark.line + 1
                problem = Problem(line, what, "Keep one of them.", "duplicate-key")
                self.document.problems.append(problem)
            else:
                self.document.lines[(*path, key.value)] = key.start_mark.line + 1
                own[key.value] = self.value(value, (*path, key.value))
        return merged | own

    def sources(self, node: yaml.Node) -> Iterator[yaml.MappingNode]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in nodes:
            if isinstance(source, yaml.MappingNode) and id(source) not in self.open:
                yield source
            else:
                self.problem(source, "<< merges mappings, and this is none", "Refer to a mapping.")

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        match node.tag.removeprefix(_PREFIX):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float" as kind:
                self.document.texts[path] = text
                number = _read_number(kind, text)
                if number is not None:
                    return number
                shown = text if len(text) <= 60 else f"a number of {len(text)} digits"
                return self.problem(node, f"{shown} is no JSON", "Write a finite number.")
            case tag if tag in _TEXTS:
                return text
            case tag:
                return self.problem(node, f"the tag {tag} is not allowed", "Write a plain value.")

    def problem(self, node: yaml.Node, what: str, mend: str) -> None:
        self.document.problems.append(Problem(node.start_mark.line + 1, what, mend))


def _read_number(kind: str, text: str) -> int | float | None:
    """The number, or None where a text is none (its tag may lie), or one that JSON cannot hold."""
    if len(text) > _LONGEST_NUMBER:
        return None
    try:
        if kind == "int":
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text[2:] if base != 10 else text, base)
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
