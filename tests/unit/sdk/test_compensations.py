"""Compensations in workflows and in YAML: what is written, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasker import DefinitionError, Retry, TemplateError, Workflow
from tasker.yaml_template import parse_templates


def orders(**options: Any) -> Workflow:
    """Reserve, pay, ship."""
    workflow = Workflow("order", namespace="shop", input=int, **options)

    @workflow.step
    def reserve(input: int) -> str:
        return "place"

    @workflow.step(name="pay")
    def process_payment(reserve: str) -> int:
        return 7

    @workflow.step
    def ship(pay: int) -> float:
        return 1.5

    return workflow


def test_a_compensation_is_a_part_of_its_step() -> None:
    workflow = orders(on_failure="compensate")

    @workflow.compensation("pay", retry=Retry(9), timeout="2s", queue="money", config={"a": 1})
    def refund(pay: int, reserve: str) -> None: ...

    definition = workflow.template.to_json()
    assert definition["on_failure"] == "compensate"
    assert [step.get("compensate") for step in definition["steps"]] == [
        None,
        {
            "handler": "shop.order.undo:pay",
            "takes": ["reserve"],
            "when": "complete",
            "queue": "money",
            "config": {"a": 1},
            "retry": Retry(9).to_json(),
            "attempt_time_limit": 2.0,
            "step_time_limit": None,
        },
        None,
    ]
    assert workflow.handlers["shop.order.undo:pay"].make() is refund
    assert "on_failure" not in orders().template.to_json()


def test_a_step_is_named_by_its_function_too() -> None:
    workflow = Workflow("w")

    @workflow.step(name="other")
    def pay() -> None: ...

    @workflow.compensation(pay)
    def refund() -> None: ...

    assert "default.w.undo:other" in workflow.handlers


def test_a_function_that_undoes_stands_beside_a_step() -> None:
    workflow = Workflow("w")

    def refund(pay: int) -> None: ...

    @workflow.step(compensate=refund)
    def pay() -> int:
        return 1

    assert workflow.template.steps[0].compensate is not None
    assert workflow.handlers["default.w.undo:pay"].make() is refund


def later_step(ship: float) -> None: ...
def own_step_of_another_type(pay: list[int]) -> None: ...
def input_of_another_type(input: str) -> None: ...
def unknown(pya: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            later_step,
            r"undo:pay takes ship, which may not have completed. Annotate it float \| None",
        ),
        (own_step_of_another_type, r"step undo:pay takes pay: list\[int\], but step pay gives int"),
        (input_of_another_type, "undo:pay takes input: str, but the workflow's input is int"),
        (unknown, 'undo:pay: nothing fills the parameter pya.* Did you mean "pay"'),
        ("refund", "a compensation is a function, not 'refund'"),
    ],
)
def test_what_cannot_be_given_is_refused(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        orders().compensation("pay")(function)


def test_a_step_that_was_only_started_has_no_result() -> None:
    def refund(pay: int) -> None: ...

    with pytest.raises(DefinitionError, match="undo:pay takes pay, which may not have completed"):
        orders().compensation("pay", when="started")(refund)


def test_a_step_is_not_added_with_a_compensation_that_cannot_be() -> None:
    workflow = orders()
    with pytest.raises(DefinitionError, match="undo:last: nothing fills"):

        @workflow.step(compensate=unknown)
        def last() -> None: ...

    assert [step.name for step in workflow.template.steps] == ["reserve", "pay", "ship"]


def test_it_is_written_once_and_for_a_step() -> None:
    workflow = orders()

    def refund() -> None: ...

    workflow.compensation("pay")(refund)
    with pytest.raises(DefinitionError, match="step pay has a compensation already"):
        workflow.compensation("pay")(refund)
    with pytest.raises(DefinitionError, match=r"for 'shp', which is no step yet\. Did you mean"):
        workflow.compensation("shp")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"when": "never"}, "when is 'never'"),
        ({"queue": "No"}, "queue is 'No'"),
        ({"timeout": 0}, "timeout: no time at all"),
        ({"retry": 3}, "retry is a Retry, not 3"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], said: str) -> None:
    def refund() -> None: ...

    with pytest.raises(DefinitionError, match=said):
        orders().compensation("pay", **options)(refund)


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(DefinitionError, match="on_failure is 'panic'"):
        _ = orders(on_failure="panic").template


def test_a_convergence_is_not_sure_of_what_a_decision_excludes() -> None:
    workflow = Workflow("w")

    @workflow.decision
    def route() -> str:
        return "left"

    @workflow.step(depends_on=["route"])
    def left() -> int:
        return 1

    @workflow.step(depends_on=["route"])
    def right() -> int:
        return 2

    @workflow.convergence
    def close(left: int | None, right: int | None) -> int:
        return 3

    def sure(close: int, route: list[str]) -> None: ...
    def unsure(left: int) -> None: ...

    with pytest.raises(DefinitionError, match="undo:close takes left, which may not have"):
        workflow.compensation("close")(unsure)
    workflow.compensation("close")(sure)


HEAD = "name: w\nnamespace_name: n\nversion: 1.0.0\n"
STEP = "steps:\n  - name: a\n    handler: {callable: a}\n"


def test_yaml_has_it_all() -> None:
    text = f"""{HEAD}on_failure: compensate
{STEP}    compensate:
      handler: {{callable: undo_a, initialization: {{x: 1}}}}
      takes: []
      when: started
      queue: back
      timeout_seconds: 3
      total_timeout_seconds: 60
      retry: {{max_attempts: 4, backoff_base_ms: 500}}
"""
    [loaded] = parse_templates(text)
    assert loaded.warnings == ()
    assert loaded.template.on_failure == "compensate"
    assert loaded.template.steps[0].to_json()["compensate"] == {
        "handler": "undo_a",
        "takes": [],
        "when": "started",
        "queue": "back",
        "config": {"x": 1},
        "retry": Retry(4, base=0.5).to_json(),
        "attempt_time_limit": 3.0,
        "step_time_limit": 60.0,
    }


@pytest.mark.parametrize(
    ("given", "line", "said"),
    [
        ("{when: started}", 7, "compensate.handler is missing"),
        ("{handler: {callable: b}, when: now}", 7, "compensate.when is 'now'"),
        ("{handler: {callable: b}, takes: [zz]}", 7, 'takes "zz", which is not a step'),
        ("{handler: {callable: b}, queue: No}", 7, "queue is 'No'"),
        ("{handler: {callable: b}, retry: {backoff_base_ms: 9, max_backoff_ms: 1}}", 7, "base"),
    ],
)
def test_what_is_wrong_in_yaml_is_told_by_its_line(given: str, line: int, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_templates(f"{HEAD}{STEP}    compensate: {given}\n")
    [finding] = caught.value.findings
    assert (finding.line, said in finding.what) == (line, True), finding


def test_no_step_has_a_compensations_name() -> None:
    more = (
        "    compensate: {handler: {callable: b}}\n  - name: 'undo:a'\n    handler: {callable: b}\n"
    )
    with pytest.raises(TemplateError, match='two steps are named "undo:a"'):
        parse_templates(f"{HEAD}{STEP}{more}")
