"""Limits: what they say in a definition, in Python and YAML, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tasker import DefinitionError, Limit, TemplateError, Workflow
from tasker.yaml_template import parse_templates

YAML = """\
name: x
namespace_name: n
version: 1.0.0
limits:
  - { name: tenants, key: $.tenant, concurrency: 2, unit: task }
steps:
  - name: a
    handler: { callable: h }
    limits:
      - { rate: 10, period_seconds: 60 }
"""


def test_a_limit_in_a_definition() -> None:
    limit = Limit("api", key="$.tenant", concurrency=2, rate=100, period="1m", unit="task")
    assert limit.to_json() == {
        "name": "api",
        "key": "$.tenant",
        "unit": "task",
        "concurrency": 2,
        "rate": 100,
        "period": 60.0,
    }
    assert Limit(key="$.tenant").to_json()["period"] is None


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "it limits nothing"),
        ({"name": "a"}, "it limits nothing"),
        ({"name": "", "rate": 1}, "name is ''"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"concurrency": True}, "concurrency is True"),
        ({"rate": 1.5}, "rate is 1.5"),
        ({"rate": 1, "period": "soon"}, "'soon' is no duration"),
        ({"rate": 1, "period": 0}, "1 ms to a day"),
        ({"rate": 1, "period": "2d"}, "1 ms to a day"),
        ({"key": "tenant"}, "a JSON path"),
        ({"key": 3}, "a JSON path"),
        ({"key": "$.a", "unit": "day"}, "one of step, task"),
        ({"key": "$item.a", "unit": "task"}, "must not name $item"),
    ],
)
def test_what_means_nothing_is_refused(options: dict[str, Any], part: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        Limit(**options)
    assert part in str(raised.value)


def test_a_workflow_and_its_steps_have_limits() -> None:
    flow = Workflow("x", namespace="n", limits=[Limit(concurrency=1, unit="task")])

    @flow.step(limits=[Limit("api", rate=5)])
    def a() -> None: ...

    @flow.step
    def b() -> None: ...

    definition = flow.template.to_json()
    assert [limit["unit"] for limit in definition["limits"]] == ["task"]
    assert definition["steps"][0]["limits"][0]["rate"] == 5
    assert "limits" not in definition["steps"][1]


@pytest.mark.parametrize(
    ("limits", "part"),
    [
        (Limit(rate=1), "limits must be a list, as"),
        ("api", "limits must be a list, as"),
        ([1], "limits must be a list, as"),
        ([Limit(str(f"a{n}"), rate=1) for n in range(9)], "8 are allowed"),
        ([Limit("a", rate=1), Limit("a", key="$.b")], "two limits are named a"),
        ([Limit(rate=1), Limit(key="$.b")], "each needs a name"),
    ],
)
def test_limits_that_cannot_stand_together_are_refused(limits: Any, part: str) -> None:
    with pytest.raises(DefinitionError, match=part):
        Workflow("x", limits=limits)
    flow = Workflow("x")
    with pytest.raises(DefinitionError, match=part):
        flow.step(name="a", limits=limits)(lambda: None)


def test_what_is_wrong_with_a_workflow_s_limits_is_said_once() -> None:
    with pytest.raises(DefinitionError) as raised:
        Workflow("x", limits=Limit(rate=1))  # pyright: ignore[reportArgumentType]
    said = f"workflow default/x: limits must be a list, as limits=[Limit(...)], not {Limit(rate=1)}"
    assert str(raised.value) == said


def test_a_step_cannot_count_tasks() -> None:
    flow = Workflow("x")
    with pytest.raises(DefinitionError, match="belongs to the workflow"):
        flow.step(name="a", limits=[Limit(concurrency=1, unit="task")])(lambda: None)


def test_limits_in_yaml() -> None:
    [loaded] = parse_templates(YAML)
    assert loaded.warnings == ()
    assert loaded.template.limits == (
        Limit("tenants", key="$.tenant", concurrency=2, period=1.0, unit="task"),
    )
    assert loaded.template.steps[0].limits == (Limit(rate=10, period=60.0),)


def test_a_limit_that_is_wrong_in_yaml_is_found_by_its_line() -> None:
    with pytest.raises(TemplateError) as raised:
        parse_templates(YAML.replace("rate: 10", "rate: 0"))
    [finding] = raised.value.findings
    assert (finding.line, "rate is 0" in str(finding)) == (10, True)
