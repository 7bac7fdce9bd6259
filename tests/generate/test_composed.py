"""Tests that are generated for a template with compositions: they load it with what those name."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

TEMPLATE = """
name: doubled
namespace_name: shop
version: 1.0.0
input_schema: {type: integer}
steps:
  - {name: twice, composition: double}
  - name: told
    composition: notify
    dependencies: [twice]
    input: "{n: .twice}"
    with: {event: counted}
"""
OWN = """
name: double
input: {type: integer}
steps: [{id: end, kind: transform, value: .input * 2}]
result: end
"""
RESOURCES = """
events:
  counted:
    payload: {type: object, properties: {n: {type: number}}, required: [n], additionalProperties: false}
"""


def test_a_generated_test_knows_what_the_compositions_name(
    tmp_path: Path, tasker_server: str
) -> None:
    (tmp_path / "doubled.yaml").write_text(TEMPLATE)
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "resources.yaml").write_text(RESOURCES)
    told = ["--resources", "resources.yaml", "--compositions", "own.yaml"]
    made = generate("doubled.yaml", "--out", "made", *told, cwd=tmp_path)
    assert made.returncode == 0, made.stderr

    test = tmp_path / "made" / "test_doubled.py"
    assert "'../resources.yaml'" in test.read_text().replace('"', "'")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--tasker-database-url={tasker_server}", str(test)],
        cwd=tmp_path / "made",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout


def test_a_project_says_how_it_is_run_with_what_its_compositions_name(tmp_path: Path) -> None:
    (tmp_path / "doubled.yaml").write_text(TEMPLATE)
    (tmp_path / "own ones.yaml").write_text(OWN)
    (tmp_path / "resources.yaml").write_text(RESOURCES)
    given = ["--resources", "resources.yaml", "--compositions", "own ones.yaml"]
    made = generate("doubled.yaml", "--out", "made", *given, cwd=tmp_path)
    named = "--resources ../resources.yaml --compositions '../own ones.yaml'"
    run = f"tasker dev doubled_handlers.py --templates doubled.yaml {named} --log-level info"
    readme = (tmp_path / "made" / "README.md").read_text()
    assert f"next: cd made && {run}" in made.stderr
    assert f"$ {run}\n" in readme
    again = next(line for line in readme.splitlines() if line.startswith("$ tasker generate"))
    assert named in again
    arguments = shlex.split(again)[4:]
    assert generate(*arguments, "--check", cwd=tmp_path / "made").returncode == 0


def generate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tasker.cli", "generate", "scaffold", *arguments]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
