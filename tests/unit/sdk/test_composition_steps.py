"""Composition steps in templates: how they are compiled, what is found in them and where, and how they are drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tasker import DefinitionError, Workflow, action
from tasker.actions.programs import reopen
from tasker.drawing.inside import read_inner
from tasker.drawing.templates import graph_template
from tasker.errors import TemplateError
from tasker.template import Template
from tasker.vocabulary import Vocabulary
from tasker.yaml_template import parse_templates
from tasker_grammar.catalog import bundled
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Endpoint, Resources, Table

HEAD = """\
name: orders
namespace_name: shop
version: 1.0.0
input_schema:
  type: object
  properties: {id: {type: string}, cents: {type: integer}}
  required: [id, cents]
steps:
"""
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "cents": {"type": "integer"}},
    "required": ["id", "cents"],
    "additionalProperties": False,
}
PARAMS: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
    "additionalProperties": False,
}
KNOWN = Vocabulary(
    Resources(
        endpoints={"orders": Endpoint(base_url="https://example.com", params=PARAMS, result=ORDER)},
        tables={"orders": Table(table="orders", row=ORDER, key=("id",))},
        schemas={"order": ORDER},
    )
)
FETCHED = """\
  - name: fetched
    composition: fetch_json
    with:
      source: orders
      params: "{id: .input.id}"
"""


def load(steps: str, vocabulary: Vocabulary = KNOWN) -> Template:
    [loaded] = parse_templates(HEAD + steps, file="t.yaml", vocabulary=vocabulary)
    return loaded.template


def told(steps: str, vocabulary: Vocabulary = KNOWN) -> list[tuple[str, int]]:
    """The codes and lines of what is found, counted from the first step."""
    with pytest.raises(TemplateError) as refused:
        parse_templates(HEAD + steps, file="t.yaml", vocabulary=vocabulary)
    before = HEAD.count("\n")
    return [(each.code, each.line - before) for each in refused.value.findings]


def test_a_composition_step_takes_and_gives_what_follows_from_it() -> None:
    [step] = load(FETCHED).steps

    assert step.handler == "tasker.composition"
    assert step.result_schema == {**ORDER, "required": ["cents", "id"]}
    assert step.input_schema is not None
    assert not isinstance(step.input_schema, bool)
    assert step.input_schema["required"] == ["input"]
    assert step.config["composition"]["steps"][0]["resource"] == "orders", "it is filled in"


def test_later_steps_are_checked_by_what_it_gives() -> None:
    given = """\
  - name: total
    composition: {steps: [{id: end, kind: transform, value: .input.sum}], result: end}
    dependencies: [fetched]
    input: "{sum: .fetched.cents}"
"""
    total = load(FETCHED + given).steps[1]

    assert total.result_schema == {"type": "integer"}
    assert total.depends_on == ("fetched",)


@pytest.mark.parametrize(
    ("steps", "findings"),
    [
        (FETCHED.replace("fetch_json", "fetch_jsn"), [("R504", 2)]),
        (FETCHED.replace("source: orders", "source: ordrs"), [("R501", 4)]),
        (FETCHED.replace(".input.id}", ".input.idd}"), [("X101", 5)]),
        (FETCHED.replace("{id: .input.id}", "{id: .input.cents}"), [("C301", 5)]),
        (FETCHED.replace("params:", "prams:"), [("P101", 5)]),
        (FETCHED + "    input: .inpt\n", [("G103", 6)]),
        (FETCHED + "    result_schema: {type: string}\n", [("C309", 6)]),
        (
            "  - name: own\n    composition:\n      steps:\n"
            "        - {id: end, kind: transform, value: .input.nothing}\n      result: end\n",
            [("X101", 4)],
        ),
        ("  - name: own\n    composition: 7\n", [("P001", 2)]),
        ("  - name: own\n    composition: {steps: [], result: end}\n", [("P001", 2)]),
    ],
)
def test_what_is_wrong_is_told_at_its_line(steps: str, findings: list[tuple[str, int]]) -> None:
    assert told(steps) == findings


def test_everything_wrong_is_told_at_once() -> None:
    steps = FETCHED.replace("source: orders", "source: ordrs").replace(".input.id}", ".input.idd}")
    assert sorted(told(steps)) == [("R501", 4), ("X101", 5)]


@pytest.mark.parametrize("schema", ["{type: null}", "{properties: [id]}", "{type: [[string]]}"])
def test_an_input_schema_that_is_none_is_told_and_nothing_is_raised(schema: str) -> None:
    text = HEAD.replace(HEAD[HEAD.index("  type: object") : HEAD.index("steps:")], "")
    text = text.replace("input_schema:", f"input_schema: {schema}") + FETCHED
    with pytest.raises(TemplateError) as caught:
        parse_templates(text, vocabulary=KNOWN)
    assert "invalid-schema" in {finding.code for finding in caught.value.findings}


def test_a_decision_of_a_composition_is_held_against_its_branches() -> None:
    steps = """\
  - name: route
    type: decision
    composition:
      steps:
        - {id: end, kind: transform, value: 'if .input.cents > 100 then "large" else "small" end'}
      result: end
  - {name: small, handler: {callable: x}, dependencies: [route]}
  - {name: large, handler: {callable: x}, dependencies: [route]}
"""
    result = load(steps).steps[0].result_schema
    assert isinstance(result, dict)
    assert (result["type"], result["maxItems"]) == ("array", 1)
    assert sorted(result["items"]["enum"]) == ["large", "small"]
    wrong = told(steps.replace('"small" end', '"smal" end'))
    assert [code for code, _ in wrong] == ["unknown-branch", "unchosen-branch"]


def test_a_convergence_sees_what_may_be_excluded_as_optional() -> None:
    steps = """\
  - name: route
    type: decision
    handler: {callable: x}
  - {name: small, handler: {callable: x}, dependencies: [route], result_schema: {type: integer}}
  - {name: large, handler: {callable: x}, dependencies: [route], result_schema: {type: integer}}
  - name: both
    type: deferred_convergence
    dependencies: [small, large]
    composition: {steps: [{id: end, kind: transform, value: .input}], result: end}
    input: ".small // .large // 0"
"""
    both = load(steps).steps[3]

    assert both.result_schema == {"type": "integer"}
    assert both.input_schema is not None
    assert not isinstance(both.input_schema, bool)
    assert both.input_schema["required"] == []
    assert [code for code, _ in told(steps.replace(" // 0", " + 1"))] == ["X104"]


def test_a_template_keeps_what_its_composition_uses() -> None:
    own = Composition.model_validate(
        {
            "name": "twice",
            "input": {"type": "number"},
            "steps": [{"id": "end", "kind": "transform", "value": ".input * 2"}],
            "result": "end",
        }
    )
    catalog = replace(bundled(), compositions=(*bundled().compositions, own))
    steps = """\
  - name: four
    composition:
      steps:
        - {id: two, kind: compose, composition: twice, input: .input.cents}
        - {id: end, kind: compose, composition: twice, input: .two}
      result: end
"""
    [step] = load(steps, replace(KNOWN, compositions=catalog)).steps

    assert [each["name"] for each in step.config["uses"]] == ["twice"]
    runnable, findings = reopen(step.config, step.input_schema, Resources())
    assert (runnable is not None, findings) == (True, [])
    gone = {key: value for key, value in step.config.items() if key != "uses"}
    runnable, findings = reopen(gone, step.input_schema, Resources())
    assert (runnable, [each.code for each in findings]) == (None, ["R504"])


def test_any_config_is_read_without_harm() -> None:
    for config in ({}, {"composition": 7}, {"composition": {"name": "x"}}, {"uses": "x"}):
        runnable, findings = reopen(config, None, Resources())
        assert runnable is None
        assert findings


def test_the_steps_inside_are_drawn_with_their_states() -> None:
    template = load(FETCHED)
    graph = graph_template(template.to_json())
    [config] = [step.config for step in template.steps]

    assert [node.name for node in graph.nodes][:2] == ["fetched", "fetched.fetched"]
    ran = [["fetched", "acquire", "failed", 12.5, "RESOURCE_UNAVAILABLE"]]
    row = {"ran": ran, "waits_for": None}
    inner = read_inner(config, {"state": "waiting_for_retry"}, row)
    assert inner[0].lines == ("acquire", "✗ error", "12.5 ms", "RESOURCE_UNAVAILABLE")
    waits: dict[str, Any] = {"ran": [], "waits_for": "ask:fetched"}
    assert read_inner(config, {"state": "waiting"}, waits)[0].state == "waiting"


ROUTED = """\
  - name: routed
    composition:
      steps:
        - {id: route, kind: decide, cases: [{when: .input.cents > 10, then: [large]}], else: [small]}
        - {id: large, kind: transform, value: "1"}
        - {id: small, kind: transform, value: "2"}
        - {id: end, kind: converge, needs: [large, small], mode: created}
      result: end
"""


def test_of_a_composition_that_kept_no_trace_nothing_is_claimed() -> None:
    [step] = load(ROUTED).steps
    kept_nothing: dict[str, Any] = {"ran": [], "waits_for": None}

    def told(state: str) -> set[str | None]:
        return {each.state for each in read_inner(step.config, {"state": state}, kept_nothing)}

    assert {state: told(state) for state in ("pending", "enqueued")} == {
        "pending": {"pending"},
        "enqueued": {"pending"},
    }
    for state in ("in_progress", "complete", "error", "waiting_for_retry", "cancelled"):
        assert told(state) == {None}, state

    inner = read_inner(step.config, {"state": "complete"}, kept_nothing)
    assert [each.lines for each in inner][:2] == [("decide",), ("transform",)]


def test_an_action_says_what_it_takes_and_gives() -> None:
    @action("half", effect="pure")
    def half(input: int) -> float:
        return input / 2

    flow = Workflow("halves", input=int, actions=[half])
    flow.compose(
        "halved",
        Composition.model_validate(
            {
                "name": "it",
                "steps": [{"id": "end", "kind": "invoke", "action": "half", "input": ".input"}],
                "result": "end",
            }
        ),
    )
    assert flow.template.steps[0].result_schema == {"type": "number"}


def test_an_action_that_writes_takes_its_key() -> None:
    with pytest.raises(DefinitionError, match="it must take idempotency_key"):

        @action("charge", effect="idempotent_write")
        def charge(input: int) -> int:
            return input

    with pytest.raises(DefinitionError, match="annotate what it takes"):

        @action("loose", effect="read")
        def loose(input: Any) -> int:
            return input
