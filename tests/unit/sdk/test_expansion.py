"""Expansion in Python: what may be asked for, and what an expansion holds."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from tasker import Bounds, DefinitionError, Expansion, PermanentError, StepContext, Workflow
from tasker.binding import bind_handler
from tasker.expansion import Node


class Draft(BaseModel):
    text: str


support = Workflow("support", input=str)


@support.dynamic
def draft(topic: str, input: str, ctx: StepContext, length: int = 10) -> Draft:
    return Draft(text=topic)


@support.dynamic(name="check")
async def check_it(draft: Draft) -> Expansion[bool]:
    return Expansion(True)


def steps_of(expansion: Expansion[Any]) -> Any:
    return orjson.loads(expansion.dump())


def test_an_expansion_holds_steps_arguments_and_edges() -> None:
    plan = Expansion("mine")
    first = plan.add(draft, topic="a")
    second = plan.add(check_it, draft=first)
    third = plan.add(draft, topic=plan.existing("score"), length=3).after(first, second)
    plan.add("elsewhere", any=[1], other=third)
    assert plan.result == "mine"
    assert len(plan) == 4
    assert steps_of(plan) == [
        {"step": "draft", "values": {"topic": "a"}, "takes": {}, "after": []},
        {"step": "check", "values": {}, "takes": {"draft": 0}, "after": []},
        {"step": "draft", "values": {"length": 3}, "takes": {"topic": "score"}, "after": [0, 1]},
        {"step": "elsewhere", "values": {"any": [1]}, "takes": {"other": 2}, "after": []},
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "nothing is given for topic"),
        ({"topic": "a", "lenght": 3}, 'it takes no argument lenght. Did you mean "length"'),
        ({"topic": "a", "input": "b"}, "it takes no argument input"),
        ({"topic": "a", "ctx": None}, "it takes no argument ctx"),
        ({"topic": 7}, "Input should be a valid string"),
        ({"topic": Node(0, None), "length": "many"}, "Input should be a valid integer"),
    ],
)
def test_arguments_are_checked_when_they_are_given(arguments: Any, said: str) -> None:
    with pytest.raises(PermanentError, match=said):
        Expansion().add(draft, **arguments)


def test_the_result_of_one_step_must_fit_the_argument_of_another() -> None:
    plan = Expansion()
    checked = plan.add(check_it, draft=plan.add(draft, topic="a"))
    with pytest.raises(PermanentError, match="takes str, but is given bool"):
        plan.add(draft, topic=checked)


def test_only_dynamic_steps_can_be_asked_for() -> None:
    with pytest.raises(PermanentError, match=r"is no dynamic step: put @workflow\.dynamic above"):
        Expansion().add(steps_of)


def test_a_step_that_is_there_waits_for_nothing_more() -> None:
    plan = Expansion()
    with pytest.raises(PermanentError, match="is in the task already"):
        plan.existing("score").after(plan.add(draft, topic="a"))


def test_what_does_not_fit_into_a_row_is_refused() -> None:
    plan = Expansion()
    plan.add("big", text="x" * 9_000_000)
    plan.add("big", text="x" * 9_000_000)
    with pytest.raises(PermanentError, match="is the most"):
        plan.dump()


def test_a_workflow_says_who_may_ask_for_what() -> None:
    flow = Workflow("flow", expansion=Bounds(5, 2))

    @flow.step
    def all_of_them() -> Expansion[int]: ...

    @flow.step(expands=["second"])
    def just_one() -> Expansion[None]: ...

    @flow.dynamic
    def first() -> int: ...

    @flow.dynamic(expands=[first])
    def second(): ...  # pyright: ignore[reportUnknownParameterType]

    @flow.convergence
    def last(first: list[int]) -> int: ...

    expands = {step.name: step.expands for step in flow.template.steps}
    assert expands == {
        "all_of_them": ("first", "second"),
        "just_one": ("second",),
        "first": (),
        "second": ("first",),
        "last": (),
    }
    assert flow.template.to_json()["expansion"] == {"max_steps": 5, "max_depth": 2}
    assert flow.output is None, "a task may end in any number of second"


def test_a_step_gives_what_its_expansion_holds() -> None:
    flow = Workflow("flow")

    @flow.dynamic
    def more() -> None: ...

    @flow.step
    def begin() -> Expansion[int]: ...

    with pytest.raises(DefinitionError, match="takes begin: str, but step begin returns int"):

        @flow.step
        def wrong(begin: str) -> None: ...


def test_the_outcome_has_the_result_and_the_steps() -> None:
    flow = Workflow("flow")

    @flow.dynamic
    def more(n: int) -> None: ...

    @flow.step
    def begin() -> Expansion[int]: ...

    [_, step] = flow.template.steps
    bound = bind_handler(flow.handlers[step.handler], step)
    plan = Expansion(3)
    plan.add(more, n=1)
    done = bound.complete(plan)
    assert done.result == b"3"
    assert done.expansion == plan.dump()
    assert bound.complete(4).expansion is None
    with pytest.raises(PermanentError, match="valid integer"):
        bound.complete(Expansion("x"))


def refused(said: str, flow: Workflow) -> None:
    with pytest.raises(DefinitionError, match=said):
        _ = flow.template


def test_definitions_that_could_not_run_are_refused() -> None:
    flow = Workflow("flow")

    @flow.step
    def begin() -> Expansion[int]: ...

    refused("step begin may ask for dynamic steps, and there are none", flow)

    @flow.dynamic(expands=["mroe"])
    def more() -> None: ...

    refused('expands to .mroe., no dynamic step. Did you mean "more"', flow)

    with pytest.raises(DefinitionError, match="only an ordinary step, a dynamic one"):

        @flow.decision
        def pick() -> Expansion[str]: ...

    with pytest.raises(DefinitionError, match="max_depth is 0"):
        Bounds(max_depth=0)


def test_what_gathers_may_not_stand_before_what_asks() -> None:
    flow = Workflow("flow")

    @flow.dynamic
    def more() -> int: ...

    @flow.convergence
    def gather(more: list[int]) -> int: ...

    @flow.step
    def begin(gather: int) -> Expansion[int]: ...

    refused("in a circle: .*gather", flow)


def test_an_ordinary_step_cannot_take_what_may_come_many_times() -> None:
    flow = Workflow("flow")

    @flow.step
    def begin() -> Expansion[int]: ...

    @flow.dynamic
    def more() -> int: ...

    @flow.step
    def after(more: list[int]) -> int: ...

    refused('step "after" depends on the dynamic step "more"', flow)
