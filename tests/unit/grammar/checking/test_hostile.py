"""Whatever is given as a composition or a fragment, the check answers, soon, and without an exception."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.grammar.checking.helpers import GIVEN, check, codes, propose, step
from tests.unit.grammar.primitives.examples import EXAMPLES, RESOURCES

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition, check_fragment
from tasker_grammar.composition import Composition
from tasker_grammar.primitives import PRIMITIVES

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [".input", ".input.total", "1", "order", "orders", "paid", "a", "notify", *PRIMITIVES]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = sorted(
    {
        field.alias or name
        for primitive in PRIMITIVES.values()
        for name, field in primitive.fields.model_fields.items()
    }
)
STEPS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6).flatmap(
    lambda fields: st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a", "b", "c", "input", "A", ""]),
            "kind": st.sampled_from([*PRIMITIVES, "nothing"]),
        }
    ).map(lambda named: {**fields, **named})
)
SOUND = [
    {**dict(each.step), "id": id}
    for examples in EXAMPLES.values()
    for each in examples
    for id in ("a", "b")
]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A step that is sound but for one of its fields."""
    sound = dict(draw(st.sampled_from(SOUND)))
    name = draw(st.sampled_from(sorted(sound)))
    return {**sound, name: draw(VALUES)}


def judge(raw: object) -> None:
    for report in (
        check_composition(raw, RESOURCES, bundled()),
        check_fragment(raw, RESOURCES, bundled(), GIVEN),
    ):
        assert report.sound == (report.program is not None)
        assert report.sound or report.findings
        for finding in report.findings:
            assert finding.message and "\n" not in finding.message
            assert len(str(finding)) < 3_000


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_any_json_is_answered(raw: object) -> None:
    judge(raw)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS | mutated(), min_size=1, max_size=4), VALUES)
def test_any_steps_are_answered(steps: list[dict[str, Any]], result: object) -> None:
    judge({"name": "a", "steps": steps, "result": result})
    judge({"version": "1", "steps": steps, "result": "a"})


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(bundled())), st.dictionaries(st.text(max_size=6), VALUES, max_size=3))
def test_any_arguments_are_answered(composition: Composition, arguments: dict[str, Any]) -> None:
    names = sorted(composition.parameters)
    drawn = {names[number % len(names)]: value for number, value in enumerate(arguments.values())}
    use = step("done", "compose", composition=composition.name, **{"with": {**arguments, **drawn}})
    judge({"version": "1", "steps": [use], "result": "done"})


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "text",
        [],
        {1: 2},
        {"steps": nested(100_000)},
        {"steps": CYCLE},
        {"steps": [CYCLE]},
        {"name": "a", "steps": [{"id": "a", "kind": object()}], "result": "a"},
        {"name": "a\0", "steps": [{"id": "\ud800", "kind": "transform"}], "result": "a"},
        {"name": "a", "steps": [{"id": "a", "kind": "transform", "value": "1" * 10**6}]},
        {"name": "a", "steps": [{"id": "a", "kind": ["transform"]}], "result": "a"},
        {
            "name": "a",
            "steps": [{"id": "a", "kind": "transform", "value": 10**5000}],
            "result": "a",
        },
        {"name": "a", "steps": [[[]]] * 60_000, "result": "a"},
        {"version": 1e400},
        {"version": True, "steps": {}, "result": {}},
    ],
    ids=range(15),
)
def test_what_is_worse_is_answered_soon(raw: object) -> None:
    began = time.process_time()
    judge(raw)
    assert time.process_time() - began < 2


def test_many_steps_are_answered_soon() -> None:
    many = [step(f"s{number}", value=f".s{number - 1}" if number else "1") for number in range(999)]
    began = time.process_time()
    assert codes(check(*many, step("done", value=".s998"))) == ["B202"]
    assert codes(propose(*many, result="s998")) == ["B201"]
    crowd = [step(f"s{number}", needs=[f"s{n}" for n in range(number)]) for number in range(300)]
    check(*crowd, result="s299")
    assert time.process_time() - began < 20


def test_many_names_that_are_not_there_are_told_soon_and_briefly() -> None:
    wrong = [step(f"s{n}", needs=[f"q{n}x{other}" for other in range(100)]) for n in range(400)]
    began = time.process_time()
    found = check(*wrong, result="s0").findings
    assert time.process_time() - began < 10
    assert len(found) >= 40_000
    assert sum(len(each.hint) for each in found) < 20_000_000


def test_what_is_given_is_not_changed() -> None:
    raw: dict[str, Any] = {"name": "a", "steps": [step("a", value=".input")], "result": "a"}
    before = repr(raw)
    assert check_composition(raw, RESOURCES, bundled()).sound
    assert repr(raw) == before


def test_a_composition_that_was_made_in_python_is_held_to_the_same() -> None:
    made = Composition.model_construct(name="a", steps=({"id": object()},), result="a")
    assert codes(check_composition(made, RESOURCES, bundled())) == ["P001"]
