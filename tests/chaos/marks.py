"""What handlers write down of their runs, and what they write with `ctx.transaction()`.

Touches the ledger, and the table `public.effect`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import anyio
from pydantic import BaseModel
from tests.chaos.ledger import write_down

from tasker import StepContext

WRITE = "insert into public.effect (task_id, step_no, run, attempt) values (%s, %s, %s, %s)"


class Job(BaseModel):
    """A task's input: a script's."""

    number: int
    pause: float = 0
    long: float = 0
    failures: int = 0
    size: int = 0
    branches: list[str] = []
    rounds: int = 0
    width: int = 0
    sleep: float = 0
    children: int = 0
    tenant: str = ""


class Mark(BaseModel):
    """A step's result: its value, and the run that it is from."""

    value: int
    run: str


@dataclass(frozen=True)
class Run:
    """One run of a handler."""

    ctx: StepContext
    id: str

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write down that it was left: by an error, a wait or an interruption."""
        if kind is not None:
            write_down("left", run=self.id, by=kind.__name__)

    def end(self, value: int) -> Mark:
        write_down("end", run=self.id)
        return Mark(value=value, run=self.id)


def begin(ctx: StepContext, **saw: Mark | Sequence[Mark] | None) -> Run:
    """Write down that a run begins, and the runs that its parents' results are from."""
    run = Run(ctx, f"{os.getpid()}-{uuid4().hex[:12]}")
    seen = {
        name: [m.run for m in ([marks] if isinstance(marks, Mark) else marks)]
        for name, marks in saw.items()
        if marks is not None
    }
    write_down(
        "run", run=run.id, task=str(ctx.task_id), no=ctx.step_no, step=ctx.step_name,
        attempt=ctx.attempt, key=ctx.idempotency_key, saw=seen,
    )  # fmt: skip
    return run


async def write(run: Run) -> None:
    """The effect of a step, in the transaction that completes it."""
    ctx = run.ctx
    async with ctx.transaction() as connection:
        await connection.execute(WRITE, [ctx.task_id, ctx.step_no, run.id, ctx.attempt])


def pause_here(seconds: float) -> None:
    """Wait in a thread. Not time.sleep, which fails under libfaketime 0.9.10 where the clock is moved."""
    threading.Event().wait(seconds)


async def once(run: Run, name: str, pause: float = 0) -> str:
    """Something that is done once: its result is saved, and the same for whoever comes after."""

    async def call() -> str:
        made = f"{run.id}:{name}"
        await anyio.sleep(pause)
        return made

    saved = await run.ctx.run(name, call)
    write_down("passed", run=run.id, name=name, saved=saved)
    return saved


async def written(ctx: StepContext, value: int, pause: float, **saw: Mark) -> Mark:
    """A run that writes, and takes its time before it ends."""
    with begin(ctx, **saw) as run:
        await write(run)
        await anyio.sleep(pause)
        return run.end(value)
