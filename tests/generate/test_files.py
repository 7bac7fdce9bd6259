"""What `tasker generate` writes, keeps, tells and refuses; in Ruby, whose types need no other program."""

from __future__ import annotations

import json

import pytest
from tests.generate.support import record, step, write_template
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.generate.source import read_sources

TEXT = {"type": "string"}
STEPS = [step("pay", record(id=TEXT), handler="shop.pay"), step("ship", TEXT, dependencies=["pay"])]
WRITTEN = ["flow_types.rb", "sig/flow_types.rbs", "flow_client.rb", "sig/flow_client.rbs"]


@pytest.fixture
def generate(tmp_path, monkeypatch):
    """Run `tasker generate` in Ruby, in a folder with a template; what it said, and its exit code."""
    monkeypatch.chdir(tmp_path)
    write_template(tmp_path, STEPS, input_schema=record(total={"type": "integer"}))

    def run(*arguments, code=0):
        ran = CliRunner().invoke(app, ["generate", *arguments, "--lang", "ruby"])
        assert ran.exit_code == code, ran.output
        return ran.output

    return run


def test_a_second_run_changes_nothing_and_check_agrees(generate, tmp_path):
    for what in ("types", "handler", "test", "client"):
        assert "wrote" in generate(what, "flow.yaml")
    before = read(tmp_path)
    for what in ("types", "handler", "test", "client"):
        assert "wrote" not in generate(what, "flow.yaml")
        generate(what, "flow.yaml", "--check")
    assert read(tmp_path) == before


def test_check_and_dry_run_write_nothing(generate, tmp_path):
    before = read(tmp_path)
    assert "missing flow_types.rb" in generate("types", "flow.yaml", "--check", code=1)
    assert "missing flow_types.rb" in generate("types", "flow.yaml", "--dry-run")
    assert read(tmp_path) == before


def test_a_changed_template_is_followed_by_what_is_generated_and_tells_of_the_rest(
    generate, tmp_path
):
    for what in ("types", "handler", "test"):
        generate(what, "flow.yaml")
    mine = (tmp_path / "flow_handlers.rb").read_text().replace('"text"', '"mine"')
    (tmp_path / "flow_handlers.rb").write_text(mine)
    steps = [step("pay", record(id=TEXT, at=TEXT), handler="shop.pay"), STEPS[1], step("bill")]
    write_template(tmp_path, steps, input_schema=record(total={"type": "integer"}))
    said = generate("types", "flow.yaml", "--check", code=1)
    assert "out of date flow_types.rb" in said
    assert "the contract of handler shop.pay has changed" in said
    assert "the contract of handler bill" not in said
    assert said.count("the contract of handler shop.pay") == 1  # of types and signatures together
    generate("types", "flow.yaml")
    assert ":id, :at" in (tmp_path / "flow_types.rb").read_text()
    said = generate("handler", "flow.yaml")
    assert "kept flow_handlers.rb" in said
    assert 'flow_handlers.rb lacks bill. Add:\n\nTasker.step("bill") do' in said
    assert "lacks ship" not in said
    assert (tmp_path / "flow_handlers.rb").read_text() == mine
    generate("handler", "flow.yaml", "--check", code=1)
    answer = json.loads(generate("handler", "flow.yaml", "-o", "json"))
    assert [(one["file"], one["state"]) for one in answer] == [("flow_handlers.rb", "lacking")]
    assert [one["name"] for one in answer[0]["lacking"]] == ["bill"]
    (tmp_path / "flow_handlers.rb").write_text(mine + answer[0]["lacking"][0]["code"])
    generate("handler", "flow.yaml", "--check")


def test_what_was_edited_is_written_again_and_what_was_not_generated_is_left(generate, tmp_path):
    generate("types", "flow.yaml")
    types = tmp_path / "flow_types.rb"
    whole = types.read_text()
    types.write_text(whole.replace("Struct", "Strict"))
    assert "out of date flow_types.rb" in generate("types", "flow.yaml", "--check", code=1)
    generate("types", "flow.yaml")
    assert types.read_text() == whole
    types.write_text("# mine\n")
    said = generate("types", "flow.yaml", code=1)
    assert "flow_types.rb is there, and was not generated. Move it away" in said
    assert types.read_text() == "# mine\n"


def test_two_templates_of_one_name_are_refused(generate, tmp_path):
    write_template(tmp_path, STEPS, name="Flow").rename(tmp_path / "other.yaml")
    said = generate("types", "flow.yaml", "other.yaml", code=1)
    assert "both have a template whose files would be called flow" in said
    assert sorted(read(tmp_path)) == ["flow.yaml", "other.yaml"]


def test_a_handler_of_several_kinds_of_steps_is_refused(generate, tmp_path):
    steps = [
        step("a", handler="x"),
        step("b", type="decision", handler="x"),
        step("c", dependencies=["b"]),
    ]
    write_template(tmp_path, steps)
    assert "handler x runs steps of several kinds: a (standard), b (decision)" in generate(
        "types", "flow.yaml", code=1
    )


def test_a_project_is_made_once_and_has_one_template(generate, tmp_path):
    assert "next: cd flow && tasker dev flow_handlers.rb --templates flow.yaml" in generate(
        "scaffold", "flow.yaml"
    )
    before = read(tmp_path)
    assert {*WRITTEN, "Gemfile", "README.md", "test/test_flow.rb"} <= {
        name.removeprefix("flow/") for name in before
    }
    assert "wrote" not in generate("scaffold", "flow.yaml")
    generate("scaffold", "flow.yaml", "--check")
    generate("scaffold", "flow/flow.yaml", "--out", "flow", "--check")
    assert read(tmp_path) == before
    write_template(tmp_path, STEPS)
    assert "is another template than flow.yaml" in generate("scaffold", "flow.yaml", code=1)
    assert {name: text for name, text in read(tmp_path).items() if "/" in name} == {
        name: text for name, text in before.items() if "/" in name
    }


def test_a_template_that_is_none_is_told_by_its_line(generate, tmp_path):
    (tmp_path / "flow.yaml").write_text("name: flow\n")
    assert "flow.yaml:1" in generate("types", "flow.yaml", code=2)


def read(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_the_template_has_no_more_is_told(generate, tmp_path):
    generate("types", "flow.yaml")
    write_template(tmp_path, [step("pay", record(id=TEXT), handler="shop.bill")])
    said = generate("types", "flow.yaml")
    assert said.count("the template has no handler shop.pay any more") == 1


def test_a_batch_worker_that_says_what_it_takes_still_takes_an_item(tmp_path):
    steps = [
        step("split", {"type": "array", "items": record(n=TEXT)}, type="batchable"),
        step("load", type="batch_worker", dependencies=["split"],
             input_schema=record(["split"], split=record(n=TEXT))),
    ]  # fmt: skip
    [source] = read_sources([write_template(tmp_path, steps)], tmp_path)
    load = next(plan for plan in source.plan.handlers if plan.kind == "batch_worker")
    assert [(taken.name, taken.source) for taken in load.takes] == [("split", "item")]
