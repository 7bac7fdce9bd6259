"""The workflows that are measured: async handlers that do nothing, with results that are checked. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from tasker.context import StepContext
from tasker.workflow import Workflow

__all__ = ["Job", "Observe", "Token", "batch", "chain", "fanout"]

NAMESPACE = "tasker_bench"

# Told of each handler's start and end: (task id, step number, whether it ends).
Observe = Callable[[StepContext, bool], None]


class Job(BaseModel):
    """A task's input."""

    number: int


class Token(BaseModel):
    """A step's result."""

    number: int
    note: str = "ok"


def chain(length: int, observe: Observe) -> Workflow:
    """Steps one after the other, each taking the one before's result."""
    workflow = Workflow(f"chain_{length}", namespace=NAMESPACE, version="1", input=Job)

    async def first(input: Job, ctx: StepContext) -> Token:
        observe(ctx, False)
        observe(ctx, True)
        return Token(number=input.number)

    workflow.step(name="step_1")(first)
    for number in range(2, length + 1):
        workflow.step(name=f"step_{number}")(_link(f"step_{number - 1}", observe))
    return workflow


def fanout(width: int) -> Workflow:
    """One step, `width` steps that take its result, and one that takes all of theirs."""
    workflow = Workflow(f"fanout_{width}", namespace=NAMESPACE, version="1", input=Job)

    @workflow.step
    async def split(input: Job) -> Token:
        return Token(number=input.number)

    for number in range(width):

        async def part(split: Token) -> Token:
            return Token(number=split.number + 1)

        workflow.step(name=f"part_{number}")(part)

    @workflow.step(depends_on=[f"part_{number}" for number in range(width)])
    async def join(ctx: StepContext) -> Token:
        return Token(number=len(ctx.results))

    return workflow


def batch(width: int) -> Workflow:
    """One batch of `width` workers, and one step that takes all their results."""
    workflow = Workflow(f"batch_{width}", namespace=NAMESPACE, version="1", input=Job)

    @workflow.batch
    async def split(input: Job) -> list[int]:
        return list(range(input.number, input.number + width))

    @workflow.batch_worker
    async def part(split: int) -> Token:
        return Token(number=split + 1)

    @workflow.convergence
    async def join(part: list[Token]) -> Token:
        return Token(number=len(part))

    return workflow


def _link(parent: str, observe: Observe) -> Callable[..., Awaitable[Token]]:
    """A handler with a parameter named like its parent, as somebody would write it by hand."""

    async def link(ctx: StepContext, **results: Token) -> Token:
        observe(ctx, False)
        observe(ctx, True)
        return results[parent]

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(parent, keyword, annotation=Token),
        inspect.Parameter("ctx", keyword, annotation=StepContext),
    ]
    link.__annotations__ = {parent: Token, "ctx": StepContext, "return": Token}
    link.__signature__ = inspect.Signature(parameters, return_annotation=Token)  # type: ignore[attr-defined]
    return link
