"""`tasker grammar …`: what may be said, listed, found, explained, and as one document."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.cli.conftest import run_nowhere

from tasker_grammar.catalog import bundled
from tasker_grammar.primitives import PRIMITIVES

run = partial(run_nowhere, "grammar")


def test_all_is_listed_by_sort() -> None:
    assert run("list", "--sort", "primitive", "-o", "ids").ids == list(PRIMITIVES)
    assert run("list", "--sort", "composition", "-o", "ids").ids == bundled().names
    listed = run("list", "-o", "json").json
    assert {each["sort"] for each in listed} == {"primitive", "composition", "function", "code"}
    assert "Wait until a person approves." in run("list").out


@pytest.mark.parametrize("name", ["persist", "fetch_json", "group_by", "add", "C305"])
def test_one_is_explained(name: str) -> None:
    answer = run("show", name)
    assert answer.code == 0
    assert name in answer.out
    document = run("show", name, "-o", "json").json
    document = document if isinstance(document, list) else [document]
    assert {each["name"] for each in document} == {name}


def test_what_is_not_there_is_told_with_what_is() -> None:
    answer = run("show", "persit")
    assert (answer.code, answer.out) == (3, "")
    assert 'Did you mean "persist"?' in answer.err


def test_what_has_all_words_is_found() -> None:
    assert run("search", "event", "key", "--sort", "composition", "-o", "ids").ids == ["notify"]
    assert run("search", "unheard_of", "-o", "ids").ids == []


def test_the_vocabulary_is_one_document(tmp_path: Path) -> None:
    small, full = (run("vocabulary", "--size", size).out for size in ("small", "full"))
    assert len(small) < len(full) / 5
    assert small.startswith("# ")
    assert run("vocabulary", "--size", "small", "-o", "json").json["entries"]
    target = tmp_path / "vocabulary.md"
    assert run("vocabulary", "--size", "small", "--to", target).out == ""
    assert target.read_text() == small


def test_ones_own_compositions_are_in_it(tmp_path: Path) -> None:
    own = tmp_path / "tidy.yaml"
    own.write_text(
        "name: tidy\ndescription: Tidies up.\nsteps: [{id: a, kind: transform, value: .}]\nresult: a\n"
    )
    assert "tidy" in run("list", "--compositions", own, "-o", "ids").ids
    assert "`tidy()`: Tidies up." in run("vocabulary", "--size", "small", "-c", own).out
