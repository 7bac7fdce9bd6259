"""Holds the page of guarantees to its word: each promise names tests, and each of them is there. Reads files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pages import ROOT, read_tables

PAGE = ROOT / "docs" / "guarantees.md"
README = ROOT / "README.md"
FIGURES = "Figures"

_LINK = re.compile(r"\[`(\w+)`\]\(([^)]+)\)")


@dataclass(frozen=True)
class Promise:
    """A row of the page: its number, what is promised, and the tests that hold it by name and file."""

    number: str
    text: str
    tests: tuple[tuple[str, Path], ...]


def read_promises(page: Path = PAGE) -> list[Promise]:
    """The promises in their order."""
    found: list[Promise] = []
    for heading in re.findall(r"^## (.+)$", page.read_text("utf-8"), re.M):
        for table in read_tables(page, heading) if heading != FIGURES else ():
            for number, text, _, tests in table:
                links = [(name, (page.parent / to).resolve()) for name, to in _LINK.findall(tests)]
                found.append(Promise(number, text, tuple(links)))
    return found


def find_faults(page: Path = PAGE, readme: Path = README) -> Iterator[str]:
    """What is wrong with the page, and with what the README quotes of it."""
    promises = read_promises(page)
    if [p.number for p in promises] != [str(n) for n in range(1, len(promises) + 1)]:
        yield "the promises are not numbered from 1 on"
    for promise in promises:
        if not promise.tests:
            yield f"promise {promise.number} names no test"
        for name, path in promise.tests:
            if not path.exists() or name not in list_tests(path):
                yield f"promise {promise.number}: there is no test {name} in {path.name}"
    numbers = {promise.number: promise.text for promise in promises}
    for cells in read_tables(readme, "Guarantees")[0]:
        if numbers.get(cells[0]) != cells[1]:
            yield f"README, guarantee {cells[0]}: not what docs/guarantees.md promises"
    for cells in read_tables(page, FIGURES)[0]:
        if unknown := set(re.findall(r"\d+", cells[0])) - numbers.keys():
            yield f"figures of promises that there are not: {', '.join(sorted(unknown))}"


def list_tests(path: Path) -> set[str]:
    """The tests in a file."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(path.read_text("utf-8")).body
    return {n.name for n in body if isinstance(n, functions) and n.name.startswith("test_")}
