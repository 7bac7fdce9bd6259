"""What may come to too much is told, and tighter bounds never let more through."""

from __future__ import annotations

import pytest
from tests.unit.grammar.checking.helpers import Step, catalog, codes, emit, propose, step
from tests.unit.grammar.primitives.examples import RESOURCES

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Bounds
from tasker_grammar.primitives.interface import Cost
from tasker_grammar.types import Array, Number, String


def fan_out(id: str, items: int, *steps: Step, over: str = ".input.lines") -> Step:
    last = steps[-1]["id"]
    return step(id, "fan_out", over=over, max_items=items, steps=list(steps), result=last)


NESTED = fan_out("done", 5, fan_out("each", 4, step("one"), over="[.item]"))


def test_costs_add_up_and_multiply() -> None:
    program = propose(NESTED).require()
    assert program.cost == Cost(work=1 + 5 * (1 + 4 * 1), writes=0, width=20, depth=3)


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ({"max_steps": 2}, "B201"),
        ({"max_depth": 2}, "B202"),
        ({"max_fan_out": 19}, "B206"),
        ({"max_work": 25}, "B208"),
        ({"kinds": ("transform",)}, "B205"),
    ],
)
def test_a_bound_that_is_just_too_tight_is_told_once(bounds: dict[str, int], code: str) -> None:
    found = codes(propose(NESTED, bounds=Bounds.model_validate(bounds)))
    assert set(found) == {code}
    exact = {name: value + 1 for name, value in bounds.items() if isinstance(value, int)}
    assert codes(propose(NESTED, bounds=Bounds.model_validate(exact))) == []


def test_writes_of_each_item_count() -> None:
    told = fan_out("done", 5, emit("told", "{id: .item.sku}"))
    free = {"gate_writes": False}
    assert codes(propose(told, bounds=Bounds(max_writes=4, **free))) == ["B203"]
    assert codes(propose(told, bounds=Bounds(max_writes=5, **free))) == []


def test_the_steps_of_a_composition_count_as_work_and_not_as_steps() -> None:
    own = catalog(many=[step("a"), step("b"), step("c", value=".a + .b")])
    use = step("done", "compose", composition="many")
    assert codes(propose(use, own=own, bounds=Bounds(max_steps=1, kinds=("compose",)))) == []
    assert codes(propose(use, own=own, bounds=Bounds(max_work=3))) == ["B208"]


def test_resources_out_of_bounds_are_refused_in_compositions_too() -> None:
    own = catalog(tell=[emit("told", '{id: "a"}')])
    use = step("done", "compose", composition="tell")
    bounds = Bounds(gate_writes=False, resources=("other",))
    assert codes(propose(use, own=own, bounds=bounds)) == ["R509"]


def test_a_composition_that_uses_itself_by_way_of_another_is_refused() -> None:
    own = catalog(
        ping=[step("done", "compose", composition="pong")],
        pong=[step("done", "compose", composition="ping")],
    )
    report = propose(step("done", "compose", composition="ping"), own=own)
    assert codes(report) == ["G111"]
    assert "ping@1.0.0 → pong@1.0.0 → ping@1.0.0" in report.findings[0].message


def test_a_chain_of_compositions_has_an_end() -> None:
    links = {f"link_{n}": [step("done", "compose", composition=f"link_{n + 1}")] for n in range(20)}
    report = propose(step("done", "compose", composition="link_0"), own=catalog(**links))
    assert codes(report) == ["B207"]


def test_an_input_is_what_its_contract_allows_however_that_is_said() -> None:
    raw = {
        "name": "example",
        "input": {"type": "array", "prefixItems": [{"type": "integer"}]},
        "steps": [step("done")],
        "result": "done",
    }
    assert check_composition(raw, RESOURCES, bundled()).sound
    given = Array(Number(integer=True))
    assert codes(check_composition(raw, RESOURCES, bundled(), given)) == []
    assert codes(check_composition(raw, RESOURCES, bundled(), Array(String()))) == ["C308"]
