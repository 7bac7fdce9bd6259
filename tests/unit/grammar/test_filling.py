"""Parameters of compositions: filled in as values, checked by kind, and told by name where they do not fit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.filling import fill, find_parameter_faults, parameter_places
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Resources
from tasker_grammar.running import run_program
from tasker_grammar.running.simulated import SimulatedWorld


def make(parameters: dict[str, Any], **step: Any) -> Composition:
    steps = [{"id": "only", "kind": "acquire", **step}]
    fields = {"name": "example", "parameters": parameters, "steps": steps, "result": "only"}
    return Composition.model_validate(fields)


def filled(composition: Composition, **arguments: Any) -> dict[str, Any]:
    answer = fill(composition, arguments)
    assert isinstance(answer, Composition), answer
    assert answer.parameters == {}
    return answer.steps[0]


def refused(composition: Composition, **arguments: Any) -> list[tuple[str, str, str]]:
    answer = fill(composition, arguments)
    assert isinstance(answer, list)
    return [(finding.code, finding.path, finding.hint) for finding in answer]


SOURCE = {"source": {"kind": "endpoint"}}


def test_an_argument_takes_the_place_of_its_parameter() -> None:
    composition = make(SOURCE, resource={"$param": "source"}, deep=[{"a": {"$param": "source"}}])
    step = filled(composition, source="orders")
    assert step == {
        "id": "only",
        "kind": "acquire",
        "resource": "orders",
        "deep": [{"a": "orders"}],
    }


def test_an_argument_is_a_value_and_no_text() -> None:
    composition = make({"schema": {"kind": "schema"}}, schema={"$param": "schema"})
    schema = {"type": "object", "properties": {"$param": {"type": "string"}}}
    assert filled(composition, schema=schema)["schema"] == schema


def test_a_default_stands_where_nothing_is_given() -> None:
    composition = make({"most": {"kind": "integer", "default": 3}}, most={"$param": "most"})
    assert filled(composition)["most"] == 3
    assert filled(composition, most=4)["most"] == 4


def test_what_is_not_given_and_has_no_default_is_left_out() -> None:
    parameters = {"key": {"kind": "expression", "required": False}}
    composition = make(parameters, key={"$param": "key"}, keys=[{"$param": "key"}, "b"])
    assert filled(composition) == {"id": "only", "kind": "acquire", "keys": ["b"]}
    assert filled(composition, key=".a")["key"] == ".a"


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("expression", 100), ("expression", False), ("integer", 3), ("integer", -7), ("integer", 2**53 - 1),
        ("number", 0.5), ("number", -1e12), ("number", 1e-7), ("boolean", True),
    ],
)  # fmt: skip
def test_a_plain_value_stands_for_itself_where_an_expression_stands(kind: str, given: Any) -> None:
    fields = {
        "name": "example",
        "parameters": {"most": {"kind": kind}},
        "steps": [{"id": "only", "kind": "transform", "value": {"$param": "most"}}],
        "result": "only",
    }
    composition = fill(Composition.model_validate(fields), {"most": given})
    assert isinstance(composition, Composition)
    report = check_composition(composition, Resources(), bundled())
    assert report.program is not None, report.findings
    answer = asyncio.run(run_program(report.program, {"input": None}, SimulatedWorld()))
    assert (answer, type(answer)) == (given, type(given))


def test_what_a_field_should_be_is_a_sentence() -> None:
    step = {"id": "only", "kind": "assert", "that": "true", "code": "too_small"}
    fields = {"name": "example", "steps": [step], "result": "only"}
    [found] = check_composition(fields, Resources(), bundled()).findings
    assert found.hint.startswith("It should match pattern '^[A-Z]")


def test_a_mapping_is_no_expression() -> None:
    """It may be one whose quotes were forgotten: `value: {id: .input.id}`."""
    step = {"id": "only", "kind": "transform", "value": {"id": ".input.id"}}
    fields = {"name": "example", "steps": [step], "result": "only"}
    [found] = check_composition(fields, Resources(), bundled()).findings
    assert (found.code, found.path) == ("P001", "/steps/0/value")
    assert found.hint == 'It should be an expression, as a text in quotes: "{id: .input.id}".'


def test_null_may_be_a_default() -> None:
    parameters = {"key": {"kind": "expression", "default": None}}
    assert filled(make(parameters, key={"$param": "key"}))["key"] is None


def test_unknown_and_missing_arguments_are_told_by_name() -> None:
    composition = make(SOURCE, resource={"$param": "source"})
    assert refused(composition, sorce="orders") == [
        ("P101", "/with/sorce", 'Did you mean "source"?'),
        ("P102", "/with", "Give it: the name of an endpoint among the resources."),
    ]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("expression", ".a", [3]),
        ("expression", ".a", ""),
        ("endpoint", "orders", "Orders"),
        ("table", "orders", 'orders"; drop table orders'),
        ("event", "orders", ["orders"]),
        ("action", "orders", None),
        ("schema", {"type": "string"}, "Not a name"),
        ("schema", "order", 3),
        ("composition", "fetch_json@1.0.0", "fetch json"),
        ("composition", "fetch_json", {"name": "fetch_json"}),
        ("arguments", {"source": "orders"}, "orders"),
        ("text", "hello", True),
        ("integer", 3, True),
        ("integer", 3, 3.5),
        ("number", 3.5, float("nan")),
        ("number", 3, "3"),
        ("boolean", False, 0),
        ("duration", "30s", []),
        ("duration", 30, None),
        ("names", ["a"], "a"),
        ("names", [], [3]),
    ],
)
def test_an_argument_is_of_its_parameters_kind(kind: str, good: Any, bad: Any) -> None:
    composition = make({"it": {"kind": kind}}, field={"$param": "it"})
    assert filled(composition, it=good)["field"] == good
    assert [(code, path) for code, path, _ in refused(composition, it=bad)] == [
        ("P103", "/with/it")
    ]


def test_an_argument_is_one_of_the_choices() -> None:
    parameters = {"mode": {"kind": "text", "choices": ["upsert", "update"], "default": "upsert"}}
    composition = make(parameters, mode={"$param": "mode"})
    assert filled(composition, mode="update")["mode"] == "update"
    assert refused(composition, mode="delete") == [
        ("P103", "/with/mode", "It should be one of upsert, update.")
    ]


def test_a_place_must_name_a_parameter() -> None:
    composition = make(SOURCE, resource={"$param": "sauce"}, other={"$param": "source", "x": 1})
    assert refused(composition, source="orders") == [
        ("P104", "/steps/0/resource", 'Did you mean "source"?'),
        ("P104", "/steps/0/other", ""),
    ]


def test_a_parameter_that_is_not_used_is_told() -> None:
    [finding] = find_parameter_faults(make(SOURCE))
    assert (finding.code, finding.severity) == ("P105", "warning")
    assert isinstance(fill(make(SOURCE), {"source": "orders"}), Composition)


def test_a_default_is_of_its_parameters_kind() -> None:
    composition = make({"most": {"kind": "integer", "default": "3"}}, most={"$param": "most"})
    assert [(code, path) for code, path, _ in refused(composition)] == [
        ("P103", "/parameters/most")
    ]


def test_a_result_that_is_filled_in_is_still_an_id() -> None:
    composition = Composition.model_validate(
        {
            "name": "example",
            "parameters": {"result": {"kind": "text", "required": False}},
            "steps": [{"id": "only", "kind": "acquire"}],
            "result": {"$param": "result"},
        }
    )
    assert isinstance(fill(composition, {"result": "only"}), Composition)
    assert [(code, path) for code, path, _ in refused(composition)] == [("P001", "/result")]


def test_nesting_has_an_end() -> None:
    deep: Any = {"$param": "source"}
    for _ in range(100_000):
        deep = [deep]
    composition = Composition.model_construct(
        name="example",
        version="1.0.0",
        description="",
        parameters={},
        input=True,
        output=None,
        effect=None,
        steps=({"id": "only", "kind": "transform", "value": deep},),
        result="only",
        example=None,
    )
    answer = fill(composition, {})
    assert isinstance(answer, list)
    assert [finding.code for finding in answer] == ["P003"]


def test_where_parameters_stand_is_known() -> None:
    composition = make(SOURCE, resource={"$param": "source"}, other=[{"$param": "source"}])
    assert parameter_places(composition) == {
        "/steps/0/resource": "source",
        "/steps/0/other/0": "source",
    }


def test_findings_say_where_what_and_how() -> None:
    answer = fill(make(SOURCE, resource={"$param": "source"}), {"source": 3})
    assert isinstance(answer, list)
    assert answer == [
        Finding(
            "P103",
            "error",
            '"source" of example is 3',
            "It should be the name of an endpoint among the resources.",
            "/with/source",
        )
    ]
