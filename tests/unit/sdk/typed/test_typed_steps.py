"""Typed steps: what fits is accepted by two type checkers and at import, what does not is refused by all three."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasker import typed
from tasker.errors import DefinitionError

HERE = Path(__file__).parent
RIGHT = HERE / "right.py"
WRONG = HERE / "wrong.py"
MARK = re.compile(r"  # wrong(?:: (\w+))?$")
MARKED = {
    number: (line, match[1])
    for number, line in enumerate(WRONG.read_text("utf-8").splitlines(), 1)
    if (match := MARK.search(line))
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files as two modules, as a user has them."""
    made = tmp_path_factory.mktemp("typed")
    (made / "right.py").write_text(RIGHT.read_text("utf-8"), "utf-8")
    wrong = WRONG.read_text("utf-8").replace("unit.sdk.typed.right", "right")
    (made / "wrong.py").write_text(wrong, "utf-8")
    (made / "pyrightconfig.json").write_text(
        '{"typeCheckingMode": "strict", "reportUnusedExpression": false}'
    )
    return made


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return done.stdout + done.stderr


def test_pyright_refuses_exactly_what_is_wrong(folder: Path) -> None:
    output = run(folder, "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", ".")
    found = json.loads(output)["generalDiagnostics"]
    refused = {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"]
        for each in found
    }
    assert set(refused) == {("wrong.py", number) for number in MARKED}, refused


def test_mypy_refuses_exactly_what_is_wrong(folder: Path) -> None:
    output = run(folder, "mypy", "--strict", "--no-error-summary", "right.py", "wrong.py")
    refused = {
        (match[1], int(match[2])): line
        for line in output.splitlines()
        if (match := re.match(r"(\w+\.py):(\d+): error:", line))
    }
    assert set(refused) == {("wrong.py", number) for number in MARKED}, output


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, Any]]:
    """What the lines of the wrong program see."""
    spec = importlib.util.spec_from_file_location("typed_right", RIGHT)
    assert spec is not None
    assert spec.loader is not None
    right = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = right
    spec.loader.exec_module(right)
    yield {**vars(typed), **vars(right)}
    del sys.modules[spec.name]


def test_there_are_enough_wrong_programs() -> None:
    assert len(MARKED) >= 12


@pytest.mark.parametrize("number", MARKED)
def test_what_is_wrong_raises_when_it_is_run(number: int, names: dict[str, Any]) -> None:
    line, expected = MARKED[number]
    statement = compile(line, "wrong.py", "exec", dont_inherit=True)
    match expected:
        case None:
            exec(statement, dict(names))
        case "TypeError" | "AttributeError":
            with pytest.raises((TypeError, AttributeError)) as raised:
                exec(statement, dict(names))
            assert type(raised.value).__name__ == expected
        case "DefinitionError":
            with pytest.raises(DefinitionError):
                exec(statement, dict(names))
        case code:
            with pytest.raises(DefinitionError) as refused:
                exec(statement, dict(names))
            assert [fault.code for fault in refused.value.faults] == [code]
            assert f"[{code}]" in str(refused.value)


def test_what_fits_becomes_compositions(names: dict[str, Any]) -> None:
    assert [each.name for each in names["ALL"]] == [
        "save_total",
        "tell_total",
        "ask_first",
        "check_first",
        "each_line",
        "valid_lines",
        "what_is_left",
    ]
