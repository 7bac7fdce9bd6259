"""Every code of a finding in a template has a page, whose examples do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checks.pages import ROOT, Block, quoted, read_blocks, read_tables

from tasker.checking import CODES
from tasker.errors import TemplateFinding
from tasker.yaml_template import Refused, examine_files
from tasker_grammar.checking import CODES as GRAMMAR_CODES

FOLDER = ROOT / "docs" / "findings"
INDEX = FOLDER / "index.md"
PAGES = sorted(p for p in FOLDER.glob("*.md") if p != INDEX and p.stem not in GRAMMAR_CODES)
WITHOUT_YAML = {"too-many-edges"}  # its example is run as that of any page
HERE = re.compile(r"# here\b.*$", flags=re.MULTILINE)


def examine(block: Block, folder: Path) -> list[TemplateFinding]:
    options = dict(word.split("=") for word in block.words[1:])
    path = folder / "order.yaml"
    path.write_text(block.text, options.get("encoding", "utf-8"))
    handlers = options["handlers"].split(",") if "handlers" in options else None
    also = options.get("also", "").split(",")
    outcomes = examine_files(path, handlers=handlers)
    return [f for outcome in outcomes for f in outcome.findings if f.code not in also]


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {page.stem for page in PAGES} == set(CODES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_the_code_is(page: Path) -> None:
    code = CODES[page.stem]
    title, _, about, *_ = page.read_text("utf-8").splitlines()
    assert title == f"# {code.name}"
    article = "a" if code.severity == "warning" else "an"
    assert about == f"*{code.title}.* This is {article} {code.severity}."


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.stem not in WITHOUT_YAML], ids=lambda p: p.stem
)
def test_its_examples_do_what_it_says(page: Path, tmp_path: Path) -> None:
    bad, good = (block for block in read_blocks(page) if block.language == "yaml")
    assert (bad.words[0], good.words[0]) == ("finding", "sound")
    [marked] = [number for number, line in enumerate(bad.text.splitlines(), 1) if "# here" in line]
    assert [(f.code, f.line) for f in examine(bad, tmp_path)] == [(page.stem, marked)]
    assert examine(good, tmp_path) == []


def test_an_error_refuses_and_the_rest_does_not(tmp_path: Path) -> None:
    for page in PAGES:
        for block in read_blocks(page):
            if block.language == "yaml":
                findings = examine(block, tmp_path)
                refused = any(
                    isinstance(o, Refused) for o in examine_files(tmp_path / "order.yaml")
                )
                wrong = any(f.severity == "error" for f in findings) or "also=" in str(block.words)
                assert refused == wrong, block.where


def test_every_code_is_raised_somewhere() -> None:
    sources = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "sdk" / "tasker").rglob("*.py")
        if path.name != "codes.py"
    )
    assert [code for code in CODES if f'"{code}"' not in sources] == []


def test_the_index_lists_them_all() -> None:
    for heading, codes in (("Templates", CODES), ("The action grammar", GRAMMAR_CODES)):
        rows = [row for table in read_tables(INDEX, heading) for row in table]
        assert [quoted(row[0])[0] for row in rows] == list(codes)
