"""Each composition that comes with Tasker passes its check, and its example comes to what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import jsonschema
import pytest

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import Report, check_composition
from tasker_grammar.composition import Composition, Example
from tasker_grammar.filling import fill, is_optional
from tasker_grammar.primitives.interface import Program
from tasker_grammar.running import run_program
from tasker_grammar.running.simulated import SimulatedWorld
from tasker_grammar.schema_types import schema_of, type_of
from tasker_grammar.world import ActionFailed

COMPOSITIONS = list(bundled())


def example_of(name: str) -> tuple[Composition, Example]:
    composition = bundled().find(name)
    assert composition is not None
    assert composition.example is not None
    return composition, composition.example


def check(composition: Composition, example: Example, **arguments: Any) -> Report:
    filled = fill(composition, {**example.arguments, **arguments})
    assert isinstance(filled, Composition), filled
    return check_composition(filled, example.resources, bundled(), type_of(example.input_schema))


def run(program: Program, value: Any, results: Any) -> tuple[Any, SimulatedWorld]:
    world = SimulatedWorld(results)
    return asyncio.run(run_program(program, {"input": value}, world)), world


def run_example(name: str, changed: dict[str, Any], value: Any = None, **arguments: Any) -> Any:
    composition, example = example_of(name)
    program = check(composition, example, **arguments).require()
    given = example.input if value is None else value
    return run(program, given, {**example.results, **changed})


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda each: each.name)
def test_its_example_comes_to_what_it_says(composition: Composition) -> None:
    _, example = example_of(composition.name)
    jsonschema.validate(example.input, example.input_schema)
    report = check(composition, example)
    assert report.findings == ()
    program = report.require()
    given, _ = run(program, example.input, example.results)
    assert given == example.output
    jsonschema.validate(given, schema_of(program.output))


@pytest.mark.parametrize("composition", COMPOSITIONS, ids=lambda each: each.name)
def test_it_says_what_it_is_for(composition: Composition) -> None:
    assert len(composition.description.split(". ")) >= 2
    for name, parameter in composition.parameters.items():
        assert parameter.description, name
        assert parameter.sees or parameter.kind != "expression", name
    _, example = example_of(composition.name)
    required = {name for name, each in composition.parameters.items() if not is_optional(each)}
    assert required <= set(example.arguments) <= set(composition.parameters)
    assert composition.name == "threshold_route" or composition.effect is not None


FAILURES: list[tuple[str, dict[str, Any], str, str]] = [
    ("fetch_json", {"fetched": {"id": 1, "total": 49.5}}, "RESULT_INVALID", "fetched"),
    ("fetch_validate", {"fetched": {"base": "USD", "eur": 0}}, "VALIDATION_FAILED", "checked"),
    ("enrich_each", {"each[1].found": {"left": "many"}}, "RESULT_INVALID", "each[1].found"),
    ("sync_upsert", {"fetched": [{"sku": "lamp", "price": -1}]}, "RESULT_INVALID", "fetched"),
    ("approve_then_persist", {"approval": {"approved": False}}, "REJECTED", "approval"),
    ("approve_then_persist", {"approval": {"expired": True}}, "EXPIRED", "approval"),
    ("reconcile", {"right": []}, "UNBALANCED", "accepted"),
]


@pytest.mark.parametrize(("name", "changed", "code", "place"), FAILURES)
def test_it_ends_in_the_failure_that_it_declares(
    name: str, changed: dict[str, Any], code: str, place: str
) -> None:
    arguments = {"accept": ".report.balanced"} if name == "reconcile" else {}
    with pytest.raises(ActionFailed) as failure:
        run_example(name, changed, **arguments)
    assert (failure.value.code, failure.value.place) == (code, place)
    composition, example = example_of(name)
    assert code in check(composition, example, **arguments).require().failures


def test_too_many_items_are_a_failure() -> None:
    with pytest.raises(ActionFailed, match="more items") as failure:
        run_example("fetch_paginated", {}, most=1)
    assert failure.value.code == "TOO_MANY"


def test_enriching_may_leave_out_what_fails() -> None:
    failed = {"$fail": {"code": "RESULT_INVALID", "message": "no"}}
    given, _ = run_example("enrich_each", {"each[1].found": failed}, on_item_error="skip")
    assert given["results"] == [{"sku": "lamp", "quantity": 2, "left": 7}]
    assert [(each["index"], each["code"]) for each in given["failed"]] == [(1, "RESULT_INVALID")]


def test_nothing_is_written_without_a_yes() -> None:
    composition, example = example_of("approve_then_persist")
    world = SimulatedWorld({"approval": {"approved": False}})
    program = check(composition, example).require()
    with pytest.raises(ActionFailed):
        asyncio.run(run_program(program, {"input": example.input}, world))
    assert [act.kind for act in world.acts.values() if act.kind == "persist"] == []


def test_a_reconciliation_says_which_keys_differ() -> None:
    left = [{"reference": key, "cents": cents} for key, cents in [("a", 1), ("b", 5), ("c", 7)]]
    right = [{"invoice": key, "cents": cents} for key, cents in [("b", 5), ("c", 9), ("d", 2)]]
    given, _ = run_example("reconcile", {"left": left, "right": right}, accept=True, tolerance=1)
    assert given == {
        "balanced": False,
        "matched": 1,
        "left_total": 13,
        "right_total": 16,
        "differences": [
            {"key": "a", "left": 1, "right": None, "difference": 1},
            {"key": "c", "left": 7, "right": 9, "difference": -2},
            {"key": "d", "left": None, "right": 2, "difference": -2},
        ],
    }
    tolerant, _ = run_example(
        "reconcile", {"left": left[1:], "right": right[:2]}, accept=True, tolerance=2
    )
    assert tolerant["balanced"]
    assert tolerant["matched"] == 2


@pytest.mark.parametrize(("total", "branch"), [(1000.5, "above"), (1000, "below"), (0, "below")])
def test_a_number_chooses_the_way(total: float, branch: str) -> None:
    given, world = run_example("threshold_route", {}, {"id": "o-1", "total": total})
    assert (given["branch"], given["value"]) == (branch, total)
    assert [act.what["event"] for act in world.acts.values()] == [
        "order_large" if branch == "above" else "order_small"
    ]


def test_no_event_is_sent_where_there_is_nothing_to_tell() -> None:
    given, world = run_example("notify", {}, {"sku": "lamp", "left": 5})
    assert given == {"sent": False, "event_id": None}
    assert world.acts == {}


def test_an_import_without_misfits_tells_nobody() -> None:
    given, world = run_example("import_partition", {}, {"readings": [{"meter": "m", "kwh": 1}]})
    assert given["invalid"] == 0
    assert [act.kind for act in world.acts.values()] == ["persist"]


def test_an_import_tells_of_the_misfits() -> None:
    _, world = run_example("import_partition", {})
    told = world.acts["told"].what["payload"]
    assert told == {"count": 2, "places": [1, 2]}


def test_an_empty_list_has_an_empty_report() -> None:
    given, _ = run_example("aggregate_report", {}, {"orders": []})
    assert given == {"count": 0, "sum": 0, "groups": []}
    given, _ = run_example("dedupe", {}, {"orders": []})
    assert given == {"items": [], "dropped": 0, "duplicates": []}


def test_a_sum_of_nothing_has_no_shares() -> None:
    orders = [{"country": "de", "cents": 5}, {"country": "fr", "cents": -5}]
    given, _ = run_example("aggregate_report", {}, {"orders": orders})
    assert [each["share"] for each in given["groups"]] == [0, 0]
