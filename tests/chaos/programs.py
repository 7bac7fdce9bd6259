"""The workflows that are run under chaos. Each run of a handler writes down what it was given, did and saw.

Their results are marks: a value that is foretold, and which run of the handler it is from. Touches what marks touch.
"""

from __future__ import annotations

from typing import Any

import anyio
from tests.chaos.marks import WRITE, Job, Mark, begin, once, pause_here, write, written

from tasker import (
    Bounds,
    ChildTask,
    Expansion,
    Limit,
    PermanentError,
    Retry,
    RetryableError,
    StepContext,
    Workflow,
)

NAMESPACE = "chaos"
EVENT = "go"

# A worker that is killed costs an attempt, and here they are killed all the time.
retry = Retry(max_attempts=1000, backoff="fixed", base="50ms", cap="50ms")


def workflow(name: str, **more: Any) -> Workflow:
    return Workflow(name, namespace=NAMESPACE, version="1", input=Job, **more)


chain = workflow("chain")


@chain.step(retry=retry)
async def a(input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        await anyio.sleep(input.pause)
        return run.end(input.number + 1)


@chain.step(retry=retry)
def b(a: Mark, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx, a=a) as run:
        pause_here(input.pause + input.long)
        return run.end(a.value + 1)


@chain.step(retry=retry)
async def c(b: Mark, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx, b=b) as run:
        await anyio.sleep(input.pause)
        if ctx.attempt <= input.failures:
            raise RetryableError("the first attempts fail")
        return run.end(b.value + 1)


@chain.step(retry=retry)
async def d(c: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, c=c).end(c.value + 1)


diamond = workflow("diamond")


@diamond.step(retry=retry)
async def split(input: Job, ctx: StepContext) -> Mark:
    return begin(ctx).end(input.number)


@diamond.step(retry=retry)
def left(split: Mark, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx, split=split) as run:
        with ctx.sync.transaction() as connection:
            connection.execute(WRITE, [ctx.task_id, ctx.step_no, run.id, ctx.attempt])
        pause_here(input.pause)
        if ctx.attempt <= input.failures:
            raise ConnectionError("it had written already")
        return run.end(split.value + 1)


@diamond.step(retry=retry)
async def right(split: Mark, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx, split=split) as run:
        await write(run)
        await anyio.sleep(input.pause + input.long)
        return run.end(split.value + 2)


@diamond.step(retry=retry)
async def join(left: Mark, right: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, left=left, right=right).end(left.value + right.value)


fan = workflow("fan")


@fan.batch(retry=retry)
def cut(input: Job, ctx: StepContext) -> list[int]:
    with begin(ctx) as run:
        run.end(0)
        return list(range(input.size))


@fan.batch_worker(retry=retry, parallelism=10)
async def effect(cut: int, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        await write(run)
        await anyio.sleep(input.pause)
        return run.end(cut)


@fan.convergence(retry=retry)
async def total(effect: list[Mark], ctx: StepContext) -> Mark:
    return begin(ctx, effect=effect).end(sum(mark.value for mark in effect))


decide = workflow("decide")


@decide.step(retry=retry)
async def quote(input: Job, ctx: StepContext) -> Mark:
    return begin(ctx).end(input.number)


@decide.decision(retry=retry)
async def route(quote: Mark, input: Job, ctx: StepContext) -> list[str]:
    with begin(ctx, quote=quote) as run:
        await anyio.sleep(input.pause)
        run.end(0)
        return input.branches


@decide.step(retry=retry, depends_on=["route"])
async def by_air(quote: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, quote=quote).end(quote.value + len("by_air"))


@decide.step(retry=retry, depends_on=["route"])
def by_rail(quote: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, quote=quote).end(quote.value + len("by_rail"))


@decide.step(retry=retry, depends_on=["route"])
async def by_road(quote: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, quote=quote).end(quote.value + len("by_road"))


@decide.convergence(retry=retry)
async def arrive(
    by_air: Mark | None, by_rail: Mark | None, by_road: Mark | None, ctx: StepContext
) -> Mark:
    with begin(ctx, by_air=by_air, by_rail=by_rail, by_road=by_road) as run:
        return run.end(sum(mark.value for mark in (by_air, by_rail, by_road) if mark is not None))


grow = workflow("grow", expansion=Bounds(max_steps=50, max_depth=20))


@grow.dynamic(retry=retry)
async def probe(value: int, input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        await anyio.sleep(input.pause)
        return run.end(value)


@grow.dynamic(retry=retry)
async def turn(place: int, input: Job, ctx: StepContext) -> Expansion[Mark]:
    with begin(ctx) as run:
        await anyio.sleep(input.pause)
        more = Expansion(run.end(place))
        if place + 1 < input.rounds:
            asked = [more.add(probe, value=value) for value in range(input.width)]
            more.add(turn, place=place + 1).after(*asked)
        else:
            for value in range(input.width):
                more.add(probe, value=value)
        return more


@grow.step(name="begin", retry=retry)
async def begin_growing(input: Job, ctx: StepContext) -> Expansion[Mark]:
    first = Expansion(begin(ctx).end(input.number))
    first.add(turn, place=0)
    return first


@grow.convergence(retry=retry)
async def close(turn: list[Mark], probe: list[Mark], ctx: StepContext) -> Mark:
    return begin(ctx, turn=turn, probe=probe).end(sum(mark.value for mark in [*turn, *probe]))


patient = workflow("patient")


@patient.step(retry=retry)
async def wait(input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        await once(run, "one", input.pause)
        await ctx.sleep(input.sleep)
        await once(run, "two")
        payload = await ctx.wait_event(EVENT)
        if ctx.attempt <= input.failures:
            raise RetryableError("after the event")
        await once(run, "three", input.pause)
        return run.end(payload["number"])


@patient.step(retry=retry)
async def after(wait: Mark, ctx: StepContext) -> Mark:
    return begin(ctx, wait=wait).end(wait.value + 1)


doomed = workflow("doomed")


@doomed.step(retry=retry)
async def first(input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, input.number, input.pause)


@doomed.step(retry=retry)
async def second(first: Mark, ctx: StepContext) -> Mark:
    with begin(ctx, first=first):
        raise PermanentError("as foretold")


@doomed.step(retry=retry)
async def third(second: Mark) -> Mark:
    return second


undone = workflow("undone", on_failure="compensate")


@undone.step(name="first", retry=retry)
async def do_first(input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, input.number, input.pause)


@undone.step(name="second", retry=retry)
async def do_second(first: Mark, input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, first.value + 1, input.pause, first=first)


@undone.step(name="third", retry=retry)
async def do_third(second: Mark, ctx: StepContext) -> None:
    with begin(ctx, second=second):
        raise PermanentError("it is all undone, as foretold")


@undone.compensation(do_first, retry=retry)
async def undo_first(first: Mark, input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, first.value, input.pause, first=first)


@undone.compensation(do_second, retry=retry)
async def undo_second(second: Mark, input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, second.value, input.pause, second=second)


family = workflow("family")


@family.step(retry=retry)
async def gather(input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        started: list[ChildTask] = []
        for place in range(input.children):
            given = Job(number=input.number + place, pause=input.pause)
            started.append(await ctx.start_task(chain, given, name=f"leaf {place}"))
            await anyio.sleep(input.pause)
        leaves: list[Mark] = [await ctx.wait_task(child, Mark) for child in started]
        return run.end(sum(leaf.value for leaf in leaves))


bounded = workflow("bounded", limits=[Limit(key="$.tenant", concurrency=3, unit="task")])


@bounded.step(retry=retry, limits=[Limit("doors", concurrency=4)])
async def enter(input: Job, ctx: StepContext) -> Mark:
    with begin(ctx) as run:
        await anyio.sleep(input.pause)
        return run.end(input.number)


@bounded.step(retry=retry)
async def leave(enter: Mark, input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, enter.value + 1, input.pause, enter=enter)


WORKFLOWS = (chain, diamond, fan, decide, grow, patient, doomed, undone, family, bounded)
