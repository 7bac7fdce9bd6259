"""Every example in the documentation does what the page says. tests/docs/runner.py has the rules."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from checks.pages import DOCS, ROOT, Block, read_blocks
from tests.docs.runner import LANGUAGES, MARKS, open_page

EMBEDDED = "<!-- examples: embedded -->"

WITH_EXAMPLES = [
    page
    for page in DOCS
    if any(
        block.file or "run" in block.words or "fragment" in block.words
        for block in read_blocks(page)
    )
]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that the user whom an embedded server runs as may enter."""
    made = Path(tempfile.mkdtemp(prefix="tasker-docs-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name)
def test_examples(
    page: Path, folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if EMBEDDED in page.read_text("utf-8"):
        environment = {"TASKER_HOME": str(folder / "home")}
    else:
        environment = {"TASKER_DATABASE_URL": request.getfixturevalue("database")}
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    with open_page(folder, environment) as run:
        for block in read_blocks(page):
            run.run(block)


def find_unmarked() -> Iterator[Block]:
    for page in DOCS:
        for block in read_blocks(page):
            if block.language in LANGUAGES and not block.file and not set(block.words) & set(MARKS):
                yield block


def test_every_example_is_marked() -> None:
    assert [block.where for block in find_unmarked()] == []


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ("python run", "raise ValueError"),
        ("python fragment", "def ("),
        ("sql run", "select tasker.no_such_function();"),
        ("console run", "$ echo one\ntwo"),
        ("console run", "$ false"),
        ("console run", "$ true  # exit code 6"),
        ("text output", "something"),
    ],
)
def test_a_wrong_example_is_found_out(
    info: str, text: str, folder: Path, tmp_path: Path, database: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```{info}\n{text}\n```\n")
    [block] = read_blocks(page)
    page_run = open_page(folder, {"TASKER_DATABASE_URL": database})
    with page_run as run, pytest.raises((AssertionError, SyntaxError, ValueError, psycopg.Error)):
        run.run(block)
