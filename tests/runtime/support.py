"""What several tests of the runtime need. Touches the database it is given."""

from typing import Any

import anyio
import psycopg

from tasker import Client, Retry, TaskFailed, TaskHandle, Workflow
from tasker.errors import StepFailure

AT_ONCE = Retry(max_attempts=3, backoff="none", jitter=0)
ONCE = Retry(max_attempts=1)
PATIENCE = 30.0  # seconds; only a test that fails waits that long


async def run(client: Client, template: str | Workflow, input: Any = None) -> Any:
    """Submit a task and wait for its result."""
    task = await client.submit(template, input)
    return await task.result(timeout=PATIENCE)


async def failure(task: TaskHandle) -> StepFailure:
    """What the one failed step of a task failed with."""
    try:
        result = await task.result(timeout=PATIENCE)
    except TaskFailed as failed:
        [error] = failed.errors
        return error
    raise AssertionError(f"the task did not fail; its result is {result!r}")


async def attempts(db: psycopg.AsyncConnection, task: TaskHandle, step: str) -> list[str]:
    """The outcomes of the attempts of a step that are over and were not the successful one."""
    return [one["outcome"] for one in (await describe(db, task, step))["attempts"]]


async def describe(db: psycopg.AsyncConnection, task: TaskHandle, step: str) -> dict[str, Any]:
    return await ask(db, "select tasker.get_step(%s, %s)", task.id, step)


async def ask(db: psycopg.AsyncConnection, query: str, *values: object) -> Any:
    """The first column of a query's first row."""
    row = await (await db.execute(query.encode(), values)).fetchone()
    return row[0] if row else None


async def arrive(event: anyio.Event) -> None:
    """Wait for a handler's sign, but not for ever."""
    with anyio.fail_after(PATIENCE):
        await event.wait()


async def until(db: psycopg.AsyncConnection, query: str, *values: object) -> None:
    """Wait until a query's answer is true: for what the database gives no sign of."""
    with anyio.fail_after(PATIENCE):
        while not await ask(db, query, *values):
            await anyio.sleep(0.02)


async def make_due(db: psycopg.AsyncConnection) -> None:
    """Let every timer be due now."""
    await db.execute("update tasker.timer set fire_at = now() - interval '1 second'")
