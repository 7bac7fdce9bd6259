"""Every code of the action grammar has a page, whose examples do what it says.

An example is a fragment if it has no name; else each of its documents is a composition. A page may have resources of
its own; the words behind `finding` and `sound` are bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from checks.pages import ROOT, Block, read_blocks

from tasker.actions.resources_file import examine_resources
from tasker.errors import LocatedFinding
from tasker.grammar_files import locate, read_file, read_problems
from tasker_grammar.catalog import bundled, extend
from tasker_grammar.checking import CODES, check_composition, check_fragment
from tasker_grammar.composition import Bounds, Composition
from tasker_grammar.resources import Resources
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import Field, Object

FOLDER = ROOT / "docs" / "findings"
RESOURCES = Resources.model_validate(yaml.safe_load((FOLDER / "resources.yaml").read_text("utf-8")))
GIVEN = Object({"input": Field(type_of(RESOURCES.schemas["order"]))})
ABOUT_FILES = {"R505"}
AT_A_DATABASE = {"R506", "R507", "R508", "R511"}
"""What only a database, or the environment, can tell: tests/actions has these."""
PYTHON = {"X001", "B204", "B207", "S602"}
"""Too long for a page, so a program makes them: run as the examples of any page."""
WITH_YAML = [code for code in CODES if code not in AT_A_DATABASE | PYTHON | ABOUT_FILES]

Place = tuple[str, int]


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_the_code_is(code: str) -> None:
    about = CODES[code]
    title, _, line, *_ = (FOLDER / f"{code}.md").read_text("utf-8").splitlines()
    assert title == f"# {code}"
    article = "a" if about.severity == "warning" else "an"
    assert line == f"*{about.title}.* This is {article} {about.severity}."


@pytest.mark.parametrize("code", WITH_YAML)
def test_its_examples_do_what_it_says(code: str, tmp_path: Path) -> None:
    blocks = [block for block in read_blocks(FOLDER / f"{code}.md") if block.language == "yaml"]
    own = [block for block in blocks if block.words == ("resources",)]
    resources = read_resources(own[0]) if own else RESOURCES
    bad, good = (block for block in blocks if block not in own)
    assert (bad.words[0], good.words[0]) == ("finding", "sound")
    assert examine(bad, resources, tmp_path) == [(code, marked(bad))]
    assert examine(good, resources, tmp_path) == []


@pytest.mark.parametrize("code", sorted(ABOUT_FILES))
def test_its_resources_do_what_it_says(code: str, tmp_path: Path) -> None:
    bad, good = (b for b in read_blocks(FOLDER / f"{code}.md") if b.language == "yaml")
    file = tmp_path / "resources.yaml"
    file.write_text(bad.text, "utf-8")
    *_, found = examine_resources(file)
    assert [(each.finding.code, each.line) for each in found] == [(code, marked(bad))]
    file.write_text(good.text, "utf-8")
    *_, found = examine_resources(file)
    assert found == []


def test_the_resources_of_the_examples_are_sound() -> None:
    *_, found = examine_resources(FOLDER / "resources.yaml")
    assert found == []


def test_every_code_is_reported_somewhere() -> None:
    folders = (ROOT / "grammar" / "tasker_grammar", ROOT / "sdk" / "tasker")
    sources = "".join(
        path.read_text("utf-8")
        for folder in folders
        for path in folder.rglob("*.py")
        if path.name != "codes.py"
    )
    assert [code for code in CODES if f'"{code}"' not in sources] == []


def read_resources(block: Block) -> Resources:
    return Resources.model_validate(yaml.safe_load(block.text))


def marked(block: Block) -> int:
    [line] = [n for n, text in enumerate(block.text.splitlines(), 1) if "# here" in text]
    return line


def examine(block: Block, resources: Resources, folder: Path) -> list[Place]:
    file = folder / "example.yaml"
    file.write_text(block.text, "utf-8")
    documents = read_file(file)
    problems = [problem for each in documents for problem in read_problems(each, file)]
    if problems:
        return places(problems)
    raws = [document.data for document in documents]
    if any("name" not in raw for raw in raws):
        [raw] = raws
        bounds = Bounds.model_validate(dict(map(read_bound, block.words[1:])))
        report = check_fragment(raw, resources, bundled(), GIVEN, bounds=bounds)
        return places(locate(finding, documents[0], file) for finding in report.findings)
    catalog, faults = extend(bundled(), [read(raw) for raw in raws if is_readable(raw)])
    found = [locate(fault, documents[index], file) for index, fault in faults]
    for document in documents if not any(f.severity == "error" for _, f in faults) else ():
        report = check_composition(document.data, resources, catalog)
        found += [locate(finding, document, file) for finding in report.findings]
    return places(found)


def read(raw: Any) -> Composition:
    return Composition.model_validate(raw)


def is_readable(raw: Any) -> bool:
    try:
        read(raw)
    except ValueError:
        return False
    return True


def read_bound(word: str) -> tuple[str, Any]:
    name, value = word.split("=")
    return name, int(value) if value.isdecimal() else tuple(value.split(","))


def places(found: Iterator[LocatedFinding] | list[LocatedFinding]) -> list[Place]:
    return sorted({(each.finding.code, each.line) for each in found})
