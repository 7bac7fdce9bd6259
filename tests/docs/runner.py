"""Runs the examples of a page, in their order, in one folder and on one database.

A fenced block says after its language what it is:

- `file=NAME`: a file, written to the folder.
- `run`: run here. Python may await; SQL is sent as it stands; of a console, what follows `$ ` is run,
  and the lines below are what it prints. `# exit code 6` after a command expects that, else it is 0.
- `run background`: a console's commands, left running until the page ends. The next block comes when
  they have printed what is expected.
- `output`: what the Python or SQL block before printed or returned.
- `fragment`: not run, only compiled, if it is Python.

In what is expected, … stands for anything. A page with the comment `<!-- examples: embedded -->` runs
on an embedded database of its own, all others on one that TASKER_DATABASE_URL names.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import os
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psycopg
from checks.pages import Block

MARKS = ("run", "output", "fragment")
LANGUAGES = ("python", "sql", "console")

_EXIT_CODE = re.compile(r"# exit code (\d+)$")
_LONGEST = 120  # seconds that a command may take


@dataclass
class PageRun:
    """What the blocks of one page share."""

    folder: Path
    environment: dict[str, str]
    module: types.ModuleType
    background: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    output: str = ""

    def run(self, block: Block) -> None:
        if block.file is not None:
            (self.folder / block.file).write_text(block.text)
            return
        match (block.language, *block.words):
            case ("python", "run"):
                self.output = self.run_python(block)
            case ("sql", "run"):
                self.output = self.run_sql(block)
            case ("console", "run"):
                self.run_console(block)
            case ("console", "run", "background"):
                for command, expected in read_commands(block):
                    self.start(block, command, expected)
            case (_, "output"):
                check_output(block.where, block.text, self.output)
            case ("python", "fragment"):
                compile_python(block)
            case _:
                pass

    def run_python(self, block: Block) -> str:
        printed = io.StringIO()
        with redirect_stdout(printed):
            value = eval(compile_python(block), self.module.__dict__)
            if inspect.iscoroutine(value):
                asyncio.run(value)
        return printed.getvalue()

    def run_sql(self, block: Block) -> str:
        url = self.environment.get("TASKER_DATABASE_URL")
        if url is None:
            return self.run_psql(block)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(cast("Any", block.text))
            while cursor.nextset():
                pass
            rows = cursor.fetchall() if cursor.description else []
        return "".join(" | ".join(map(str, row)) + "\n" for row in rows)

    def run_psql(self, block: Block) -> str:
        """Send SQL to the embedded database, which runs only while somebody uses it."""
        done = subprocess.run(
            ["tasker", "db", "psql", "--", "-qAt", "-v", "ON_ERROR_STOP=1"],
            cwd=self.folder,
            env=self.environment,
            input=block.text,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        assert done.returncode == 0, f"{block.where}: {done.stderr}"
        return done.stdout

    def run_console(self, block: Block) -> None:
        for command, expected in read_commands(block):
            # Variables that a command sets are there for the next.
            script = f"set -a; [ -f .shell ] && . ./.shell\n{command}\n_code=$?\n"
            script += "export -p > .shell.new && mv .shell.new .shell; exit $_code"
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_LONGEST,
                check=False,
            )
            code = re.search(_EXIT_CODE, command)
            assert done.returncode == int(code[1] if code else 0), (
                f"{block.where}: $ {command}\nexit code {done.returncode}\n{done.stdout}"
            )
            if expected.strip():
                check_output(f"{block.where}: $ {command}", expected, done.stdout)

    def start(self, block: Block, command: str, expected: str) -> None:
        """Start a command, and wait until it has printed what is expected of it."""
        log = self.folder / f"output-{len(self.background)}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"set -a; [ -f .shell ] && . ./.shell\nexec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.background.append(process)
        deadline = time.monotonic() + _LONGEST
        while not re.match(expect(expected), tidy(log.read_text()), flags=re.DOTALL):
            assert process.poll() is None, f"{block.where}: $ {command}\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{block.where}: $ {command}\n{log.read_text()}"
            time.sleep(0.05)  # a process outside gives no signal but its output

    def stop(self) -> None:
        for process in self.background:
            process.send_signal(signal.SIGTERM)
        for process in self.background:
            process.wait(_LONGEST)


@contextmanager
def open_page(folder: Path, environment: dict[str, str]) -> Generator[PageRun]:
    """A page to run blocks on; what it left running is stopped, what it imported is forgotten."""
    bin_folder = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    given = {**kept, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}
    module = types.ModuleType("page")
    run = PageRun(folder, {**given, **environment}, module)
    sys.modules["page"] = module
    try:
        yield run
    finally:
        run.stop()
        for name, loaded in list(sys.modules.items()):
            if str(getattr(loaded, "__file__", "")).startswith(str(folder)) or loaded is module:
                del sys.modules[name]


def compile_python(block: Block) -> types.CodeType:
    """Compile a block that may await at its top, so that errors name the page and the line."""
    padded = "\n" * (block.line - 1) + block.text
    return compile(padded, str(block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def read_commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, and what is expected of each."""
    commands: list[tuple[str, str]] = []
    goes_on = False
    for line in block.text.splitlines():
        if goes_on:
            commands[-1] = (f"{commands[-1][0]}\n{line}", "")
        elif line.startswith("$ "):
            commands.append((line[2:], ""))
        else:
            command, expected = commands[-1]
            commands[-1] = (command, f"{expected}{line}\n")
        goes_on = line.endswith("\\") and (goes_on or line.startswith("$ "))
    return commands


def check_output(where: str, expected: str, actual: str) -> None:
    """Compare what was printed with what the page says; … stands for anything."""
    assert re.fullmatch(expect(expected), tidy(actual), flags=re.DOTALL), (
        f"{where}\nexpected:\n{expected}\nbut it was:\n{actual}"
    )


def expect(text: str) -> str:
    """The pattern of what is expected."""
    return ".*?".join(re.escape(part) for part in tidy(text).split("…"))


def tidy(text: str) -> str:
    """Without spaces at the ends of lines, and empty lines at both ends."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
