"""`tasker fragment …`: what is wrong with a proposal is told by line, and as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from checks.pages import ROOT, read_blocks
from tests.cli.conftest import Ran
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker_grammar.checking import CODES
from tasker_grammar.fragment_schema import fragment_schema

FINDINGS = ROOT / "docs" / "findings"
RESOURCES = FINDINGS / "resources.yaml"
INPUT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "total": {"type": "number"}},
    "required": ["id", "total"],
}
SOUND = """\
version: "1"
steps:
  - id: asked
    kind: gate
    title: '"Tell of \\(.input.id)?"'
  - id: told
    kind: emit
    needs: [asked]
    event: order_paid
    payload: "{id: .input.id, total: .input.total}"
result: told
"""


@pytest.fixture
def fragment(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(SOUND)
    return path


def run(*arguments: Any) -> Ran:
    result = CliRunner().invoke(app, ["fragment", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def check(path: Path, *more: Any) -> Ran:
    return run("check", path, "-r", RESOURCES, "--input-schema", json.dumps(INPUT), *more)


def test_a_sound_fragment_is_told_with_what_it_comes_to(fragment: Path) -> None:
    ran = check(fragment)
    assert (ran.code, ran.out) == (0, "")
    assert "0 error(s); sound, idempotent_write, at most 2 steps and 1 writes" in ran.err
    assert check(fragment, "-o", "json").json == {"sound": True, "findings": []}


def test_what_is_wrong_is_told_by_line(fragment: Path) -> None:
    fragment.write_text(SOUND.replace("needs: [asked]\n", "needs: []\n").replace("order_paid", "x"))
    ran = check(fragment)
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert [line.split(" error: ")[0] for line in lines] == [f"{fragment}:3:", f"{fragment}:9:"]
    assert lines[1].endswith("[R502]")
    found = check(fragment, "-o", "json").json
    assert found["sound"] is False
    assert [each["code"] for each in found["findings"]] == ["G107", "R502"]
    assert found["findings"][1]["step"] == "told"
    assert check(fragment, "-o", "ids").ids == ["G107", "R502"]


def test_the_same_in_json(fragment: Path) -> None:
    path = fragment.with_suffix(".json")
    path.write_text(json.dumps(yaml.safe_load(SOUND)))
    assert check(path).code == 0
    path.write_text('{"version": "1", "version": "1"}')
    assert "[P004]" in check(path).out


def test_bounds_and_the_result_are_held_to(fragment: Path) -> None:
    bounded = check(fragment, "--bounds", '{"max_steps": 1}')
    assert bounded.code == 1 and "[B201]" in bounded.out
    wanted = check(fragment, "--result-schema", '{"type": "integer"}')
    assert wanted.code == 1 and "[C309]" in wanted.out


GIVEN = """\
version: "1"
steps:
  - id: due
    kind: transform
    value: .input.total * .rate
  - id: asked
    kind: gate
    title: '"Charge \\(.due)?"'
result: asked
"""


def test_it_is_checked_for_what_it_is_given(fragment: Path, tmp_path: Path) -> None:
    fragment.write_text(GIVEN)
    unknown = check(fragment)
    assert unknown.code == 1 and "[G103]" in unknown.out
    assert check(fragment, "--given", '{"rate": 0.2}').code == 0
    wrong = check(fragment, "--given", '{"rate": "a fifth"}')
    assert wrong.code == 1 and f"{fragment}:5: error:" in wrong.out and "[X104]" in wrong.out
    file = tmp_path / "given.json"
    file.write_text('{"rate": 0.2, "due": 7}')
    taken = check(fragment, "--given", f"@{file}")
    assert taken.code == 1 and "[G102]" in taken.out


def test_findings_are_written_for_ci(fragment: Path, tmp_path: Path) -> None:
    fragment.write_text(SOUND.replace("order_paid", "x"))
    log = tmp_path / "findings.sarif"
    ran = check(fragment, "--sarif", log)
    assert ran.code == 1 and "[R502]" in ran.out
    written = json.loads(log.read_text())
    assert written == check(fragment, "--sarif", "-").json
    [driver] = [each["tool"]["driver"] for each in written["runs"]]
    assert driver["rules"][0]["shortDescription"]["text"] == CODES["R502"].title
    [result] = written["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("R502", "error")
    [place] = result["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 9}
    assert place["logicalLocations"] == [{"fullyQualifiedName": "steps.1.event"}]


@pytest.mark.parametrize(
    "options",
    [
        ("--bounds", '{"max_step": 1}'),
        ("--bounds", "[]"),
        ("--result-schema", '{"type": "text"}'),
        ("--input-schema", "7"),
        ("--given", "[]"),
        ("--given", '{"Hits": 1}'),
        ("--given", '{"input": 1}'),
    ],
)
def test_what_it_cannot_be_held_to_is_wrong_usage(fragment: Path, options: tuple[str, str]) -> None:
    ran = run("check", fragment, *options)
    assert ran.code == 2 and ran.err.startswith("error: "), ran.err


def test_several_documents_are_wrong_usage(fragment: Path) -> None:
    fragment.write_text(f"{SOUND}---\n{SOUND}")
    assert check(fragment).code == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = check(tmp_path / "nothing.yaml")
    assert ran.code == 1 and "[P004]" in ran.out


def test_the_schema_takes_what_the_checker_takes(tmp_path: Path) -> None:
    printed = run("schema")
    assert printed.json == fragment_schema()
    target = tmp_path / "schema.json"
    assert run("schema", "--to", target).code == 0
    assert json.loads(target.read_text()) == fragment_schema()
    validator = jsonschema.Draft202012Validator(fragment_schema())
    validator.check_schema(fragment_schema())
    pages = sorted(FINDINGS.glob("[A-Z][0-9]*.md"))
    blocks = [b for page in pages for b in read_blocks(page) if b.words[:1] == ("sound",)]
    plans = [each for b in blocks if "version" in (each := next(yaml.safe_load_all(b.text)))]
    plans = [plan for plan in plans if "name" not in plan]
    assert len(plans) > 8
    for plan in plans:
        validator.validate(plan)
        assert not validator.is_valid({**plan, "surprise": 1})


def test_the_schema_takes_each_kind_and_no_schema_in_place() -> None:
    validator = jsonschema.Draft202012Validator(fragment_schema())
    step = {"id": "v", "kind": "validate", "value": ".input", "schema": "order"}
    plan = {"version": "1", "steps": [step], "result": "v"}
    assert validator.is_valid(plan)
    assert not validator.is_valid({**plan, "steps": [{**step, "schema": {"type": "object"}}]})
    assert not validator.is_valid({**plan, "steps": [{**step, "kind": "valid"}]})
    inner = {"id": "f", "kind": "fan_out", "over": ".input", "max_items": 3, "result": "v"}
    assert validator.is_valid({**plan, "steps": [{**inner, "steps": [step]}]})
    assert not validator.is_valid({**plan, "steps": [{**inner, "steps": [{"id": "v"}]}]})
