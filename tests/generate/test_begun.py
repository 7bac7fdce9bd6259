"""Files that are begun are somebody's: none is written over, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from tasker.errors import GenerateError
from tasker.generate.files import Generated, compare, write
from tasker.generate.project import make_project
from tasker.generate.source import read_sources
from tasker.scaffold import Language

BEGUN = Generated(PurePosixPath("deep/handlers.py"), "begun\n", ())


def test_a_file_that_came_to_be_meanwhile_is_kept(tmp_path: Path) -> None:
    changes = compare([BEGUN], tmp_path)
    path = tmp_path / BEGUN.path
    path.parent.mkdir()
    path.write_text("mine\n")
    with pytest.raises(GenerateError, match="has just come to be"):
        write(changes, tmp_path)
    assert path.read_text() == "mine\n"


def test_a_link_that_leads_nowhere_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / BEGUN.path
    path.parent.mkdir()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(GenerateError):
        write(compare([BEGUN], tmp_path), tmp_path)
    assert path.is_symlink()


def test_a_template_in_the_project_that_is_no_text_is_another_one(tmp_path: Path) -> None:
    template = Path(__file__).parent / "ten_steps.yaml"
    (tmp_path / template.name).write_bytes(b"\xff")
    [source] = read_sources([template], tmp_path)
    with pytest.raises(GenerateError, match="another template"):
        make_project(source, Language.ruby, tmp_path)
