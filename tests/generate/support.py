"""Templates to generate from, and the tools that generated code is checked with."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from tasker.generate.files import compare, write
from tasker.generate.generators import What, generate
from tasker.generate.source import Source, read_sources
from tasker.scaffold import Language
from tasker_ffi_bridge.node import find_library, find_node

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
TEMPLATES = ROOT / "tests" / "templates"

HOSTILE = (
    "end */ // # \"\"\" ''' \\ \\\" #{abort('broke out')} ${process.exit(1)} `rm` %x(rm) =end"
    " -- \r\n\u2028 import os"
)
"""What a description may say, and no comment or text may become."""


def write_template(folder: Path, steps: list[dict], name="flow", **fields) -> Path:
    """A YAML file with one template; JSON is YAML."""
    path = folder / f"{name.replace('/', '_')[:40]}.yaml"
    document = {"name": name, "namespace_name": "shop", "version": "1.0.0", "steps": steps} | fields
    path.write_text(json.dumps(document), "utf-8")
    return path


def step(name: str, result=None, **fields) -> dict:
    made = {"name": name, "handler": {"callable": fields.pop("handler", name)}, **fields}
    return made if result is None else {**made, "result_schema": result}


def record(required=None, **properties) -> dict:
    """An object with these fields, all of them required unless it is said otherwise."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }


def read_one(path: Path, into: Path) -> Source:
    [source] = read_sources([path], into)
    return source


def generate_all(path: Path, language: Language, folder: Path) -> None:
    for source in read_sources([path], folder):
        files = [file for what in What for file in generate(source, language, what)]
        write(compare(files, folder), folder)


def check_python(folder: Path) -> None:
    """pyright in strict mode, and ruff: its rules, and its layout."""
    settings = {"typeCheckingMode": "strict", "venvPath": str(ROOT), "venv": ".venv"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    run(SCRIPTS / "pyright", "-p", folder, cwd=folder)
    rules = "E4,E7,E9,F,I,UP,B"
    sources = json.dumps(sorted({str(path.parent) for path in folder.rglob("*.py")}))
    ruff = [SCRIPTS / "ruff", "--isolated", "--config", f"src={sources}"]
    run(*ruff, "check", "--no-cache", "--select", rules, ".", cwd=folder)
    run(*ruff, "format", "--no-cache", "--check", ".", cwd=folder)


def check_ruby(folder: Path) -> None:
    """Ruby's own check, with warnings, and that of the signatures."""
    files = [str(path) for path in folder.rglob("*.rb")]
    assert run("ruby", "-wc", *files, cwd=folder).stderr == ""
    program = """
      require "rbs"
      loader = RBS::EnvironmentLoader.new
      loader.add(path: Pathname("sig"))
      environment = RBS::Environment.from_loader(loader).resolve_type_names
      builder = RBS::DefinitionBuilder.new(env: environment)
      names = environment.class_decls.keys.select { |name| name.namespace.path.any? || true }
      names.each { |name| builder.build_instance(name); builder.build_singleton(name) }
    """
    run("ruby", "-e", program, cwd=folder)


def check_typescript(folder: Path) -> None:
    """The compiler in strict mode, with the settings of a new project."""
    library = find_library()
    settings = json.loads((ROOT / "sdk/tasker/projects/typescript/tsconfig.json").read_text())
    settings["include"] = ["**/*.ts"]
    (folder / "tsconfig.json").write_text(json.dumps(settings))
    (folder / "package.json").write_text('{"type": "module"}')
    link(folder / ".tasker-pg", library / "src")
    link(folder / "node_modules", library / "node_modules")
    run(find_node(), library / "node_modules/typescript/bin/tsc", cwd=folder)


def link(path: Path, to: Path) -> None:
    if not path.is_symlink():
        path.symlink_to(to)


def run(*command, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, f"{command[0]}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done


def tasker(*arguments, cwd: Path, **environment) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tasker.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


CHECKS = {
    Language.python: check_python,
    Language.ruby: check_ruby,
    Language.typescript: check_typescript,
}
