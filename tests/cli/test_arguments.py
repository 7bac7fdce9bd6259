import io

import pytest

from tasker.cli.arguments import (
    StepRef,
    TemplateRef,
    parse_step_ref,
    parse_template_ref,
    read_ids,
    read_json,
)
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed


def test_templates_and_steps_are_named_with_slashes():
    assert parse_template_ref("shop/order") == TemplateRef("shop", "order", None)
    assert parse_template_ref("shop/order@1.2.0") == TemplateRef("shop", "order", "1.2.0")
    assert str(parse_template_ref("shop/order@1.2.0")) == "shop/order@1.2.0"
    assert parse_step_ref("0199a4/pay/again") == StepRef("0199a4", "pay/again")


@pytest.mark.parametrize("text", ["order", "/order", "shop/", "", "shop/@1"])
def test_what_is_no_template_is_refused(text):
    with pytest.raises(CommandFailed) as raised:
        parse_template_ref(text)
    assert raised.value.failure.code is ExitCode.USAGE
    assert "NAMESPACE/NAME" in str(raised.value.failure)


def test_a_dash_reads_ids_from_stdin_and_repetitions_are_dropped(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("b\n\n a \nb\n"))
    assert read_ids(["a", "-", "c"]) == ["a", "b", "c"]


def test_no_ids_on_stdin_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(CommandFailed, match="no ids"):
        read_ids(["-"])


def test_json_comes_from_the_argument_a_file_or_stdin(monkeypatch, tmp_path):
    path = tmp_path / "input.json"
    path.write_text('{"from": "file"}')
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "stdin"}'))
    assert read_json('{"from": "here"}') == {"from": "here"}
    assert read_json(f"@{path}") == {"from": "file"}
    assert read_json("-") == {"from": "stdin"}


def test_bad_json_is_pointed_at(tmp_path):
    path = tmp_path / "input.json"
    path.write_text('{\n  "a": 1,\n  b: 2\n}')
    with pytest.raises(CommandFailed) as raised:
        read_json(f"@{path}")
    assert f"{path} is no JSON: line 3, column 3" in str(raised.value.failure)
    assert raised.value.failure.code is ExitCode.USAGE


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000])
def test_json_that_is_too_much_is_refused(text):
    with pytest.raises(CommandFailed, match="the argument cannot be read: ") as raised:
        read_json(text)
    assert raised.value.failure.code is ExitCode.USAGE


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandFailed, match=r"cannot read .*nowhere\.json"):
        read_json(f"@{tmp_path / 'nowhere.json'}")
