"""Large templates are checked quickly, and hostile ones soon."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.unit.sdk.checking.shapes import Json

from tasker.checking import check
from tasker.errors import DefinitionError, Fault
from tasker.template import StepDefinition, Template

STEPS = 2_000
SECOND = 1.0

Steps = Iterator[StepDefinition]


def result(number: int, **more: Any) -> Json:
    item = {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}
    fields = {f"field_{number}": {"type": "integer"}, "items": {"type": "array", "items": item}}
    return {"type": "object", "properties": fields, "required": list(fields), **more}


def step(name: str, *parents: str, **fields: Any) -> StepDefinition:
    return StepDefinition(name, "h", depends_on=parents, **fields)


def taking(number: int, *parents: int, open_ended: bool = True) -> StepDefinition:
    """A step that takes what its parents give, and gives something of its own."""
    fields = {f"s{parent}": result(parent) for parent in parents}
    takes = {"type": "object", "properties": fields, "required": list(fields)}
    gives = result(number, additionalProperties=False)
    return step(f"s{number}", *fields, input_schema=takes, result_schema=gives)


def chain(size: int) -> Steps:
    yield taking(0)
    for number in range(1, size):
        yield taking(number, number - 1)


def wide(size: int) -> Steps:
    yield step("begin")
    middle = [f"s{number}" for number in range(size - 2)]
    for name in middle:
        yield step(name, "begin")
    yield step("end", *middle)


def layered(size: int, width: int = 20) -> Steps:
    for number in range(size):
        above = (number // width - 1) * width
        parents = (
            {above + (number * 7 + turn * 3) % width for turn in range(4)} if above >= 0 else ()
        )
        yield taking(number, *sorted(parents))


def decisions(size: int) -> Steps:
    """One decision after the other, each of whose branches come together again."""
    before = ()
    for number in range(size // 4):
        branches = [f"a{number}", f"b{number}"]
        answer = {"type": "array", "items": {"enum": branches}, "maxItems": 1}
        yield step(f"d{number}", *before, kind="decision", result_schema=answer)
        yield step(branches[0], f"d{number}")
        yield step(branches[1], f"d{number}")
        yield step(f"c{number}", *branches, kind="deferred_convergence")
        before = (f"c{number}",)


def nested(size: int) -> Steps:
    """Each decision hangs on all before it; one convergence waits for everything."""
    before: tuple[str, ...] = ()
    ends: list[str] = []
    for number in range(size // 3):
        yield step(f"d{number}", *before, kind="decision")
        yield step(f"a{number}", f"d{number}")
        yield step(f"b{number}", f"d{number}")
        before = (f"a{number}",)
        ends.append(f"b{number}")
    yield step("end", *ends, kind="deferred_convergence")


def asked(size: int) -> Steps:
    for number in range(size // 2):
        yield step(f"s{number}", expands=("dynamic",))
    yield step("dynamic", kind="dynamic")
    for number in range(200):
        yield step(f"c{number}", "dynamic", kind="deferred_convergence")


def make(steps: Steps, **about: Any) -> Template:
    return Template("shop", "order", "1", tuple(steps), **about)


def timed(call: Callable[[], Any]) -> float:
    """The processor's seconds; the better of two, because others use this machine as well."""
    taken: list[float] = []
    for _ in range(2):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return min(taken)


@pytest.mark.parametrize("shape", [chain, wide, layered, decisions, nested, asked])
def test_a_template_of_2000_steps_is_checked_in_a_second(shape: Callable[[int], Steps]) -> None:
    template = make(shape(STEPS), time_limit=9e6)
    assert [fault for fault in check(template) if fault.severity != "info"] == []
    assert timed(lambda: check(template)) < SECOND


@pytest.mark.parametrize("shape", [wide, decisions, nested])
def test_what_takes_a_second_for_2000_takes_ten_for_20000(shape: Callable[[int], Steps]) -> None:
    template = make(shape(10 * STEPS))
    assert timed(lambda: check(template)) < 10 * SECOND


def refused(steps: Steps) -> list[Fault]:
    with pytest.raises(DefinitionError) as error:
        make(steps)
    return [fault for fault in error.value.faults if fault.severity == "error"]


def test_thousands_of_mistakes_are_told_soon() -> None:
    def misspelt() -> Steps:
        yield from (step(f"step_number_{n}") for n in range(STEPS))
        yield from (step(f"behind_{n}", f"step_nmber_{n}") for n in range(STEPS))

    begin = time.process_time()
    faults = refused(misspelt())
    assert time.process_time() - begin < 5 * SECOND
    assert {fault.code for fault in faults} == {"missing-parent"}
    assert len(faults) == STEPS
    assert faults[0].mend == 'Did you mean "step_number_0"?'
    assert faults[-1].mend == "Name a step of this template."


def test_a_circle_of_thousands_is_told_shortly() -> None:
    steps = [step(f"s{n}", f"s{n - 1 if n else 4999}") for n in range(5000)]
    [fault] = refused(iter(steps))
    assert fault.code == "cycle"
    assert len(fault.what) < 200


def deep(levels: int) -> Json:
    schema: Json = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def laughs() -> Json:
    defs: Json = {"a0": {"type": "string"}}
    for n in range(1, 40):
        ref = {"$ref": f"#/$defs/a{n - 1}"}
        defs[f"a{n}"] = {"anyOf": [ref, {"type": "array", "items": ref}]}
    return {"$ref": "#/$defs/a39", "$defs": defs}


def tree(**more: Any) -> Json:
    return {"$ref": "#/$defs/tree", "$defs": {"tree": {**TREE, **more}}}


TREE = {
    "type": "object",
    "properties": {"left": {"$ref": "#/$defs/tree"}, "n": {"type": "integer"}},
}

HOSTILE: dict[str, tuple[Any, Any]] = {
    "megabytes": ({"enum": [f"name {n}" for n in range(60_000)]}, {"enum": [f"name {n}" for n in range(59_999)]}),
    "many fields": (
        {"type": "object", "properties": {f"f{n}": {"type": "integer"} for n in range(20_000)}},
        {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(20_000)}},
    ),
    "deep": (deep(90), {**deep(90), "required": ["a"]}),
    "deeper": (deep(120), deep(121)),
    "recursive": (tree(), tree(required=["n"])),
    "of itself": ({"type": "array", "items": {"$ref": "#"}}, {"type": "array", "items": {"type": "array"}}),
    "laughs": (laughs(), {**laughs(), "minLength": 1}),
    "backtracking": ({"type": "string", "pattern": "^(a+)+$"}, {"type": "string", "pattern": "^(a|aa)+b$"}),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_told_or_left_undecided_soon(name: str) -> None:
    given, taken = HOSTILE[name]
    takes = {"type": "object", "properties": {"a": taken}}
    steps = (step("a", result_schema=given), step("b", "a", input_schema=takes))
    begin = time.process_time()
    try:
        faults = check(make(iter(steps)))
    except DefinitionError as error:
        faults = error.faults
    assert time.process_time() - begin < 5 * SECOND
    assert {fault.code for fault in faults} <= {
        "contract-misfit", "contract-undecided", "invalid-schema", "not-json",
    }  # fmt: skip
    assert faults


def test_a_schema_too_deep_for_anything_is_refused() -> None:
    faults = refused(iter([step("a", result_schema=deep(5_000))]))
    assert {fault.code for fault in faults} <= {"invalid-schema", "not-json"}
