"""Every command with arguments that nobody should give: it does something, or says in a line what is wrong and ends
with a code of docs/cli.md; never a traceback. Which commands there are is read from the program, so a new one is too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer.main
from tests.fuzz import hostile
from tests.fuzz.scale import TIMES
from tests.fuzz.test_sql import contents
from tests.fuzz.world import World
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.cli.exit_codes import ExitCode

# What runs until it is stopped, or takes long: only told what it cannot do.
LONG = {"dev", "demo", "worker", "orchestrator", "bench", "db", "migrate"}
NOT_OURS = {"db psql"}  # hands its arguments on
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def list_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its path."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from list_commands(below, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = {
    path: command
    for path, command in list_commands(typer.main.get_command(app))
    if path not in NOT_OURS
}


def draw_value(random: Random, name: str, good: dict[str, list[Any]]) -> str:
    """A value of an argument or option: something good for another or for this one, or hostile."""
    tasks = good["task_id"]
    known = {
        "task": tasks, "tasks": tasks, "parent": tasks, "before": tasks,
        "step": [f"{tasks[2]}/a", f"{tasks[0]}/b"], "steps": [f"{tasks[2]}/a"],
        "schedule": ["t/s0", "t/s1"], "template": ["t/wild", "t/everything@1", "t/kid"],
        "queue": ["t", "other"], "limit": ["t/shared", "10", "0", "-1"], "name": ["q", "t/new", "e"],
        "where": ["state=error", "namespace=t", "template=t/wild created>1d"], "input_": ["{}", "[1]", "@nowhere", "-"],
        "cron": ["* * * * *", "@daily"], "every": ["1h", "5"], "at": ["2030-01-01T00:00:00Z"], "output": ["json"],
        "lines": ["-", "nowhere"], "files": ["nowhere", "tests/templates/linear.yaml", "/", "."],
        "sources": ["nowhere.yaml", "tests", "tests/templates"], "result": ["{}", "nope"],
    }.get(name, ["1", "t", "10s"])  # fmt: skip
    if random.random() < 0.5:
        return random.choice(known)
    return random.choice(
        (
            hostile.text(random),
            json.dumps(hostile.value(random)),
            str(random.choice(hostile.NUMBERS)),
            random.choice(("[" * 100_000, "9" * 5_000, "NaN", '"\\u0000"', '"\\ud800"')),
        )
    )


def draw_command_line(random: Random, path: str, good: dict[str, list[Any]]) -> list[str]:
    """A command line of a command."""
    line: list[str] = []
    for parameter in COMMANDS[path].params:
        name = parameter.name
        if name in ("url", "help", "wait", "reload", "interval"):
            continue
        if parameter.param_type_name == "argument":
            times = (
                random.choice((0, 1, 1, 1, 1, 2))
                if parameter.nargs == -1 or random.random() < 0.1
                else 1
            )
            line += [draw_value(random, name, good) for _ in range(times)]
        elif parameter.is_flag:
            line += random.choice(([], [], parameter.opts[:1]))
        elif random.random() < (0.9 if parameter.required or name == "output" else 0.25):
            line += [random.choice(parameter.opts), draw_value(random, name, good)]
    if path == "task watch":
        line += ["--timeout", "0.2"]
    if random.random() < 0.1:
        line.insert(random.randrange(len(line) + 1), hostile.text(random))
    if path.split()[0] in LONG:
        line.insert(random.randrange(len(line) + 1), "--no-such-option")
    return line


@pytest.mark.parametrize("path", COMMANDS)
def test_it_does_or_says_what_is_wrong(
    world: World, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some commands write files
    url = world.db.info.dsn
    before = contents(world.db)
    for seed in range(4 * TIMES):
        random = Random(f"{path} {seed}")
        line = draw_command_line(random, path, world.good)
        ran = CliRunner().invoke(
            app, [*path.split(), *line], input=random.choice(("", "x\n", "{}\n", "y\n")),
            env={"TASKER_DATABASE_URL": url, "TASKER_HOME": str(tmp_path), "COLUMNS": "200", "NO_COLOR": "1"},
        )  # fmt: skip
        told = f"{seed}: tasker {path} {line!r}\n{ran.output[-2000:]}"
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise AssertionError(told) from ran.exception
        assert ran.exit_code in list(ExitCode), told
        assert "Traceback" not in ran.stderr, told
        assert not RAW.search(ran.stdout), told
        if ran.exit_code:
            assert ran.stderr.strip() or path.startswith(
                ("template validate", "task verify", "doctor")
            ), told
        after = contents(world.db)
        # Of several at once, one that fails does not stop the others.
        at_once = any(parameter.nargs == -1 for parameter in COMMANDS[path].params)
        if ran.exit_code == ExitCode.USAGE and not at_once:
            assert after == before, told
        before = after
        at = max((i for i, word in enumerate(line) if word in ("-o", "--output")), default=None)
        if ran.exit_code == 0 and at is not None and line[at + 1 :][:1] == ["json"]:
            json.loads(ran.stdout)
