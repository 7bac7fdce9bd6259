"""The workflow of the recovery study: its step hangs in the first attempt, ends at once in the next. Touches a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import anyio

from tasker import StepContext, Workflow

holding = Workflow("holding", namespace="tasker_bench", input=str)


@holding.step
async def hold(input: str, ctx: StepContext) -> None:
    """Write down who runs this attempt, and when it began, in the file that the input names."""
    with Path(input).open("a") as file:
        file.write(f"{ctx.attempt} {os.getpid()} {time.time()}\n")
    if ctx.attempt == 1:
        await anyio.sleep_forever()
