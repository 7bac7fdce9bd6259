"""Workflows that grow, from a client's submission to the result that it gets."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from tasker import BatchResults, PermanentError, Slice, StepContext, TaskFailed, Workflow, slices
from tasker.testing import Tasker


class Loan(BaseModel):
    amount: int


class Verdict(BaseModel):
    text: str


loans = Workflow("loan", namespace="bank", input=Loan)


@loans.decision
def route(input: Loan) -> Literal["approve", "review"] | None:
    if input.amount < 0:
        return None
    return "approve" if input.amount < 10 else "review"


@loans.step(depends_on=["route"])
async def approve(input: Loan) -> Verdict:
    return Verdict(text=f"approved {input.amount}")


@loans.step(depends_on=["route"])
def review() -> int:
    return 3


@loans.decision
def depth(review: int) -> list[Literal["short", "long"]]:
    return ["short", "long"]


@loans.step(depends_on=["depth"])
def short() -> str:
    return "short"


@loans.step(depends_on=["depth"])
def long(review: int) -> str:
    return f"long {review}"


@loans.convergence
def close(
    approve: Verdict | None, short: str | None, long: str | None, ctx: StepContext
) -> Verdict:
    return approve or Verdict(text=f"{short}, {long}: {sorted(ctx.results)}")


imports = Workflow("import", namespace="files", input=int)


@imports.batch
def split(input: int) -> list[Slice]:
    return slices(input, 10)


@imports.batch_worker(parallelism=2, on_failure="continue")
async def load(split: Slice, ctx: StepContext) -> int:
    if split.start == 10:
        raise PermanentError(f"{ctx.step_name} has a bad row")
    return split.stop - split.start


@imports.convergence
def report(load: BatchResults[int]) -> list[int | str]:
    return [*load.results, *(failure.error["message"] for failure in load.failures)]


@pytest.mark.parametrize(
    ("amount", "result", "graph"),
    [
        (
            5,
            Verdict(text="approved 5"),
            """\
bank/loan 1.0.0: complete
  route: complete
  approve: complete, after route, brought by route
  close: complete, after approve and short and long, brought by route
""",
        ),
        (
            50,
            Verdict(text="short, long 3: ['long', 'short']"),
            """\
bank/loan 1.0.0: complete
  route: complete
  review: complete, after route, brought by route
  depth: complete, after review, brought by route
  short: complete, after depth, brought by depth
  long: complete, after review and depth, brought by depth
  close: complete, after approve and short and long, brought by depth
""",
        ),
    ],
)
def test_decisions_choose_and_a_convergence_joins(
    tasker: Tasker, amount: int, result: Verdict, graph: str
) -> None:
    task = tasker.submit(loans, Loan(amount=amount))
    assert task.result(Verdict) == result
    assert task.graph() == graph


def test_a_decision_for_nothing_ends_the_task(tasker: Tasker) -> None:
    task = tasker.submit(loans, Loan(amount=-1))
    assert task.result() == []
    assert task.graph() == "bank/loan 1.0.0: complete\n  route: complete\n"


def test_a_batch_goes_on_without_what_fails(tasker: Tasker) -> None:
    assert tasker.run(imports, 35) == [10, 10, 5, "load/2 has a bad row"]


def test_a_batch_loses_nothing_with_its_worker(tasker: Tasker) -> None:
    task = tasker.submit(imports, 35)
    tasker.faults.crash_after("handler", "load/3")
    tasker.faults.crash_after("commit", "split")
    tasker.faults.lose_reply("report")
    assert task.result() == [10, 10, 5, "load/2 has a bad row"]


def test_a_batch_of_nothing(tasker: Tasker) -> None:
    assert tasker.run(imports, 0) == []


def test_a_branch_that_does_not_exist_is_an_error_that_names_those_that_do(tasker: Tasker) -> None:
    workflow = Workflow("wrong", namespace="bank")

    @workflow.decision
    def choose() -> str:
        return "nowhere"

    @workflow.step(depends_on=["choose"])
    def somewhere() -> None: ...

    with pytest.raises(TaskFailed) as failed:
        tasker.run(workflow)
    [error] = failed.value.errors
    assert error.message == "nowhere is no branch of decision choose; its branches are somewhere"
