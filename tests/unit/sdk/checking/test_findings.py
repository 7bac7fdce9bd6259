"""Findings as data: in Python, around mistakes in YAML, and as SARIF."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from tasker import DefinitionError, Retry, TemplateError, Workflow
from tasker.checking import CODES, check
from tasker.checking.answers import Answers, read_answers
from tasker.checking.sarif import make_sarif
from tasker.errors import TemplateFinding
from tasker.template import StepDefinition, Template
from tasker.yaml_template import LoadedTemplate, Refused, examine_text, parse_templates

HEAD = "name: order\nnamespace_name: shop\nversion: 1.0.0\n"


def step(name: str, *parents: str, **fields: Any) -> StepDefinition:
    return StepDefinition(name, f"h.{name}", depends_on=parents, **fields)


def codes(*steps: StepDefinition, **about: Any) -> list[str]:
    try:
        return [fault.code for fault in check(Template("shop", "order", "1", steps, **about))]
    except DefinitionError as error:
        return [fault.code for fault in error.faults]


def findings(text: str, **options: Any) -> list[TemplateFinding]:
    return [f for outcome in examine_text(HEAD + text, **options) for f in outcome.findings]


def told(text: str) -> list[tuple[str, int]]:
    return [(finding.code, finding.line) for finding in findings(text)]


# Around mistakes


def test_one_mistake_does_not_hide_the_next() -> None:
    text = """\
desciption: x
steps:
  - name: cart
    handler: { callable: shop.cart }
    timeout_seconds: soon
    result_schema: { type: money }
  - name: pay
    dependencies: [crt]
    handler: { callable: shop.pay }
    retry: { backoff_base_ms: 9000, max_backoff_ms: 1 }
    limits: [{ name: gateway }]
"""
    assert sorted(told(text), key=lambda each: each[1]) == [
        ("unknown-field", 4),
        ("wrong-type", 8),
        ("invalid-schema", 9),
        ("missing-parent", 11),
        ("invalid-retry", 13),
        ("invalid-limit", 14),
    ]


def test_what_would_follow_from_a_mistake_alone_is_not_told() -> None:
    """The name of the step that is missing may be the one that the other waits for."""
    text = """\
steps:
  - handler: { callable: shop.cart }
  - name: pay
    dependencies: [cart]
    handler: { callable: shop.pay }
    timeout_seconds: -1
"""
    assert told(text) == [("missing-field", 5), ("invalid-time-limit", 9)]


def test_a_broken_policy_is_no_reason_for_warnings_about_it() -> None:
    text = """\
steps:
  - name: pay
    handler: { callable: shop.pay }
    retry: { max_attempts: many }
    total_timeout_seconds: 2
"""
    assert told(text) == [("wrong-type", 7)]


def test_a_key_that_is_given_twice_does_not_hide_the_rest() -> None:
    text = "steps:\n  - name: pay\n    name: pay\n    handler: { callable: shop.pay }\n    queue: A B\n"
    assert told(text) == [("duplicate-key", 6), ("invalid-name", 8)]


def test_fields_inside_of_schemas_are_no_fields_of_the_template() -> None:
    text = """\
input_schema: { type: object }
steps:
  - name: pay
    handler: { callable: shop.pay }
    result_schema: { type: object }
  - name: ship
    dependencies: [pay]
    handler: { callable: shop.ship }
    input_schema:
      type: object
      properties:
        pay: { type: object }
        handler: { type: object }
"""
    [finding] = findings(text)
    assert (finding.code, finding.line) == ("data-without-source", 16)
    assert finding.path == ("steps", 1, "input_schema", "properties", "handler")


def test_an_error_comes_with_the_warnings_but_only_errors_are_raised() -> None:
    text = "colour: red\nsteps: []\n"
    [outcome] = examine_text(HEAD + text)
    assert isinstance(outcome, Refused)
    assert [(f.severity, f.code) for f in outcome.findings] == [
        ("warning", "unknown-field"),
        ("error", "step-count"),
    ]
    with pytest.raises(TemplateError) as error:
        parse_templates(HEAD + text)
    assert [finding.code for finding in error.value.findings] == ["step-count"]


def test_what_is_no_error_stands_beside_the_template() -> None:
    text = (
        "colour: red\ninput_schema: {type: string}\nsteps: [{name: pay, handler: {callable: p}}]\n"
    )
    [loaded] = examine_text(HEAD + text)
    assert isinstance(loaded, LoadedTemplate)
    assert [f.code for f in loaded.findings] == ["unknown-field", "task-input-not-object"]
    assert [f.code for f in loaded.warnings] == ["unknown-field"]


# In Python


class Cart(BaseModel):
    total: int


def test_a_workflow_says_what_the_checker_says() -> None:
    workflow = Workflow("w")

    @workflow.step
    def cart() -> Cart: ...

    @workflow.decision
    def route(cart: Cart) -> Literal["pay", "review"]: ...

    @workflow.step(depends_on=["route"], timeout=90, total_timeout=60)
    def pay(cart: Cart) -> int: ...

    with pytest.raises(DefinitionError) as error:
        _ = workflow.template
    assert [fault.code for fault in error.value.faults if fault.severity == "error"] == [
        "unknown-branch"
    ]

    @workflow.step(depends_on=["route"])
    def review() -> int: ...

    assert [fault.code for fault in check(workflow.template)] == ["attempt-outlasts-step"]


@pytest.mark.parametrize(
    ("annotation", "stored"),
    [
        (Literal["b", "a"], {"items": {"enum": ["a", "b"]}, "maxItems": 1}),
        (list[Literal["a", "b"]], {"items": {"enum": ["a", "b"]}}),
        (Literal["a"] | None, {"items": {"enum": ["a"]}, "maxItems": 1}),
        (str, {"items": {"type": "string"}, "maxItems": 1}),
        (list[str], {"items": {"type": "string"}}),
        (Any, {"items": {"type": "string"}}),
        (None, {"maxItems": 0}),
    ],
)
def test_a_decision_says_in_its_schema_what_it_may_answer(annotation: Any, stored: Any) -> None:
    workflow = Workflow("w")

    def route() -> Any: ...

    route.__annotations__["return"] = annotation
    workflow.decision(route)
    assert workflow.steps[0].result_schema == {"type": "array", **stored}


@pytest.mark.parametrize(
    ("schema", "answers"),
    [
        (None, Answers()),
        (True, Answers()),
        (False, None),
        ({}, Answers(None, True)),
        ({"type": "array"}, Answers(None, True)),
        ({"type": "array", "maxItems": 1}, Answers(None, False)),
        ({"type": "array", "maxItems": 0}, Answers(frozenset(), False)),
        ({"type": ["array", "null"], "items": {"const": "a"}}, Answers(frozenset("a"), False)),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, Answers(frozenset("ab"), True)),
        (
            {"type": "array", "items": {"oneOf": [{"const": "a"}, {"enum": ["b"]}]}, "maxItems": 1},
            Answers(frozenset("ab"), False),
        ),
        (
            {"anyOf": [{"type": "array", "items": {"enum": ["a"]}}, {"type": "null"}]},
            Answers(frozenset("a"), False),
        ),
        ({"type": "array", "items": {"$ref": "#/$defs/x"}}, Answers(None, True)),
        ({"$ref": "#/$defs/x"}, Answers()),
        ({"type": "array", "items": {"type": "integer"}}, None),
        ({"type": "string", "enum": ["a"]}, None),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
    ],
)
def test_what_a_schema_says_of_a_decisions_answers(schema: Any, answers: Answers | None) -> None:
    assert read_answers(schema) == answers


# What is told, and what is not


def test_only_what_is_known_of_workers_is_told() -> None:
    template = Template("shop", "order", "1", (step("pay"),))
    assert check(template) == []
    assert [fault.code for fault in check(template, ["h.pay"])] == []
    [fault] = check(template, ["h.play"])
    assert (fault.code, fault.mend) == ("unserved-handler", 'Did you mean "h.play"?')


def test_steps_side_by_side_are_no_orphans() -> None:
    assert codes(step("a"), step("b")) == []
    assert codes(step("a"), step("b"), step("c", "a")) == ["orphan-step"]


def test_a_decision_that_may_choose_both_is_no_reason_to_warn() -> None:
    names = {"type": "array", "items": {"enum": ["x", "y"]}}
    branches = (step("x", "d"), step("y", "d"))
    both = step("both", "x", "y")
    one = {**names, "maxItems": 1}
    assert codes(step("d", kind="decision", result_schema=names), *branches, both) == []
    assert codes(step("d", kind="decision"), *branches, both) == ["exclusive-parents"]
    assert codes(step("d", kind="decision", result_schema=one), *branches, both) == ["unreachable-step"]  # fmt: skip


def test_what_is_behind_two_branches_is_told_once() -> None:
    branches = (step("x", "d"), step("y", "d"))
    behind = (step("both", "x", "y"), step("more", "both", "x"), step("end", "more", "y"))
    assert codes(step("d", kind="decision"), *branches, *behind) == ["exclusive-parents"]


def test_the_least_that_is_waited_counts() -> None:
    retry = Retry(3, "fixed", 10, 10, 0.5)  # 20 seconds, or 10
    assert codes(step("a", retry=retry, step_time_limit=11)) == []
    assert codes(step("a", retry=retry, step_time_limit=10)) == ["retries-outlast-step"]
    capped = Retry(5, "exponential", 1, 3, 0)  # 1 + 2 + 3 + 3
    assert codes(step("a", retry=capped, step_time_limit=9)) == ["retries-outlast-step"]
    assert codes(step("a", retry=capped, step_time_limit=9.5)) == []


def test_a_result_with_definitions_fits_as_part_of_a_list() -> None:
    """What a schema defines is found where it has moved to."""
    part = {"$ref": "#/$defs/part", "$defs": {"part": {"type": "object", "required": ["n"]}}}
    taken = {"type": "array", "items": {"$ref": "#/$defs/part"}}
    steps = (
        step("split", kind="batchable"),
        step("load", "split", kind="batch_worker", result_schema=part),
        step(
            "report",
            "load",
            kind="deferred_convergence",
            input_schema={"type": "object", "properties": {"load": taken}, "$defs": part["$defs"]},
        ),
    )
    assert codes(*steps) == []


def test_a_part_of_a_schema_is_of_its_dialect() -> None:
    old: Any = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"a": {"$ref": "#/definitions/number", "type": "string"}},  # only $ref counts
        "definitions": {"number": {"type": "integer"}},
    }
    given = step("a", result_schema={"type": "integer"})
    assert codes(given, step("b", "a", input_schema=old)) == ["contract-undecided"]


def test_too_much_to_compare_is_undecided() -> None:
    many = {"enum": [f"name {n}" for n in range(20_000)]}
    takes = {"type": "object", "properties": {"a": {"enum": [*many["enum"][1:]]}}}
    assert codes(step("a", result_schema=many), step("b", "a", input_schema=takes)) == [
        "contract-undecided"
    ]


# SARIF


def test_findings_as_sarif_have_the_shape_that_it_requires() -> None:
    found = findings(
        "steps: [{name: pay, handler: {callable: p}, colour: red, queue: A B}]\n", file="a b.yaml"
    )
    log = make_sarif(found)
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "tasker"
    assert [rule["id"] for rule in driver["rules"]] == ["invalid-name", "unknown-field"]
    assert driver["rules"][0]["shortDescription"]["text"] == CODES["invalid-name"].title
    for result, finding in zip(run["results"], found, strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.code
        assert result["level"] == finding.severity
        assert finding.what in result["message"]["text"]
        [location] = result["locations"]
        assert location["physicalLocation"] == {
            "artifactLocation": {"uri": "a%20b.yaml"},
            "region": {"startLine": finding.line},
        }
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("steps.0.")
