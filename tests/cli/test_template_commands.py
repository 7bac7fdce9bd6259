import json
from pathlib import Path
from uuid import uuid4

import pytest
from tests.engine.support import call

from tasker.checking import CODES
from tasker_grammar.checking import CODES as GRAMMAR_CODES

GOOD = """\
name: order
namespace_name: shop
version: 1.0.0
description: Sells a thing.
input_schema: {type: object, required: [id]}
steps:
  - name: validate
    handler: {callable: shop.validate}
  - name: pay
    handler: {callable: shop.pay}
    dependencies: [validate]
    timeout_seconds: 30
environments:
  production:
    steps:
      - name: pay
        timeout_seconds: 90
"""
BAD = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: pay
    handler: {callable: shop.pay}
    dependencies: [validat]
"""
MODULE = """\
from tasker import Workflow
flow = Workflow("from_module", namespace="shop")
@flow.step
def only(input: dict) -> int:
    return 1
"""

COMPOSED = """\
name: books
namespace_name: demo
version: 1.0.0
input_schema: {type: object, properties: {id: {type: string}}, required: [id]}
steps:
  - name: told
    composition: {name: told, steps: [{id: a, kind: transform, value: .input.idd}], result: a}
"""


@pytest.fixture
def good(tmp_path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def bad(tmp_path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def test_a_sound_file_passes(cli, good):
    ran = cli("template", "validate", good)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "1 file(s), 0 error(s), 0 warning(s)\n"


def test_errors_and_warnings_are_told_by_file_and_line(cli, good, bad):
    good.write_text(GOOD + "system_dependencies: {primary: x}\n")
    ran = cli("template", "validate", good, bad)
    assert ran.code == 1
    assert any(line.startswith(f"{bad}:7: error: ") for line in ran.out.splitlines()), ran.out
    found = cli("template", "validate", good.parent, "-o", "json").json
    assert {(Path(f["file"]).name, f["code"]) for f in found if f["severity"] == "error"} == {
        ("bad.yaml", "missing-parent")
    }
    assert found[0].keys() == {"code", "severity", "file", "line", "path", "what", "mend"}


def test_warnings_alone_are_no_failure(cli, good):
    good.write_text(
        GOOD.replace("description: Sells a thing.", "lifecycle: {staleness_action: dlq}")
    )
    ran = cli("template", "validate", good, "-o", "json")
    assert ran.code == 0
    assert [(f["severity"], f["code"]) for f in ran.json] == [("warning", "not-acted-on")]
    assert cli("template", "validate", good, "--strict").code == 1


INFO = """\
  - name: book
    handler: {callable: shop.book}
    dependencies: [pay]
    input_schema: {type: object, properties: {pay: {type: object}}}
"""


def test_what_is_good_to_know_is_shown_when_asked(cli, good):
    good.write_text(GOOD.replace("environments:", INFO + "environments:"))
    ran = cli("template", "validate", good, "--strict")
    assert (ran.code, ran.out) == (0, "")
    assert [f["code"] for f in cli("template", "validate", good, "-o", "json").json] == [
        "no-result-schema"
    ]
    shown = cli("template", "validate", good, "--verbose")
    assert shown.out.startswith(f"{good}:9: info: step")
    assert shown.err == "1 file(s), 0 error(s), 0 warning(s), 1 info(s)\n"


def test_handlers_are_held_against_those_of_modules(cli, good, tmp_path):
    module = tmp_path / "handlers_for_template_tests.py"
    module.write_text(
        "from tasker import handler\n@handler('shop.validate')\ndef validate(): ...\n"
    )
    ran = cli("template", "validate", good, "--module", module)
    [line] = ran.out.splitlines()
    assert line.startswith(f'{good}:10: warning: no worker has the handler "shop.pay"')
    assert ran.code == 0
    ran = cli("template", "validate", good, "--module", tmp_path / "charge.rb")
    assert ran.code == 2 and "in another language" in ran.err


def test_findings_are_written_for_ci(cli, bad, tmp_path):
    log = tmp_path / "findings.sarif"
    ran = cli("template", "validate", bad, "--sarif", log)
    assert ran.code == 1 and "[missing-parent]" in ran.out
    assert json.loads(log.read_text()) == cli("template", "validate", bad, "--sarif", "-").json


def test_findings_about_compositions_are_written_for_ci(cli, tmp_path):
    path = tmp_path / "books.yaml"
    path.write_text(COMPOSED)
    [result] = cli("template", "validate", path, "--sarif", "-").json["runs"][0]["results"]
    assert result["ruleId"] == "X101"


def test_a_finding_is_explained(cli):
    assert cli("template", "explain", "E401").out.startswith("# E401\n")
    page = cli("template", "explain", "cycle")
    assert page.out.startswith("# cycle\n")
    assert cli("template", "explain", "cycle", "-o", "json").json["severity"] == "error"
    unknown = cli("template", "explain", "cicle")
    assert unknown.code == 3 and 'Did you mean "cycle"?' in unknown.err
    assert cli("template", "explain", "-o", "ids").ids == [*CODES, *GRAMMAR_CODES]
    assert "Steps wait for each other in a circle" in cli("template", "explain").out


def test_what_is_likely_a_mistake_is_told_at_registration(cli, good, connection):
    good.write_text(GOOD.replace("timeout_seconds: 30", "timout_seconds: 30"))
    ran = cli("template", "register", good)
    assert ran.code == 0
    assert ran.err.startswith(f'{good}:12: warning: the field "timout_seconds" is unknown')
    about = {"name": "w", "queues": ["shop"], "slots": 1, "version": "1"}
    call(connection, "register_worker", worker_id=uuid4(), handlers=["shop.validate"], **about)
    ran = cli("template", "register", good)
    assert "shop/order: warning: no worker has the handler" in ran.err
    assert "shop.validate" not in ran.err


def test_a_missing_file_is_wrong_usage(cli, tmp_path):
    ran = cli("template", "validate", tmp_path / "nowhere.yaml")
    assert ran.code == 2 and "there is no file" in ran.err


def test_templates_are_registered_from_files_folders_and_modules(cli, good, tmp_path):
    ran = cli("template", "register", good)
    assert ran.out == "shop/order@1.0.0 registered\n"
    assert cli("template", "register", tmp_path).out == "shop/order@1.0.0 was registered already\n"
    module = tmp_path / "flows_for_template_tests.py"
    module.write_text(MODULE)
    assert cli("template", "register", module, "-o", "ids").ids == ["shop/from_module@1.0.0"]
    listed = cli("template", "list", "-o", "ids").ids
    assert listed == ["shop/from_module@1.0.0", "shop/order@1.0.0"]
    assert cli("template", "list", "-n", "other", "-o", "json").json == []
    assert "Sells a thing." in cli("template", "list").out


def test_a_registered_version_stands(cli, good):
    cli("template", "register", good)
    good.write_text(GOOD.replace("30", "31"))
    ran = cli("template", "register", good)
    assert ran.code == 4 and "new version" in ran.err


def test_a_broken_file_is_not_registered(cli, bad):
    ran = cli("template", "register", bad)
    assert ran.code == 2 and f"{bad}:7:" in ran.err
    assert cli("template", "list", "-o", "json").json == []


def test_what_a_file_says_for_an_environment_is_applied_when_asked(cli, good):
    cli("template", "register", good, "--environment", "production")
    steps = cli("template", "show", "shop/order", "-o", "json").json["definition"]["steps"]
    assert steps[1]["attempt_time_limit"] == 90


def test_a_template_is_shown_from_the_database_or_from_a_file(cli, good):
    from_file = cli("template", "show", good)
    assert "not by this command" in from_file.out and "30 s per attempt" in from_file.out
    cli("template", "register", good)
    shown = cli("template", "show", "shop/order@1.0.0")
    assert "registered" in shown.out and "validate" in shown.out
    assert cli("template", "show", "shop/order@1.0.0", "-o", "ids").ids == ["shop/order@1.0.0"]
    assert cli("template", "show", "shop/orde").err.endswith("Did you mean shop/order?\n")
