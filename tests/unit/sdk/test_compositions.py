"""A user's own compositions are read from files, and what is wrong with them is told by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasker.compositions import examine_compositions, load_compositions
from tasker.errors import CompositionError

SOUND = """\
name: tidy
parameters:
  words: {kind: expression}
steps:
  - {id: only, kind: transform, value: {$param: words}}
result: only
"""


def findings(folder: Path, text: str, name: str = "tidy.yaml") -> list[tuple[str, int]]:
    (folder / name).write_text(text, "utf-8")
    return [(each.finding.code, each.line) for each in examine_compositions([folder / name])[1]]


def test_files_and_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "tidy.yaml").write_text(SOUND + "---\n" + SOUND.replace("tidy", "other"))
    fields = {"name": "third", "steps": [{"id": "a", "kind": "assert"}], "result": "a"}
    (tmp_path / "third.json").write_text(json.dumps(fields))
    catalog = load_compositions([tmp_path])
    assert catalog.names[-3:] == ["tidy", "other", "third"]


def test_an_empty_document_is_no_composition(tmp_path: Path) -> None:
    assert findings(tmp_path, SOUND + "---\n") == []


def test_everything_wrong_is_told_by_line(tmp_path: Path) -> None:
    text = SOUND.replace("words: {kind: expression}", "words: {kind: expresion}")
    assert findings(tmp_path, text + "reslt: only\n") == [("P001", 3), ("P001", 7)]


def test_a_place_that_names_no_parameter_is_told_by_line(tmp_path: Path) -> None:
    assert findings(tmp_path, SOUND.replace("$param: words", "$param: word")) == [
        ("P104", 5),
        ("P105", 3),
    ]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.yaml", "name: [", 1),
        ("a.yaml", SOUND + "name: again\n", 7),
        ("a.json", '{"name":\n ]', 2),
        ("a.json", '{"name": "a", "name": "b"}', 1),
        ("a.json", '{"name": NaN}', 1),
        ("a.json", "[" * 100_000, 1),
        ("a.yaml", "# nothing\n", 1),
        ("a.json", "null", 1),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, text: str, line: int) -> None:
    assert findings(tmp_path, text, name) == [("P004", line)]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    paths = [tmp_path / name for name in ("none.yaml", "empty", "latin.yaml")]
    found = examine_compositions(paths)[1]
    assert [(each.finding.code, each.file) for each in found] == [
        ("P004", str(path)) for path in paths
    ]


def test_loading_raises_with_all_findings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND.replace("result: only\n", ""))
    (tmp_path / "b.yaml").write_text("[]")
    with pytest.raises(CompositionError) as caught:
        load_compositions([tmp_path])
    assert [(Path(each.file).name, each.line) for each in caught.value.findings] == [
        ("a.yaml", 1),
        ("b.yaml", 1),
    ]
