"""Templates whose steps go through Python, Ruby and TypeScript, and their steps in Python; the others are in children/.

The steps that bridge children run are on a queue of their own: not every worker has children. They do not write with
`ctx.transaction()`, which is for Python only. Touches what marks touch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chaos.marks import Job, Mark, begin, written
from tests.chaos.programs import NAMESPACE, retry

from tasker import StepContext, handler
from tasker.template import StepDefinition, Template

QUEUE = "abroad"
FILES = tuple(
    str(Path(__file__).parent / "children" / name) for name in ("handlers.rb", "handlers.ts")
)
LANGUAGES = ("ruby", "typescript")


@handler("py_open")
async def py_open(input: Job, ctx: StepContext) -> Mark:
    return begin(ctx).end(input.number)


@handler("py_meet")
async def py_meet(left: Mark, right: Mark, input: Job, ctx: StepContext) -> Mark:
    value = left.value + right.value
    return await written(ctx, value, input.pause, left=left, right=right)


@handler("py_deal")
async def py_deal(input: Job, ctx: StepContext) -> list[int]:
    with begin(ctx) as run:
        run.end(0)
        return list(range(input.size))


@handler("py_close")
async def py_close(gather: Mark, input: Job, ctx: StepContext) -> Mark:
    return await written(ctx, gather.value + 1, input.pause, gather=gather)


def step(name: str, handler: str, *depends_on: str, **more: Any) -> StepDefinition:
    """A step of the children, unless its handler is in Python."""
    queue = None if handler.startswith("py_") else QUEUE
    return StepDefinition(name, handler, depends_on=depends_on, queue=queue, retry=retry, **more)


def template(name: str, *steps: StepDefinition) -> Template:
    return Template(NAMESPACE, name, "1", steps, input_schema=Job.model_json_schema())


TEMPLATES = (
    template(
        "trio",
        step("open", "py_open"),
        step("left", "rb_left", "open"),
        step("right", "ts_right", "open"),
        step("meet", "py_meet", "left", "right"),
    ),
    template(
        "spread",
        step("deal", "py_deal", kind="batchable"),
        step("carry", "rb_carry", "deal", kind="batch_worker"),
        step("tally", "ts_tally", "carry", kind="deferred_convergence"),
    ),
    template(
        "afar",
        step("wait", "ts_wait"),
        step("gather", "rb_gather", "wait"),
        step("close", "py_close", "gather"),
    ),
)
HANDLERS = (py_open, py_meet, py_deal, py_close)
