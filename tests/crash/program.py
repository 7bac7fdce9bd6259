"""What the crash tests run in processes of their own: a workflow whose handlers write down what they did."""

import os
import sys
import time

import anyio
import psycopg
from pydantic import BaseModel

from tasker import ChildTask, PermanentError, Retry, StepContext, Worker, Workflow

LEASE = "2s"
STEPS = 4
CHILDREN = 3


class Job(BaseModel):
    number: int


work = Workflow("crash_work", namespace="crash", version="1", input=Job)
retry = Retry(max_attempts=20, backoff="fixed", base="50ms", cap="50ms")


def write_down(ctx: StepContext) -> None:
    """One line per run of a handler, in one write, so that a kill cannot tear it."""
    line = f"{ctx.task_id} {ctx.step_no} {ctx.attempt} {ctx.idempotency_key} {os.getpid()}\n"
    ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, line.encode())
    os.close(ledger)


@work.step(retry=retry)
async def split(input: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    await anyio.sleep(0.01)
    return input


@work.step(retry=retry)
def left(split: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    time.sleep(0.02)
    return split


@work.step(retry=retry)
async def right(split: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    await anyio.sleep(0.02)
    return split


@work.step(retry=retry)
async def join(left: Job, right: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    return Job(number=left.number + right.number)


undone = Workflow(
    "crash_undone", namespace="crash", version="1", input=Job, on_failure="compensate"
)


@undone.step(retry=retry)
def first(input: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    return input


@undone.step(retry=retry)
async def second(first: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    return first


@undone.step(retry=retry)
async def third(second: Job) -> None:
    raise PermanentError("it is all undone")


async def undo(ctx: StepContext) -> None:
    write_down(ctx)
    await anyio.sleep(0.02)


for step in (first, second):
    undone.compensation(step, retry=retry)(undo)


wide = Workflow("crash_wide", namespace="crash", version="1", input=Job)


@wide.batch
def cut(input: Job) -> list[int]:
    return list(range(input.number))


@wide.batch_worker(retry=retry)
async def effect(cut: int, ctx: StepContext) -> int:
    async with ctx.transaction() as connection:
        await connection.execute("insert into public.effect values (%s)", [cut])
    return cut


@wide.convergence
def total(effect: list[int]) -> int:
    return sum(effect)


leaf = Workflow("crash_leaf", namespace="crash", version="1", input=Job)


@leaf.step(retry=retry)
async def grow(input: Job, ctx: StepContext) -> Job:
    write_down(ctx)
    await anyio.sleep(0.01)
    return input


family = Workflow("crash_family", namespace="crash", version="1", input=Job)


@family.step(retry=retry)
async def gather(input: Job, ctx: StepContext) -> Job:
    children: list[ChildTask] = []
    for n in range(CHILDREN):
        children.append(await ctx.start_task(leaf, input, name=f"leaf-{n}"))
        await anyio.sleep(0.02)
    leaves = [await ctx.wait_task(child, Job) for child in children]
    return Job(number=sum(each.number for each in leaves))


def serve(url: str) -> None:
    async def run() -> None:
        worker = Worker(
            work,
            undone,
            wide,
            leaf,
            family,
            url=url,
            slots=10,
            lease=LEASE,
            name=f"crash:{os.getpid()}",
        )
        await worker.run()

    anyio.run(run)


def submit(url: str, count: int, template: str) -> None:
    """Submit tasks of a template through SQL under idempotency keys, again and again until each is accepted."""
    number = 0
    while number < count:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                while number < count:
                    connection.execute(
                        "select tasker.submit_task('crash', %s, jsonb_build_object('number', %s::int),"
                        " idempotency_key => %s, on_conflict => 'return_existing')",
                        [template, number, f"job-{number}"],
                    )
                    number += 1
        except psycopg.OperationalError:
            time.sleep(0.1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", url]:
            serve(url)
        case ["submit", url, count, template]:
            submit(url, int(count), template)
        case other:
            raise SystemExit(f"unknown: {other}")
