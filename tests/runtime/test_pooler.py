"""Worker and clients through a PgBouncer in transaction mode: nothing may belong to a session."""

from contextlib import AsyncExitStack

import anyio
import psycopg
import pytest
from tests.runtime.support import AT_ONCE, PATIENCE, ask
from tests.runtime.test_versions import diamond

from tasker import Client, StepContext, Submission, SyncClient, Worker, Workflow
from tasker.database import find_database

pytestmark = pytest.mark.anyio

POOL_SIZE = 5  # as the fixture configures it

LEFT_BEHIND = """select array(select pg_listening_channels()) || array(select name from pg_prepared_statements)"""


async def left_behind(url: str) -> list[str]:
    """What all sessions that the pooler has with the server listen to and have prepared."""
    found: list[str] = []
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):  # each in a transaction, so that each has a session of its own
            connecting = psycopg.AsyncConnection.connect(url, prepare_threshold=None)
            found += await ask(await stack.enter_async_context(await connecting), LEFT_BEHIND)
    return found


async def test_the_pooler_is_found_out(pgbouncer: str, database: str) -> None:
    assert find_database(pgbouncer).pooled
    assert not find_database(database).pooled


async def test_tasks_run_to_their_end_and_leave_nothing_in_the_servers_sessions(
    pgbouncer: str,
) -> None:
    async with Worker(diamond, url=pgbouncer), Client(pgbouncer) as client:
        tasks = await client.submit_many(diamond, [Submission(number) for number in range(20)])
        results = [await task.result(timeout=PATIENCE) for task in tasks]
        assert await left_behind(pgbouncer) == []
    assert results == [(number + 1) * (number + 2) for number in range(20)]


async def test_a_sync_client_works_as_well(pgbouncer: str) -> None:
    def run() -> int:
        with SyncClient(pgbouncer) as client:
            return client.submit(diamond, 3).result(int, timeout=PATIENCE)

    async with Worker(diamond, url=pgbouncer):
        assert await anyio.to_thread.run_sync(run) == 20


async def test_a_task_in_the_callers_transaction_exists_when_that_commits(
    pgbouncer: str, db: psycopg.AsyncConnection
) -> None:
    async with (
        Worker(diamond, url=pgbouncer),
        Client(pgbouncer) as client,
        await psycopg.AsyncConnection.connect(pgbouncer, prepare_threshold=None) as mine,
    ):
        task = await client.submit(diamond, 3, connection=mine)
        assert await ask(db, "select count(*) from tasker.task") == 0
        await mine.commit()
        assert await task.result(timeout=PATIENCE) == 20


async def test_leases_are_kept_through_the_pooler(pgbouncer: str) -> None:
    flow = Workflow("long")

    @flow.step(retry=AT_ONCE)
    async def work(ctx: StepContext) -> int:
        await anyio.sleep(2.5)  # two leases and a half
        return ctx.attempt

    async with Worker(flow, url=pgbouncer, lease="1s"), Client(pgbouncer) as client:
        task = await client.submit(flow)
        assert await task.result(timeout=PATIENCE) == 1
