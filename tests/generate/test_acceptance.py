"""From one template of ten steps to a project in each language: its tests pass, its types check, and it runs to its
end.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checks.pages import read_blocks
from tests.cli.conftest import cli, connection  # noqa: F401  (fixtures)
from tests.docs.runner import open_page, read_commands

TEMPLATE = Path(__file__).parent / "ten_steps.yaml"


@pytest.mark.parametrize("language", ["python", "ruby", "typescript"])
def test_a_project_from_ten_steps_is_tested_and_runs_to_its_end(
    tmp_path, database, tasker_server, language
):
    """Without a line written by hand: only the commands that its README gives."""
    shutil.copy(TEMPLATE, tmp_path)
    environment = {
        "TASKER_DATABASE_URL": database,
        "PYTEST_ADDOPTS": f"--tasker-database-url={shlex.quote(tasker_server)}",
    }
    generate = ["generate", "scaffold", TEMPLATE.name, "--lang", language, "--out", "shop"]
    made = tasker(*generate, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    readme = tmp_path / "shop" / "README.md"
    dev, submit, test, again = [b for b in read_blocks(readme) if b.language == "console"]
    [(command, ready)] = read_commands(dev)
    assert f"cd shop && {command}" in made.stderr
    with open_page(tmp_path / "shop", environment) as page:
        page.run_console(test)
        page.run_console(again)
        page.start(dev, command, ready)
        page.run_console(submit)
    before = {path: path.read_bytes() for path in files_in(tmp_path / "shop")}
    assert tasker(*generate, "--check", cwd=tmp_path).returncode == 0
    assert tasker(*generate, cwd=tmp_path).returncode == 0
    assert {path: path.read_bytes() for path in files_in(tmp_path / "shop")} == before


def files_in(folder):
    kept = (".py", ".rb", ".rbs", ".ts", ".md", ".yaml", ".json", ".toml")
    return [path for path in folder.rglob("*") if path.suffix in kept]


def tasker(*arguments, cwd):
    command = [sys.executable, "-m", "tasker.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
