"""The workflow whose tasks sleep while an idle system is measured: what a worker of the benchmark serves. Pure."""

from __future__ import annotations

from tasker.bench.workflows import NAMESPACE
from tasker.context import StepContext
from tasker.workflow import Workflow

__all__ = ["sleeper"]

sleeper = Workflow("sleeper", namespace=NAMESPACE, version="1")


@sleeper.step
async def sleep(ctx: StepContext) -> None:
    """Sleep for longer than anybody measures."""
    await ctx.sleep("365d")
