"""What is written stands behind a gate, and what is confidential does not flow where it must not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.grammar.checking.helpers import (
    LABELLED,
    UNGATED,
    catalog,
    check,
    codes,
    decide,
    emit,
    gate,
    propose,
    step,
)
from tests.unit.grammar.primitives.examples import HALVE

from tasker_grammar.catalog import Catalog
from tasker_grammar.composition import Bounds, Composition

PEOPLE = step("people", "acquire", resource="people", params="{id: .input.id}")


def fan_out(*steps: dict[str, Any], over: str = ".input.lines", **fields: Any) -> dict[str, Any]:
    last = steps[-1]["id"]
    return step("done", "fan_out", over=over, max_items=5, steps=list(steps), result=last, **fields)


def test_a_gate_guards_what_waits_for_it_however_far() -> None:
    assert codes(propose(gate("asked"), emit("done", needs=["asked"]))) == []
    between = step("between", needs=["asked"])
    assert codes(propose(gate("asked"), between, emit("done", needs=["between"]))) == []
    assert codes(propose(gate("asked"), emit("told"), step("done", needs=["asked", "told"]))) == [
        "E401"
    ]
    assert codes(propose(emit("done"), bounds=UNGATED)) == []


def test_a_gate_that_gives_a_no_guards_nothing() -> None:
    asked = gate("asked", on_no="give")
    assert codes(propose(asked, emit("done", needs=["asked"]))) == ["E401"]


def test_a_gate_in_one_branch_does_not_guard_the_other() -> None:
    def report(*branches: list[str]) -> list[str]:
        gates = [gate(name) for names in branches for name in names if name.startswith("ask")]
        plain = [step(name) for names in branches for name in names if not name.startswith("ask")]
        needs = [name for names in branches for name in names]
        return codes(
            propose(
                decide("which", a=branches[0], other=branches[1]),
                *gates,
                *plain,
                step("either", "converge", needs=needs),
                emit("done", needs=["either"]),
            )
        )

    assert report(["ask_a"], ["plain"]) == ["E401"]
    assert report(["ask_a"], ["ask_b"]) == []


def test_a_write_in_the_branch_behind_the_gate_is_guarded_and_in_the_other_not() -> None:
    steps = [
        decide("which", a=["asked"], other=["other"]),
        gate("asked"),
        emit("told", needs=["asked"]),
        emit("other"),
        step("done", "converge", needs=["told", "other"]),
    ]
    report = propose(*steps)
    assert [(finding.code, finding.step) for finding in report.findings] == [("E401", "other")]


def test_a_gate_guards_steps_within_steps_and_a_gate_within_guards_each_item() -> None:
    inner = emit("told", "{id: .item.sku}")
    assert codes(propose(fan_out(inner), bounds=Bounds(max_writes=9))) == ["E401"]
    guarded = fan_out(inner, needs=["asked"])
    assert codes(propose(gate("asked"), guarded, bounds=Bounds(max_writes=9))) == []
    within = fan_out(gate("asked"), emit("told", "{id: .item.sku}", needs=["asked"]))
    assert codes(propose(within, bounds=Bounds(max_writes=9))) == []


def test_a_composition_is_judged_where_it_is_used() -> None:
    own = catalog(tell=[emit("told", '{id: "a"}')])
    use = step("done", "compose", composition="tell")
    report = propose(use, own=own)
    assert codes(report) == ["E401"]
    assert report.findings[0].path == "/steps/0/composition"
    assert report.findings[0].step == "done.told"
    assert codes(propose(gate("asked"), {**use, "needs": ["asked"]}, own=own)) == []
    assert codes(check(use, own=own)) == []


def test_labels_flow_along_references_into_resources() -> None:
    told = emit("done", '{id: (.people[0].id // "")}', event="open")
    report = check(PEOPLE, told, resources=LABELLED)
    assert codes(report) == ["E403"]
    assert (report.findings[0].expected, report.findings[0].got) == ("no label", "personal")
    assert codes(check(PEOPLE, {**told, "event": "closed"}, resources=LABELLED)) == []
    named = step("name", value='.people[0].id // ""')
    far = emit("done", "{id: .name}", event="open")
    assert codes(check(PEOPLE, named, far, resources=LABELLED)) == ["E403"]


def test_what_only_comes_after_it_is_not_labelled() -> None:
    told = emit("done", event="open", needs=["people"])
    assert codes(check(PEOPLE, told, resources=LABELLED)) == []


def test_a_label_flows_from_a_decision_to_what_it_chooses() -> None:
    which = step(
        "which",
        "decide",
        cases=[{"name": "some", "when": "(.people | length) > 0", "then": ["told"]}],
    )
    told = emit("told", event="open")
    done = step("done", "converge", needs=["which", "told"])
    assert codes(check(PEOPLE, which, told, done, resources=LABELLED)) == ["E403"]
    # What a convergence gives depends on it, too.
    quiet = step("told")
    after = emit("after", "{id: (.done.told // 0 | tostring)}", event="open")
    found = codes(check(PEOPLE, which, quiet, done, after, resources=LABELLED))
    assert found == ["E403"]


def test_a_label_flows_into_steps_within_by_item_and_by_their_number() -> None:
    item = emit("told", "{id: .item.id}", event="open")
    assert codes(check(PEOPLE, fan_out(item, over=".people"), resources=LABELLED)) == ["E403"]
    number = emit("told", event="open")
    assert codes(check(PEOPLE, fan_out(number, over=".people"), resources=LABELLED)) == ["E403"]
    out = fan_out(step("one", value=".item.id"), over=".people")
    after = emit("told", '{id: (.done[0] // "")}', event="open")
    assert codes(check(PEOPLE, out, after, resources=LABELLED)) == ["E403"]


def test_a_label_flows_through_a_composition() -> None:
    own = Catalog(
        (
            Composition.model_validate(
                {"name": "same", "steps": [step("it", value=".input")], "result": "it"}
            ),
            HALVE,
        )
    )
    same = step("same", "compose", composition="same", input='.people[0].id // ""')
    told = emit("done", "{id: .same}", event="open")
    assert codes(check(PEOPLE, same, told, resources=LABELLED, own=own)) == ["E403"]


def test_a_person_may_let_it_through() -> None:
    told = emit("done", '{id: (.people[0].id // "")}', event="open", needs=["asked"])
    assert codes(check(PEOPLE, gate("asked"), told, resources=LABELLED)) == []


@pytest.mark.parametrize(("accepts", "found"), [("internal", ["E403"]), ("personal", [])])
def test_an_endpoint_is_asked_with_what_it_accepts(accepts: str, found: list[str]) -> None:
    again = {**PEOPLE, "id": "done", "params": '{id: (.people[0].id // "")}'}
    endpoint = LABELLED.endpoints["people"].model_copy(update={"accepts": accepts})
    resources = LABELLED.model_copy(update={"endpoints": {"people": endpoint}})
    assert codes(check(PEOPLE, again, resources=resources)) == found
