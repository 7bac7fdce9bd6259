"""Workflows that grow, from a client's submission to the result that it gets."""

from __future__ import annotations

from typing import Literal

import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import PATIENCE, ask, failure, run

from tasker import (
    BatchResults,
    Client,
    PermanentError,
    Slice,
    StepContext,
    Worker,
    Workflow,
    slices,
)

pytestmark = pytest.mark.anyio


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
    ("amount", "result"),
    [
        (5, Verdict(text="approved 5")),
        (50, Verdict(text="short, long 3: ['long', 'short']")),
    ],
)
async def test_decisions_choose_and_a_convergence_joins(
    database: str, client: Client, amount: int, result: Verdict
) -> None:
    async with Worker(loans, url=database):
        assert Verdict.model_validate(await run(client, loans, Loan(amount=amount))) == result


async def test_a_decision_for_nothing_ends_the_task(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    async with Worker(loans, url=database):
        assert await run(client, loans, Loan(amount=-1)) == []
    assert await ask(db, "select count(*) from tasker.step") == 1


async def test_a_batch_goes_on_without_what_fails(database: str, client: Client) -> None:
    async with Worker(imports, url=database):
        task = await client.submit(imports, 35)
        assert await task.result(timeout=PATIENCE) == [10, 10, 5, "load/2 has a bad row"]


async def test_a_batch_of_nothing(database: str, client: Client) -> None:
    async with Worker(imports, url=database):
        assert await run(client, imports, 0) == []


async def test_a_branch_that_does_not_exist_is_an_error_that_names_those_that_do(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    workflow = Workflow("wrong", namespace="bank")

    @workflow.decision
    def choose() -> str:
        return "nowhere"

    @workflow.step(depends_on=["choose"])
    def somewhere() -> None: ...

    async with Worker(workflow, url=database):
        task = await client.submit(workflow)
        assert (
            await failure(task)
        ).message == "nowhere is no branch of decision choose; its branches are somewhere"
