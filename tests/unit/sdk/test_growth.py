"""Decisions, convergences and batches in Python: what is checked when they are defined, and what they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel

from tasker import (
    BatchResults,
    ContractError,
    DefinitionError,
    Slice,
    StepContext,
    Workflow,
    slices,
)
from tasker.binding import BoundHandler, bind_handler
from tasker.checking.graph import find_choices, may_lack, read_graph
from tasker.growth import branches_in, item_type

TASK = UUID(int=3)


class Part(BaseModel):
    rows: int


def bound(workflow: Workflow, name: str) -> BoundHandler:
    [step] = [s for s in workflow.template.steps if s.name == name]
    return bind_handler(workflow.handlers[step.handler], step)


def context(**results: Any) -> StepContext:
    return StepContext(
        task_id=TASK, namespace="n", template="w", version="1", step_name="s", results=results
    )


def loan() -> Workflow:
    workflow = Workflow("loan")

    @workflow.step
    def score(input: dict[str, Any]) -> int:
        return 1

    @workflow.decision
    def route(score: int) -> Literal["approve", "review"] | None:
        return "approve" if score else None

    @workflow.step(depends_on=["route"])
    def approve() -> str:
        return "yes"

    @workflow.step(depends_on=["route"])
    def review(score: int) -> int:
        return score

    return workflow


def test_kinds_and_edges() -> None:
    workflow = loan()

    @workflow.convergence
    def close(approve: str | None, review: int | None) -> str:
        return approve or str(review)

    assert [(step.name, step.kind, step.depends_on) for step in workflow.template.steps] == [
        ("score", "standard", ()),
        ("route", "decision", ("score",)),
        ("approve", "standard", ("route",)),
        ("review", "standard", ("score", "route")),
        ("close", "deferred_convergence", ("approve", "review")),
    ]
    assert bound(workflow, "close").bind(context(approve="yes")) == {
        "approve": "yes",
        "review": None,
    }


@pytest.mark.parametrize(
    ("returned", "stored"),
    [("approve", ["approve"]), (None, []), (["approve", "review"], ["approve", "review"])],
)
def test_a_decisions_answer_is_stored_as_a_list(returned: Any, stored: list[str]) -> None:
    workflow = Workflow("w")

    @workflow.decision
    def route() -> str | list[str] | None:
        return returned

    @workflow.step(depends_on=["route"])
    def approve() -> None: ...

    handler = bound(workflow, "route")
    assert orjson.loads(handler.dump(handler.function())) == stored


def test_a_branch_that_does_not_exist_is_found_before_anything_runs() -> None:
    workflow = Workflow("w")

    @workflow.decision
    def route() -> Literal["aprove"]:
        return "aprove"

    @workflow.step(depends_on=["route"])
    def approve() -> None: ...

    with pytest.raises(DefinitionError) as refused:
        _ = workflow.template
    assert 'may answer "aprove", but no step of that name depends on it' in str(refused.value)
    assert 'Did you mean "approve"?' in str(refused.value)


def test_a_branch_that_can_never_be_chosen_is_found() -> None:
    workflow = loan()

    @workflow.step(depends_on=["route"])
    def reject() -> None: ...

    with pytest.raises(DefinitionError, match='can never answer "reject"'):
        _ = workflow.template


@pytest.mark.parametrize(
    ("annotation", "branches"),
    [
        (Literal["a", "b"], {"a", "b"}),
        (Literal["a"] | None, {"a"}),
        (list[Literal["a", "b"]], {"a", "b"}),
        (Literal["a"] | list[Literal["b"]], {"a", "b"}),
        (tuple[Literal["a"], ...], {"a"}),
        (str, None),
        (list[str], None),
        (Literal["a"] | str, None),
        (Any, None),
    ],
)
def test_the_branches_that_an_annotation_names(annotation: Any, branches: set[str] | None) -> None:
    assert branches_in(annotation) == branches


@pytest.mark.parametrize(
    ("annotation", "item"),
    [
        (list[int], int),
        (tuple[Part, ...], Part),
        (Sequence[str], str),
        (list, Any),
        (Any, Any),
        (int, None),
        (dict[str, int], None),
        (str, None),
    ],
)
def test_the_items_of_a_batch(annotation: Any, item: Any) -> None:
    assert item_type(annotation) is item


def returns_number() -> int:
    return 3


def returns_mapping() -> dict[str, int]:
    return {}


@pytest.mark.parametrize(
    ("add", "function", "said"),
    [
        ("decision", returns_number, "a decision returns the name of a step, a list of names"),
        ("batch", returns_mapping, "a batch returns a list, as list[X], and not dict[str, int]"),
    ],
)
def test_what_cannot_be_an_answer_is_refused(
    add: str, function: Callable[..., Any], said: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        getattr(Workflow("w"), add)(function)
    assert said in str(refused.value)


def test_a_parent_that_may_be_excluded_needs_none() -> None:
    workflow = loan()

    def close(approve: str, review: int | None) -> None: ...

    with pytest.raises(DefinitionError) as refused:
        workflow.convergence(close)
    assert "takes approve, which a decision may exclude. Annotate it str | None" in str(
        refused.value
    )


def test_a_parent_that_is_always_there_needs_no_none() -> None:
    """The score is no branch; and behind one branch, both halves of it are there together."""
    workflow = loan()

    @workflow.step
    def left(approve: str) -> str:
        return approve

    @workflow.step
    def right(approve: str) -> str:
        return approve

    @workflow.convergence
    def both(left: str, right: str) -> str:
        return left + right

    @workflow.convergence
    def close(score: int, both: str | None) -> None: ...

    graph = read_graph(workflow.template.steps)
    assert may_lack(graph, find_choices(graph), "both") == set()
    assert may_lack(graph, find_choices(graph), "close") == {"both"}


def test_an_excluded_parent_for_which_nothing_is_provided() -> None:
    """Where a template was written in YAML, the handler's annotation may not know."""
    workflow = loan()

    @workflow.convergence
    def close(approve: str | None, review: int | None = 7) -> None: ...

    handler = bound(workflow, "close")
    assert handler.bind(context()) == {"approve": None}

    @workflow.step
    def strict(approve: str) -> None: ...

    with pytest.raises(ContractError, match="there is no result: the step was excluded"):
        bound(workflow, "strict").bind(context())


# Batches


def importing(on_failure: Any = "wait") -> Workflow:
    workflow = Workflow("import")

    @workflow.batch
    def split() -> list[Slice]:
        return slices(25, 10)

    @workflow.batch_worker(parallelism=4, on_failure=on_failure)
    def load(split: Slice) -> Part:
        return Part(rows=split.stop - split.start)

    return workflow


def test_a_batchs_worker_takes_an_item_and_its_convergence_all_results() -> None:
    workflow = importing()

    @workflow.convergence
    def report(load: list[Part]) -> int:
        return sum(part.rows for part in load)

    split = bound(workflow, "split")
    items = orjson.loads(split.dump(split.function()))
    assert items == [{"start": 0, "stop": 10}, {"start": 10, "stop": 20}, {"start": 20, "stop": 25}]
    load = bound(workflow, "load")
    part = load.function(**load.bind(context(split=items[2])))
    assert part == Part(rows=5)
    joined = bound(workflow, "report")
    assert joined.function(**joined.bind(context(load=[{"rows": 10}, {"rows": 5}]))) == 15
    assert workflow.template.to_json()["steps"][1]["batch"] == {
        "parallelism": 4,
        "on_failure": "wait",
    }


def test_a_batch_that_goes_on_gives_results_and_failures() -> None:
    workflow = importing(on_failure="continue")

    @workflow.convergence
    def report(load: BatchResults[Part]) -> int:
        return len(load.results) - len(load.failures)

    handler = bound(workflow, "report")
    failure = {
        "instance": 2,
        "input": {"start": 10, "stop": 20},
        "error": {"type": "E", "message": "m"},
    }
    arguments = handler.bind(context(load={"results": [{"rows": 1}], "failures": [failure]}))
    assert handler.function(**arguments) == 0

    def listed(load: list[Part]) -> None: ...

    with pytest.raises(DefinitionError, match=r"but step load gives .*BatchResults"):
        workflow.convergence(listed)


def takes_all(split: list[Slice]) -> None: ...
def takes_other(split: Part) -> None: ...


@pytest.mark.parametrize("function", [takes_all, takes_other])
def test_a_worker_that_takes_no_item_is_refused(function: Callable[..., Any]) -> None:
    workflow = Workflow("w")

    @workflow.batch
    def split() -> list[Slice]:
        return []

    with pytest.raises(DefinitionError, match="but step split gives Slice"):
        workflow.batch_worker(function)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"parallelism": 0}, "parallelism is 0"),
        ({"parallelism": "4"}, "parallelism is '4'"),
        ({"on_failure": "ignore"}, "must be one of wait, continue, fail_task"),
    ],
)
def test_policies_out_of_bounds(options: dict[str, Any], said: str) -> None:
    workflow = Workflow("w")

    @workflow.batch
    def split() -> list[int]:
        return []

    def load(split: int) -> None: ...

    with pytest.raises(DefinitionError) as refused:
        workflow.batch_worker(**options)(load)
    assert said in str(refused.value)


def test_rules_of_the_graph() -> None:
    lonely = Workflow("w")

    @lonely.batch
    def split() -> list[int]:
        return []

    with pytest.raises(DefinitionError, match="batchable, and 0 batch workers depend on it"):
        _ = lonely.template

    @lonely.batch_worker
    def load(split: int) -> int:
        return split

    @lonely.step
    def after(load: list[int]) -> None: ...

    with pytest.raises(DefinitionError, match='"after" depends on the batch worker "load"'):
        _ = lonely.template

    alone = Workflow("w")

    @alone.decision
    def route() -> None: ...

    with pytest.raises(DefinitionError, match="is a decision, but no step depends on it"):
        _ = alone.template

    early = Workflow("w")

    @early.batch_worker
    def part() -> None: ...

    with pytest.raises(DefinitionError, match="It must depend on one batchable step"):
        _ = early.template


@pytest.mark.parametrize(("total", "size"), [(-1, 1), (1, 0), (100_001, 1)])
def test_slices_out_of_bounds(total: int, size: int) -> None:
    with pytest.raises(ValueError, match=str(total)):
        slices(total, size)


def test_slices_of_nothing() -> None:
    assert slices(0, 10) == []


@pytest.mark.parametrize("annotation", [Literal["x", "y"], Literal["x", "y"] | None])
def test_a_step_behind_two_branches_of_which_one_is_chosen_can_never_be(annotation: Any) -> None:
    flow = Workflow("w")

    @flow.decision
    def r() -> annotation: ...

    @flow.step(depends_on=["r"])
    def x() -> int: ...

    @flow.step(depends_on=["r"])
    def y() -> int: ...

    @flow.step
    def z(x: int) -> int: ...

    @flow.step
    def c(z: int, y: int) -> int: ...

    with pytest.raises(DefinitionError, match='step "c" can never be: it needs x and y'):
        flow.template  # noqa: B018


def test_one_behind_two_branches_that_may_both_be_chosen_can_be() -> None:
    flow = Workflow("w")

    @flow.decision
    def r() -> list[Literal["x", "y"]]: ...

    @flow.step(depends_on=["r"])
    def x() -> int: ...

    @flow.step(depends_on=["r"])
    def y() -> int: ...

    @flow.step
    def c(x: int, y: int) -> int: ...

    assert len(flow.template.steps) == 4
