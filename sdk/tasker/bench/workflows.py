"""The shapes as workflows of this engine, with async handlers and results that are checked. Pure."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from pydantic import BaseModel

from tasker.bench.load import Work
from tasker.bench.shapes import Batch, Decision, Shape, Static
from tasker.context import StepContext
from tasker.workflow import Workflow

__all__ = ["NAMESPACE", "Job", "Observe", "Token", "build_workflow"]

NAMESPACE = "tasker_bench"

# Told of each handler's start and end: (its context, whether it ends).
Observe = Callable[[StepContext, bool], None]


class Job(BaseModel):
    """A task's input."""

    number: int
    note: str = ""


class Token(BaseModel):
    """A step's result."""

    number: int
    note: str = "ok"


def build_workflow(shape: Shape, *, payload: int, work: Work, observe: Observe) -> Workflow:
    """A workflow of this shape: each step does the work, and gives `payload` bytes of text."""
    note = "x" * payload if payload else "ok"
    workflow = Workflow(
        f"{shape.name}_{work.kind}_{payload}", namespace=NAMESPACE, version="1", input=Job
    )
    do = _do(work)
    match shape:
        case Static() if work.kind == "compose":
            _add_compositions(workflow, shape, note)
        case Static():
            _add_static(workflow, shape, note, do, observe)
        case Batch(_, width):
            _add_batch(workflow, width, note, do)
        case Decision(_, branches, chosen):
            _add_decision(workflow, branches, chosen, note, do)
    return workflow


_Do = Callable[[], Awaitable[None]]


def _do(work: Work) -> _Do:
    seconds = work.ms / 1000

    async def nothing() -> None:
        pass

    async def sleep() -> None:
        await anyio.sleep(seconds)

    async def spin() -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            pass

    return {"nothing": nothing, "compose": nothing, "sleep": sleep, "spin": spin}[work.kind]


def _add_compositions(workflow: Workflow, shape: Static, note: str) -> None:
    """In place of each handler a composition of five steps that compute."""
    from tasker_grammar.composition import Composition

    steps = [
        {"id": "parents", "kind": "transform", "value": ".input | length"},
        {"id": "doubled", "kind": "transform", "value": ".parents * 2"},
        {"id": "halved", "kind": "transform", "value": ".doubled - .parents"},
        {
            **{"id": "same", "kind": "assert", "code": "WRONG", "message": '"it is not the same"'},
            "that": ".halved == .parents",
        },
        {
            **{"id": "token", "kind": "transform", "needs": ["same"]},
            "value": f'{{number: .halved, note: "{note}"}}',
        },
    ]
    five = Composition.model_validate({"name": "five", "steps": steps, "result": "token"})
    for number, parents in enumerate(shape.parents):
        taken = ", ".join(f".step_{parent}.number" for parent in parents)
        workflow.compose(f"step_{number}", five, input=f"[{taken}]")


def _add_static(workflow: Workflow, shape: Static, note: str, do: _Do, observe: Observe) -> None:
    for number, parents in enumerate(shape.parents):
        names = [f"step_{parent}" for parent in parents]
        handler = _handler(names, note, do, observe)
        workflow.step(name=f"step_{number}", depends_on=names)(handler)


def _handler(
    parents: list[str], note: str, do: _Do, observe: Observe
) -> Callable[..., Awaitable[Token]]:
    """A handler with parameters named like its parents, as somebody would write it by hand; of many, in one mapping."""
    taken = parents if len(parents) <= 3 else []

    async def handler(ctx: StepContext, **given: Any) -> Token:
        observe(ctx, False)
        await do()
        results = given if taken or not parents else ctx.results
        token = Token(number=len(results), note=note)
        observe(ctx, True)
        return token

    annotations: dict[str, Any] = {"ctx": StepContext}
    annotations |= dict.fromkeys(taken, Token) if parents else {"input": Job}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, keyword, annotation=kind) for name, kind in annotations.items()
    ]
    handler.__annotations__ = {**annotations, "return": Token}
    handler.__signature__ = inspect.Signature(parameters, return_annotation=Token)  # type: ignore[attr-defined]
    return handler


def _add_batch(workflow: Workflow, width: int, note: str, do: _Do) -> None:
    @workflow.batch
    async def split(input: Job) -> list[int]:
        await do()
        return list(range(input.number, input.number + width))

    @workflow.batch_worker
    async def part(split: int) -> Token:
        await do()
        return Token(number=split + 1, note=note)

    @workflow.convergence
    async def join(part: list[Token]) -> Token:
        await do()
        return Token(number=len(part), note=note)


def _add_decision(workflow: Workflow, branches: int, chosen: int, note: str, do: _Do) -> None:
    names = [f"branch_{number}" for number in range(branches)]

    @workflow.decision
    async def route(input: Job) -> list[str]:
        await do()
        first = input.number % branches
        return [names[(first + number) % branches] for number in range(chosen)]

    for name in names:

        async def branch() -> Token:
            await do()
            return Token(number=1, note=note)

        workflow.step(name=name, depends_on=["route"])(branch)

    @workflow.convergence(depends_on=names)
    async def join(ctx: StepContext) -> Token:
        await do()
        return Token(number=len(ctx.results), note=note)
