"""`tasker composition …`: what is wrong is told by line, and a composition can be tried without anything outside."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import jsonschema_rs
import pytest
from tests.cli.conftest import run_nowhere

from tasker_grammar.catalog import bundled

OWN = """\
name: order_total
description: Reads an order, and gives its total.
parameters:
  source: {kind: endpoint, description: Where the order is.}
steps:
  - id: order
    kind: acquire
    resource: {$param: source}
    params: "{id: .input.id}"
  - id: total
    kind: transform
    value: "{total: ([.order.lines[].cents] | add // 0)}"
result: total
example:
  resources:
    endpoints:
      orders:
        base_url: https://shop.example.com
        path: /orders/{id}
        params: {type: object, properties: {id: {type: string}}, required: [id], additionalProperties: false}
        result:
          type: object
          properties:
            lines: {type: array, items: {type: object, properties: {cents: {type: integer}}, required: [cents]}}
          required: [lines]
  with: {source: orders}
  input_schema: {type: object, properties: {id: {type: string}}, required: [id], additionalProperties: false}
  input: {id: o-1}
  results: {order: {lines: [{cents: 3}, {cents: 4}]}}
  output: {total: 7}
"""


run = partial(run_nowhere, "composition")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "order_total.yaml"
    path.write_text(OWN)
    return path


def test_the_list_has_those_of_tasker_and_ones_own(file: Path) -> None:
    answer = run("list", "--compositions", file, "-o", "ids")
    assert answer.ids == [f"{each.name}@{each.version}" for each in bundled()] + [
        "order_total@1.0.0"
    ]
    listed = run("list", "-o", "json").json
    assert [each["name"] for each in listed] == bundled().names
    assert "Reads one endpoint" in run("list").out


@pytest.mark.parametrize("name", bundled().names)
def test_whatever_comes_with_tasker_is_sound_and_can_be_tried(name: str) -> None:
    assert run("check", name).code == 0
    explained = run("explain", name, "-o", "json").json
    assert explained["sound"]
    jsonschema_rs.Draft202012Validator(explained["output"])
    outcome = run("run", name, "-o", "json")
    assert outcome.code == 0
    composition = bundled().find(name)
    assert composition is not None
    assert composition.example is not None
    assert outcome.json["result"] == composition.example.output


def test_a_file_is_checked_by_its_example(file: Path) -> None:
    answer = run("check", file)
    assert answer.code == 0
    assert answer.out.startswith("order_total@1.0.0: sound; read: ")
    assert answer.err.strip() == "1 composition(s), 0 error(s)"


def test_what_is_wrong_is_told_by_line(file: Path) -> None:
    file.write_text(
        OWN.replace(".order.lines[]", ".order.line[]").replace("{id: .input.id}", "{id: .input.i}")
    )
    answer = run("check", file)
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert lines[0].startswith(f"{file}:9: error: ")
    assert lines[0].endswith("[X101]")
    assert lines[1].startswith(f"{file}:12: error: ")
    assert "lines" in lines[1]
    described = run("check", file, "-o", "json").json["compositions"][0]
    assert [(each["code"], each["line"]) for each in described["findings"]] == [
        ("X101", 9),
        ("X101", 12),
    ]


def test_what_is_wrong_with_the_file_itself_is_told(file: Path) -> None:
    file.write_text(OWN + "reslt: total\n")
    answer = run("check", file)
    assert answer.code == 1
    assert answer.out.startswith(f"{file}:31: error: ")
    assert run("explain", file).code == 2


def test_a_folder_is_checked_file_by_file(file: Path) -> None:
    (file.parent / "other.yaml").write_text(OWN.replace("order_total", "other"))
    answer = run("check", file.parent)
    assert (answer.code, answer.err.strip()) == (0, "2 composition(s), 0 error(s)")
    assert run("check", file.parent, "-o", "ids").ids == ["order_total@1.0.0", "other@1.0.0"]
    empty = file.parent / "empty"
    empty.mkdir()
    assert run("check", empty).code == 1


def test_an_example_need_not_repeat_the_contract_of_the_input(file: Path) -> None:
    before, after = OWN.split("  input_schema: ")
    contract, _, rest = after.partition("\n")
    file.write_text(before.replace("steps:", f"input: {contract}\nsteps:", 1) + rest)
    assert run("check", file).code == 0
    assert run("run", file, '{"id": 3}').code == 2


def test_where_there_is_no_example_arguments_are_asked_for(file: Path) -> None:
    file.write_text(OWN.split("example:")[0])
    answer = run("check", file)
    assert answer.code == 1
    assert "--with, or by an `example`" in answer.err
    assert 'is not given "source"' in answer.out


def test_an_argument_is_told_by_its_name() -> None:
    answer = run("check", "fetch_json", "--with", '{"source": "orders"}')
    assert answer.code == 1
    assert "(in the argument source)" in answer.out
    assert "[R501]" in answer.out


def test_resources_come_from_a_file(tmp_path: Path) -> None:
    resources = tmp_path / "resources.yaml"
    resources.write_text("endpoints:\n  orders: {base_url: 'https://shop.example.com'}\n")
    arguments = ("--with", '{"source": "orders"}', "--resources", resources)
    assert run("check", "fetch_json", *arguments).code == 0
    resources.write_text("endpoints:\n  orders: {base_url: 3}\n")
    answer = run("check", "fetch_json", *arguments)
    assert answer.code == 2
    assert f"{resources}:2: error" in answer.err


def test_it_is_explained_to_people_and_drawn(file: Path) -> None:
    text = run("explain", file).out
    for said in ("{id: string}", "{total: integer}", "RESOURCE_UNAVAILABLE", "Where the order is."):
        assert said in text, said
    assert "UNBALANCED: the two sides differ" in run("explain", "reconcile").out
    assert "flowchart" in run("explain", file, "-o", "mermaid").out
    assert run("explain", file, "-o", "svg").out.startswith("<svg")
    assert "order" in run("explain", file, "-o", "tree").out
    assert run("explain", "enrich_each", "-o", "ids").ids == [
        "each",
        "each.found",
        "each.enriched",
    ]


def test_it_is_tried_with_other_input_and_answers(file: Path) -> None:
    answers = json.dumps({"order": {"lines": [{"cents": 10}]}})
    outcome = run("run", file, '{"id": "o-2"}', "--results", answers, "-o", "json").json
    assert outcome["result"] == {"total": 10}
    assert [(each["place"], each["state"]) for each in outcome["ran"]] == [
        ("order", "complete"),
        ("total", "complete"),
    ]


def test_a_failure_is_told_with_its_place() -> None:
    answer = run("run", "approve_then_persist", "--results", '{"approval": {"approved": false}}')
    assert answer.code == 6
    assert "failed at approval" in answer.out
    assert "persist" not in answer.out
    failed = run("run", "notify", "--results", '{"sent": {"$fail": {"code": "CONFLICT"}}}')
    assert failed.code == 6
    assert "[CONFLICT]" in failed.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "fetch_json", "--results", "{}"], 2, "--results '{\"fetched\": …}'"),
        (["run", "fetch_json", "--results", "[]"], 2, "no JSON object"),
        (
            ["run", "approve_then_persist", "--results", '{"aproval": {"approved": false}}'],
            2,
            'no step aproval, whose result is given. Did you mean "approval"?',
        ),
        (["run", "enrich_each", "--results", '{"each[2].x": 1}'], 2, "no step each[2].x"),
        (["run", "fetch_json", "{}"], 2, "the input does not fit"),
        (["run", "fetch_json", "{"], 2, "no JSON"),
        (["check", "fetch_json", "--input-schema", "[]"], 2, "the schema of the input is not"),
        (["check", "fetch_json", "--input-schema", '{"type": 3}'], 2, "is not usable"),
        (["check", "fetch_jsn"], 3, 'Did you mean "fetch_json"?'),
        (["check", "fetch_json@9"], 3, "There are: 1.0.0."),
        (["check", "fetch_json", "--with", "[]"], 2, "no JSON object"),
        (["explain", "fetch_json", "--with", "{}"], 1, "is not given"),
        (["explain", "missing.yaml"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told(arguments: list[str], code: int, said: str) -> None:
    answer = run(*arguments)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err


def test_the_schema_is_printed_or_written_to_a_file(tmp_path: Path) -> None:
    printed = run("schema")
    jsonschema_rs.Draft202012Validator(printed.json)
    target = tmp_path / "composition.schema.json"
    assert run("schema", "--to", target).out == ""
    assert json.loads(target.read_text()) == printed.json


def test_of_several_one_must_be_named(file: Path) -> None:
    file.write_text(OWN + "---\n" + OWN.replace("order_total", "other"))
    answer = run("explain", file)
    assert answer.code == 2
    assert "order_total@1.0.0, other@1.0.0" in answer.err
    assert run("explain", "other", "--compositions", file).code == 0


def test_findings_are_written_for_ci(file: Path, tmp_path: Path) -> None:
    file.write_text(OWN.replace(".order.lines[]", ".order.line[]"))
    log = tmp_path / "findings.sarif"
    ran = run("check", file, "--sarif", log)
    assert ran.code == 1 and "[X101]" in ran.out
    written = json.loads(log.read_text())
    assert written == run("check", file, "--sarif", "-").json
    [result] = written["runs"][0]["results"]
    [place] = result["locations"]
    assert result["ruleId"] == "X101"
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": file.as_uri()},
        "region": {"startLine": 12},
    }


def test_findings_about_what_is_in_no_file_name_the_composition() -> None:
    log = run("check", "fetch_json", "--with", '{"source": "none"}', "--sarif", "-").json
    [result] = log["runs"][0]["results"]
    assert result["ruleId"] == "R501"
    [place] = result["locations"]
    assert place == {
        "logicalLocations": [{"fullyQualifiedName": "fetch_json@1.0.0.steps.0.resource"}]
    }
