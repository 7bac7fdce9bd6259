from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tasker.cli.app import app
from tasker.environments import Change, find_changes
from tasker.errors import TemplateError, UnknownEnvironmentError
from tasker.yaml_template import LoadedTemplate, examine_text, load_all_templates, parse_templates

TEMPLATE = """\
name: orders
namespace_name: shop
version: 1.0.0
lifecycle: {max_duration_minutes: 60}
limits: [{name: all_orders, concurrency: 50}]
steps:
  - name: split
    type: batchable
    handler: {callable: shop.split, initialization: {rows: 100, fast: true}}
    limits: [{rate: 5}]
  - name: pack
    type: batch_worker
    dependencies: [split]
    handler: {callable: shop.pack}
    retry: {max_attempts: 5, backoff: fixed}
    timeout_seconds: 30
    batch_config: {parallelism: 10, failure_strategy: fail_fast}
environments:
"""
TEST = """\
  test:
    lifecycle: {max_duration_minutes: 5}
    limits: []
    steps:
      - name: ALL
        retry: {max_attempts: 1}
        queue: tests
        batch_config: {parallelism: 1}
      - name: split
        handler: {initialization: {rows: 2, more: x}}
        limits: []
      - name: pack
        timeout_seconds: 3
        total_timeout_seconds: 9
"""
BROKEN = """\
  slow:
    steps:
      - name: ALL
        retry: {backoff: fixed}
      - name: pack
        retry: {max_attempts: 2, backoff_base_ms: 90000, max_backoff_ms: 10}
"""


def load(text: str, environment: str | None = None) -> LoadedTemplate:
    (loaded,) = parse_templates(text, file="t.yaml", environment=environment)
    return loaded


def definition(text: str, environment: str | None = None) -> dict[str, Any]:
    return load(text, environment).template.to_json()


def test_what_an_environment_changes_is_told_value_by_value() -> None:
    text = TEMPLATE + TEST
    changes = find_changes(definition(text), definition(text, "test"))
    limit = {"name": None, "key": None, "unit": "step", "rate": 5, "period": 1.0}
    [of_split] = [each for each in changes if each.field == "limits" and each.step == "split"]
    assert of_split.before[0].items() >= limit.items() - {("name", None), ("key", None)}
    assert of_split.after is None
    rest = [each for each in changes if each.field != "limits"]
    assert rest == [
        Change(None, "time_limit", 3600.0, 300.0),
        Change("split", "queue", None, "tests"),
        Change("split", "config.rows", 100, 2),
        Change("split", "config.more", None, "x"),
        Change("split", "retry.max_attempts", 3, 1),
        Change("pack", "queue", None, "tests"),
        Change("pack", "retry.max_attempts", 5, 1),
        Change("pack", "attempt_time_limit", 30.0, 3.0),
        Change("pack", "step_time_limit", None, 9.0),
        Change("pack", "batch.parallelism", 10, 1),
    ]
    assert {each.step for each in changes if each.field == "limits"} == {None, "split"}


def test_what_is_not_given_stays() -> None:
    _, pack = load(TEMPLATE + TEST, "test").template.steps
    assert (pack.retry.backoff, pack.batch.on_failure) == ("fixed", "fail_task")


@pytest.mark.parametrize("chosen", [None, "test"])
def test_a_backoff_that_only_another_environment_needs_is_no_mistake(chosen: str | None) -> None:
    codes = {finding.code for finding in load(TEMPLATE + TEST, chosen).findings}
    assert "backoff-without-retry" not in codes


def test_without_an_environment_nothing_is_changed() -> None:
    alone = TEMPLATE.removesuffix("environments:\n")
    assert definition(TEMPLATE + TEST) == definition(alone)
    assert load(TEMPLATE + TEST).environments == ("test",)
    assert load(alone).environments == ()


def test_an_environment_of_which_nothing_is_said_changes_nothing() -> None:
    text = TEMPLATE + "  staging:\n"
    assert find_changes(definition(text), definition(text, "staging")) == []


@pytest.mark.parametrize("chosen", [None, "test"])
def test_every_environment_is_checked_at_the_line_of_its_change(chosen: str | None) -> None:
    with pytest.raises(TemplateError) as error:
        load(TEMPLATE + TEST + BROKEN, chosen)
    (finding,) = error.value.findings
    assert finding.code == "invalid-retry"
    assert (
        finding.line
        == (TEMPLATE + TEST + BROKEN)
        .splitlines()
        .index("        retry: {max_attempts: 2, backoff_base_ms: 90000, max_backoff_ms: 10}")
        + 1
    )
    assert "in environment slow: " in finding.what
    assert finding.path[:4] == ("environments", "slow", "steps", 1)


def test_what_is_wrong_everywhere_is_told_once() -> None:
    text = (TEMPLATE + TEST).replace("timeout_seconds: 30", "timeout_seconds: 7200")
    (outcome,) = examine_text(text.replace("timeout_seconds: 3\n", "queue: x\n"))
    codes = [finding.code for finding in outcome.findings]
    assert codes.count("step-outlasts-task") + codes.count("attempt-outlasts-step") >= 1
    assert len({(f.code, f.what) for f in outcome.findings}) == len(outcome.findings)


def test_a_time_limit_that_only_an_environment_makes_too_short_is_told() -> None:
    text = TEMPLATE + "  test:\n    lifecycle: {max_duration_minutes: 0.1}\n"
    (outcome,) = examine_text(text)
    (finding,) = [each for each in outcome.findings if each.code == "step-outlasts-task"]
    assert "in environment test" in finding.what


def test_an_environment_that_no_template_has_is_an_error() -> None:
    with pytest.raises(UnknownEnvironmentError, match=r'"tset".*Did you mean "test"'):
        load(TEMPLATE + TEST, "tset")
    with pytest.raises(UnknownEnvironmentError, match="no template has any"):
        load(TEMPLATE.removesuffix("environments:\n"), "production")


def test_one_of_several_templates_that_has_it_will_do(tmp_path) -> None:
    (tmp_path / "a.yaml").write_text(TEMPLATE + TEST)
    other = TEMPLATE.removesuffix("environments:\n").replace("orders", "returns")
    (tmp_path / "b.yaml").write_text(other)
    paths = [tmp_path / "b.yaml", tmp_path / "a.yaml"]
    b, a = load_all_templates(paths, environment="test")
    assert a.template.steps[1].retry.max_attempts == 1
    assert b.template.steps[1].retry.max_attempts == 5
    with pytest.raises(UnknownEnvironmentError):
        load_all_templates(paths[:1], environment="test")
    with pytest.raises(UnknownEnvironmentError):
        load_all_templates([], environment="test")


def test_durations_are_shown_as_people_read_them(tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    longer = "  busy: {lifecycle: {max_duration_minutes: 1440}}"
    file.write_text(f"{TEMPLATE}{longer}\n")
    shown = CliRunner().invoke(app, ["template", "show", str(file), "--env", "busy"])
    assert re.search(r"time_limit +1 h +1 d", shown.output), shown.output
