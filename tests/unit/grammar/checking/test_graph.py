"""What waits for what, what runs, and what comes of it."""

from __future__ import annotations

from tests.unit.grammar.checking.helpers import check, codes, decide, emit, propose, step

from tasker_grammar.types import Boolean, Number, Object, String


def test_a_reference_is_an_edge_and_needs_add_edges() -> None:
    program = check(
        step("done", value=".second + 1"),
        step("second", value=".first + 1", needs=["other"]),
        step("other"),
        step("first"),
    ).require()
    assert [each.id for each in program.steps] == ["other", "first", "second", "done"]
    by_id = {each.id: each for each in program.steps}
    assert by_id["second"].waits_for == {"first", "other"}
    assert by_id["second"].sees == {"first"}


def test_steps_in_a_fan_out_tie_it_to_what_they_refer_to() -> None:
    inner = [step("each", value=".item.quantity + .rate + .index")]
    fan_out = step("done", "fan_out", over=".input.lines", max_items=5, steps=inner, result="each")
    program = check(fan_out, step("rate")).require()
    assert program.steps[-1].waits_for == {"rate"}


def test_names_within_a_fan_out_are_not_seen_outside() -> None:
    fan_out = step(
        "list", "fan_out", over=".input.lines", max_items=5, steps=[step("each")], result="each"
    )
    assert codes(check(fan_out, step("done", value=".each", needs=["list"]))) == ["G103"]
    assert codes(check(step("done", value=".item"))) == ["G103"]


def test_a_step_within_cannot_have_the_name_of_one_around() -> None:
    inner = [step("rate", value=".item.quantity")]
    fan_out = step("done", "fan_out", over=".input.lines", max_items=5, steps=inner, result="rate")
    assert codes(check(fan_out)) == []
    assert codes(check({**fan_out, "needs": ["rate"]}, step("rate"))) == ["G102"]


def test_cycles_are_told_once_each_and_what_is_behind_them_is_checked_as_far_as_it_goes() -> None:
    report = check(
        step("a", value=".b"),
        step("b", value=".a"),
        step("c", value=".d"),
        step("d", value=".c"),
        step("bad", value=".input.nothing"),
        step("done", value=".b", needs=["bad"]),
    )
    assert codes(report) == ["G104", "G104", "X101"]
    assert [finding.path for finding in report.findings[:2]] == ["/steps/0", "/steps/2"]


def test_what_depends_on_something_broken_is_not_told_again() -> None:
    report = check(step("a", value=".input.nothing"), step("done", value=".a.b.c"))
    assert codes(report) == ["X101"]


def test_all_findings_come_at_once_in_the_order_of_the_steps() -> None:
    report = check(
        step("a", value="1 +"),
        step("b", "assert", that=".input.total"),
        emit("c", "{}", needs=["b"]),
        step("done", "acquire", resource="nothing", needs=["a", "c"]),
    )
    assert codes(report) == ["X002", "C303", "C306", "R501"]
    assert [finding.step for finding in report.findings] == ["a", "b", "c", "done"]


def test_what_gathers_both_branches_always_runs() -> None:
    report = check(
        decide("which", a=["left"], other=["right"]),
        step("left", value=".input.total"),
        step("right", value=".input.id"),
        step("done", "converge", needs=["left", "right"]),
    )
    output = report.require().output
    assert isinstance(output, Object)
    assert {name: field.required for name, field in output.fields.items()} == {
        "left": False,
        "right": False,
    }
    assert output.fields["left"].type == Number()
    assert isinstance(output.fields["right"].type, String)


def test_what_gathers_one_branch_of_two_may_not_run() -> None:
    left = step("left")
    report = check(decide("which", a=["left"]), left, step("done", "converge", needs=["left"]))
    assert codes(report) == ["G110"]


def test_a_step_that_is_there_whenever_the_convergence_is_may_not_be_missing() -> None:
    report = check(
        decide("which", a=["left"]),
        step("left"),
        step("behind", value=".left"),
        step("done", "converge", needs=["which", "left", "behind"]),
    )
    output = report.require().output
    assert isinstance(output, Object)
    assert [field.required for field in output.fields.values()] == [True, False, False]


def test_a_decision_within_a_branch_runs_only_there() -> None:
    steps = [
        decide("outer", a=["inner"], other=["right"]),
        decide("inner", b=["deep"], other=["flat"]),
        step("deep"),
        step("flat"),
        step("right"),
    ]
    every = ["deep", "flat", "right"]
    assert check(*steps, step("done", "converge", needs=every)).sound
    assert codes(check(*steps, step("done", "converge", needs=every[:2]))) == ["G107", "G110"] or (
        "G110" in codes(check(*steps, step("done", "converge", needs=every[:2])))
    )


def test_a_step_in_two_cases_runs_in_either() -> None:
    report = check(
        decide("which", a=["same"], b=["same"], other=["same"]), step("same"), result="same"
    )
    assert report.sound


def test_what_needs_two_branches_never_runs() -> None:
    report = check(
        decide("which", a=["left"], other=["right"]),
        step("left"),
        step("right"),
        emit("never", "{id: .input.id}", needs=["left", "right"]),
        step("behind", value=".never.event_id"),
        step("done", "converge", needs=["left", "right"]),
    )
    assert codes(report) == ["G109", "G107"]
    assert [finding.step for finding in report.findings] == ["never", "behind"]


def test_the_branch_is_a_name_of_a_case() -> None:
    report = check(decide("done", a=[], other=[]))
    output = report.require().output
    assert output == Object({"branch": output.fields["branch"]})  # type: ignore[union-attr]
    assert output.fields["branch"].type == String(frozenset({"a", "else"}))  # type: ignore[union-attr]


def test_an_assert_that_nothing_waits_for_is_dead_and_a_write_never_is() -> None:
    holds = step("holds", "assert", that=".input.total > 0")
    assert codes(check(holds, step("done"))) == ["G107"]
    assert codes(check(holds, emit("told", needs=["holds"]), step("done"))) == []
    output = check(holds, result="holds").require().output
    assert isinstance(output, Object) and output.fields["passed"].type == Boolean(True)


def test_in_a_fragment_the_result_waits_for_every_write() -> None:
    asked = step("asked", "gate", title='"Tell?"')
    told = emit("told", needs=["asked"])
    assert codes(propose(asked, told, step("done"))) == ["G108"]
    assert codes(propose(asked, told, step("done", needs=["told"]))) == []


def test_names_that_the_task_has_are_taken_and_its_steps_can_be_seen() -> None:
    assert codes(propose(step("done"), existing=["done"])) == ["G102"]
    assert codes(propose(step("done"), existing=["other"])) == []
    report = check(step("input"), result="input")
    assert codes(report) == ["G102"]


def test_a_step_is_not_its_own_reference() -> None:
    assert codes(check(step("done", value=".done"))) == ["G104"]
    assert codes(check(step("done", needs=["done"]))) == ["G104"]
