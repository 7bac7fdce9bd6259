"""What a handler knows of the attempt that it is, and what it can say about it."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import anyio
import psycopg
import pytest
from tests.runtime.support import AT_ONCE, PATIENCE, ask, until

from tasker import Client, StepContext, Worker, Workflow

pytestmark = pytest.mark.anyio


async def test_the_context_says_which_attempt_of_what_it_is(database: str, client: Client) -> None:
    seen: list[StepContext] = []
    flow = Workflow("told", namespace="ctx", version="7", input=int)

    @flow.step
    async def first(input: int) -> int:
        return input + 1

    @flow.step(config={"shelf": "B7"}, retry=AT_ONCE, timeout="1m")
    async def second(first: int, ctx: StepContext) -> None:
        seen.append(ctx)
        if ctx.attempt == 1:
            raise OSError("once")

    correlation_id = uuid4()
    async with Worker(flow, url=database):
        task = await client.submit(
            flow, 1, correlation_id=correlation_id, tags=["a", "b"], context={"tenant": 5}
        )
        await task.result(timeout=PATIENCE)

    one, two = seen
    assert (one.task_id, one.namespace, one.template, one.version) == (task.id, "ctx", "told", "7")
    assert (one.step_name, one.step_no) == ("second", 2)
    assert (one.attempt, two.attempt, one.max_attempts) == (1, 2, 3)
    assert one.idempotency_key == two.idempotency_key == f"{task.id}:2"
    assert one.config == {"shelf": "B7"}
    assert (one.task_input, one.task_context, one.results) == (1, {"tenant": 5}, {"first": 2})
    assert (one.correlation_id, one.tags) == (correlation_id, ("a", "b"))
    assert not one.cancelled


async def test_the_deadline_is_the_attempts_time_limit_from_its_start(
    database: str, client: Client
) -> None:
    flow = Workflow("limited")

    @flow.step(timeout="1h")
    async def limited(ctx: StepContext) -> tuple[datetime | None, float | None]:
        return ctx.deadline, ctx.remaining()

    @flow.step(depends_on=["limited"])
    async def unlimited(ctx: StepContext) -> tuple[datetime | None, float | None]:
        return ctx.deadline, ctx.remaining()

    async with Worker(flow, url=database):
        task = await client.submit(flow)
        assert await task.result(timeout=PATIENCE) == (None, None)
    deadline, remaining = (await task.steps())[0]["result"]
    late = datetime.now(UTC) + timedelta(hours=1) - datetime.fromisoformat(deadline)
    assert abs(late) < timedelta(minutes=2)
    assert 3480 < remaining <= 3600


async def test_progress_goes_with_the_next_heartbeat(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("long")
    opened = anyio.Event()

    @flow.step
    async def work(ctx: StepContext) -> None:
        ctx.progress(3, 10, "mugs")
        await opened.wait()

    async with Worker(flow, url=database, lease="1s"):
        task = await client.submit(flow)
        await until(db, "select progress is not null from tasker.step")
        assert await ask(db, "select progress from tasker.step") == {
            "done": 3, "total": 10, "note": "mugs",
        }  # fmt: skip
        opened.set()
        await task.result(timeout=PATIENCE)


async def test_what_a_handler_logs_carries_the_task_and_the_step(
    database: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tasker.handler")
    flow = Workflow("logging", namespace="ctx")

    @flow.step
    def work(ctx: StepContext) -> None:
        ctx.logger.info("packing %s", "mugs")

    async with Worker(flow, url=database):
        task = await client.submit(flow)
        await task.result(timeout=PATIENCE)
    [record] = [one for one in caplog.records if one.name == "tasker.handler"]
    said = vars(record)
    assert record.getMessage() == "packing mugs"
    assert (said["task_id"], said["template"]) == (str(task.id), "ctx/logging")
    assert (said["step"], said["attempt"]) == ("work", 1)
