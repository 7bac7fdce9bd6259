"""The README of each workflow does what it says, on an embedded database. tests/docs/runner.py has the rules."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from checks.pages import read_blocks
from tests.docs.runner import open_page
from tests.workflows.support import EXAMPLES


@pytest.fixture
def folder() -> Iterator[Path]:
    """A copy of the examples that the user whom an embedded server runs as may enter."""
    made = Path(tempfile.mkdtemp(prefix="tasker-examples-"))
    made.chmod(0o755)
    shutil.copytree(EXAMPLES, made, dirs_exist_ok=True)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.timeout(600)  # dozens of commands, each a process of its own
@pytest.mark.parametrize("name", ["orders", "reconciliation", "onboarding"])
def test_readme(name: str, folder: Path) -> None:
    page = EXAMPLES / name / "README.md"
    with open_page(folder / name, {"TASKER_HOME": str(folder / "home")}) as run:
        for block in read_blocks(page):
            run.run(block)
