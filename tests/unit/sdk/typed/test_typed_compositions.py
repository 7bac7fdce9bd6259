"""A typed step as a composition: checked whole when it is made, and it does what its steps say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from tasker.errors import DefinitionError
from tasker.typed import (
    Both,
    Endpoint,
    Step,
    Table,
    acquire,
    assert_that,
    both,
    composition,
    fan_out,
    gate,
    persist,
    persist_all,
    same,
    transform,
    validate,
)
from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Resources
from tasker_grammar.running import run_program
from tasker_grammar.running.simulated import SimulatedWorld


class Ref(BaseModel):
    id: str


class Line(BaseModel):
    sku: str
    cents: int


class Order(BaseModel):
    id: str
    lines: list[Line]


class Total(BaseModel):
    id: str
    cents: int


class Stock(BaseModel):
    left: int


class Sku(BaseModel):
    sku: str


class Tree(BaseModel):
    below: list[Tree]


orders = Endpoint("orders", params=Ref, result=Order)
stock = Endpoint("stock", params=Sku, result=Stock)
totals = Table("totals", Total, key=("id",))
total = transform(Order, Total, "{id, cents: ([.lines[].cents] | add // 0)}")
lines = transform(Order, list[Line], ".lines")

MODE: Any = "delete"
ORDER = {"id": "o-1", "lines": [{"sku": "lamp", "cents": 3}, {"sku": "bulb", "cents": 4}]}
REAL = Resources.model_validate(
    {
        "endpoints": {
            "orders": {
                "base_url": "https://shop.example.com",
                "params": {"type": "object", "properties": {"id": {"type": "string"}}},
                "result": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "lines": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "sku": {"type": "string"},
                                    "cents": {"type": "integer"},
                                },
                                "required": ["sku", "cents"],
                            },
                        },
                    },
                    "required": ["id", "lines"],
                },
            },
            "stock": {
                "base_url": "https://stock.example.com",
                "params": {"type": "object", "properties": {"sku": {"type": "string"}}},
                "result": {
                    "type": "object",
                    "properties": {"left": {"type": "integer"}},
                    "required": ["left"],
                },
            },
        },
        "tables": {
            "totals": {
                "table": "totals",
                "key": ["id"],
                "row": {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "cents": {"type": "integer"}},
                    "required": ["id", "cents"],
                    "additionalProperties": False,
                },
            }
        },
    }
)


def run(made: Composition, results: dict[str, Any]) -> tuple[Any, SimulatedWorld]:
    program = check_composition(made, REAL, bundled()).require()
    world = SimulatedWorld(results)
    return asyncio.run(run_program(program, {"input": {"id": "o-1"}}, world)), world


def refused(step: Step[Any, Any]) -> list[str]:
    with pytest.raises(DefinitionError) as error:
        composition("example", step)
    return [fault.code for fault in error.value.faults]


def test_it_does_what_its_steps_say() -> None:
    made = composition("save", acquire(orders) >> total >> persist(totals))
    given, world = run(made, {"fetched": ORDER})
    assert given == {"rows": 1, "changed": 1}
    assert world.acts["saved"].what["rows"] == [{"id": "o-1", "cents": 7}]


def test_what_comes_behind_a_gate_waits_for_it() -> None:
    asked = gate(Order, title='"Bill \\(.id)?"')
    made = composition("ask", acquire(orders) >> asked >> total >> persist(totals))
    by_id = {step["id"]: step for step in made.steps}
    assert by_id["made"]["needs"] == ["approval"]
    _, world = run(made, {"fetched": ORDER})
    assert list(world.acts) == ["approval", "saved"]
    assert world.acts["approval"].what["title"] == "Bill o-1?"


def test_what_holds_up_a_write_holds_it_up() -> None:
    full = assert_that(Total, ".cents > 0", code="EMPTY", message="it has no lines")
    made = composition("full", acquire(orders) >> total >> full >> persist(totals))
    assert {step["id"]: step for step in made.steps}["saved"]["needs"] == ["checked"]


def test_lists_are_gone_through_and_two_things_put_together() -> None:
    each = both(same(Line), transform(Line, Sku, "{sku}") >> acquire(stock))
    rows = transform(
        list[Both[Line, Stock]], list[Total], "map({id: .left.sku, cents: .right.left})"
    )
    made = composition(
        "left",
        acquire(orders) >> lines >> fan_out(each, max_items=9) >> rows >> persist_all(totals),
    )
    results = {"fetched": ORDER, "each[0].fetched_2": {"left": 1}, "each[1].fetched_2": {"left": 2}}
    given, world = run(made, results)
    assert given == {"rows": 2, "changed": 2}
    assert world.acts["saved"].what["rows"] == [
        {"id": "lamp", "cents": 1},
        {"id": "bulb", "cents": 2},
    ]


def test_what_is_let_through_is_the_result() -> None:
    made = composition("seen", acquire(orders) >> gate(Order, title='"Seen?"'))
    given, _ = run(made, {"fetched": ORDER})
    assert given == ORDER


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (acquire(orders) >> transform(Order, Total, "{id, cents: .totl}"), "X101"),
        (acquire(orders) >> transform(Order, Total, "{id, cents: .id}"), "C302"),
        (acquire(orders) >> transform(Order, Total, "{id"), "X002"),
        (acquire(orders) >> gate(Order, title=".lines"), "C304"),
        (acquire(orders) >> assert_that(Order, ".id", code="A", message="b"), "C303"),
        (acquire(orders) >> total >> persist(totals, mode=MODE), "P001"),
        (acquire(orders) >> assert_that(Order, "true", code="a b", message="b"), "P001"),
        # The endpoint may answer with more fields than a row may have.
        (validate(Total) >> transform(Total, Total, ".") >> persist(totals), "C305"),
    ],
)
def test_what_only_the_whole_check_sees_is_refused_when_it_is_made(
    step: Step[Any, Any], code: str
) -> None:
    assert code in refused(step)


def test_an_expression_may_end_in_a_comment() -> None:
    noted = transform(Order, Total, "{id, cents: 0} # no lines are counted")
    given, _ = run(composition("noted", acquire(orders) >> noted), {"fetched": ORDER})
    assert given == {"id": "o-1", "cents": 0}


def test_one_name_means_one_thing() -> None:
    other = Endpoint("orders", params=Total, result=Order)
    with pytest.raises(DefinitionError, match="the endpoint orders has different types"):
        acquire(orders) >> total >> acquire(other)


def test_a_type_within_itself_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Tree has no JSON Schema"):
        validate(Tree)


def test_a_bad_name_is_refused() -> None:
    with pytest.raises(DefinitionError, match="P001"):
        composition("Not a name", acquire(orders))
