"""`tasker expression …`: what is wrong is shown at its place, and what is sound can be tried."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.cli.conftest import run_nowhere

from tasker_grammar.expressions.library import FUNCTIONS

SCHEMA = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "number"}}},
    "required": ["items"],
    "additionalProperties": False,
}
DATA = '{"items": [1, 2.5]}'


run = partial(run_nowhere, "expression")


def test_what_is_sound_is_said_with_what_it_gives(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    for schema in (json.dumps(SCHEMA), f"@{file}"):
        ran = run("check", ".items | add // 0", "--input-schema", schema)
        assert ran.code == 0
        words = [line.split() for line in ran.out.splitlines()]
        assert words[:2] == [["gives", "number"], ["reads", "items"]]
    answer = run("check", ".items | map(. * 2)", "--sample", DATA, "-o", "json").json
    assert answer["schema"] == {"type": "array", "items": {"type": "number"}}
    assert (answer["value"], answer["reads"], answer["can_fail"]) == ([2, 5], ["items"], True)


def test_what_is_wrong_is_shown_at_its_place() -> None:
    ran = run("check", "{\n a: .itmes,\n b: $x\n}", "--sample", DATA)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "X101: no field 'itmes' in {items: [number]}",
        "   a: .itmes,",
        "      ^^^^^^",
        '  Did you mean "items"?',
        "X106: there is no variable $x here",
        "   b: $x",
        "      ^^",
        "  Bind it: … as $x | …",
    ]
    [finding] = run("check", ".[", "-o", "json").json["findings"]
    assert (finding["code"], finding["at"]) == ("X002", [2, 2])
    assert run("check", "def f: 1; f", "-o", "ids").ids == ["X003"]


def test_an_expression_is_tried_on_data(tmp_path: Path) -> None:
    assert run("eval", ".items | length", DATA).json == 2
    assert run("eval", ".items | length", "-", input=DATA).json == 2
    file = tmp_path / "data.json"
    file.write_text(DATA)
    assert run("eval", ".items[]", f"@{file}").code == 1
    assert run("eval", "[.items[] | tostring]", f"@{file}", "-o", "ids").ids == ["1", "2.5"]
    assert run("eval", "-", "[1]", input="first\n").json == 1
    assert run("eval", "[1, 2]").json == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["eval", "1 / .", "0"], 1, "DATA_ERROR"),
        (["eval", "[range(99999999)]"], 1, "OVER_BUDGET"),
        (["eval", ".", "[NaN]"], 2, "NaN"),
        (["eval", ".", "[1,"], 2, "no JSON"),
        (["eval", ".", '"\\u0000"'], 2, "no JSON"),
        (["eval", ".a", '{"a": 1}', "--input-schema", '{"type": "array"}'], 2, "does not fit"),
        (["check", ".a", "--input-schema", '{"type": 1}'], 2, "no schema"),
        (["check", ".a", "--input-schema", "@nowhere.json"], 2, "nowhere.json"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], code: int, said: str) -> None:
    ran = run(*arguments)
    assert ran.code == code
    assert said in ran.err
    assert ran.out == ""


def test_all_functions_are_listed() -> None:
    listed = run("functions", "-o", "json").json
    assert [(each["name"], len(each["parameters"])) for each in listed] == list(FUNCTIONS)
    assert "sort_by(key)" in run("functions").out
