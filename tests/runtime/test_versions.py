"""Worker and clients, end to end, on each PostgreSQL that is supported."""

import psycopg
import pytest
from tests.runtime.support import AT_ONCE, PATIENCE, ask

from tasker import Client, StepContext, Submission, Worker, Workflow

pytestmark = pytest.mark.anyio

diamond = Workflow("diamond", namespace="shapes", input=int)


@diamond.step
async def split(input: int) -> int:
    return input


@diamond.step(retry=AT_ONCE)
def left(split: int, ctx: StepContext) -> int:
    if ctx.attempt == 1:
        raise OSError("once")
    return split + 1


@diamond.step(timeout="30s", total_timeout="1m")
async def right(split: int) -> int:
    return split + 2


@diamond.step
def join(left: int, right: int) -> int:
    return left * right


async def test_tasks_run_to_their_end(any_database: str) -> None:
    async with Worker(diamond, url=any_database), Client(any_database) as client:
        tasks = await client.submit_many(diamond, [Submission(number) for number in range(20)])
        results = [await task.result(timeout=PATIENCE) for task in tasks]
    assert results == [(number + 1) * (number + 2) for number in range(20)]
    async with await psycopg.AsyncConnection.connect(any_database) as db:
        query = (
            "select coalesce(json_agg(f), '[]') from tasker.task t, tasker.verify(t.task_id) as f"
        )
        assert await ask(db, query) == []
        assert await ask(db, "select count(*) from tasker.timer") == 0
