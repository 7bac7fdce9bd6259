"""What stops a handler: cancellation, a lost lease, a worker that stops. And what does not: a blocked event loop."""

import threading
import time
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.runtime.support import PATIENCE, arrive, ask, describe, run, until

from tasker import Client, StepContext, TaskCancelled, Worker, Workflow

pytestmark = pytest.mark.anyio

LEASE = "1s"


class Stage:
    """A workflow of one step whose first handler waits to be let go on, and which notes what became of it."""

    def __init__(self) -> None:
        self.flow = Workflow("stage", input=int)
        self.began: dict[int, anyio.Event] = {number: anyio.Event() for number in range(3)}
        self.opened, self.interrupted = anyio.Event(), anyio.Event()
        self.flow.step(self.work)

    async def work(self, input: int) -> int:
        self.began[input].set()
        try:
            await self.opened.wait()
        except BaseException:
            self.interrupted.set()
            raise
        return input


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_cancelling_a_task_interrupts_its_running_async_handler(
    database: str, client: Client, db: psycopg.AsyncConnection, stage: Stage
) -> None:
    async with Worker(stage.flow, url=database, lease=LEASE):
        task = await client.submit(stage.flow, 0)
        await arrive(stage.began[0])
        await task.cancel("not wanted", actor="Ada")
        with pytest.raises(TaskCancelled, match="not wanted"):
            await task.result(timeout=PATIENCE)
        await arrive(stage.interrupted)
    step = await describe(db, task, "work")
    assert (step["state"], step["result"]) == ("cancelled", None)


async def test_cancelling_a_task_tells_its_running_sync_handler(
    database: str, client: Client
) -> None:
    flow = Workflow("sync_stage")
    began, told = threading.Event(), threading.Event()

    @flow.step
    def work(ctx: StepContext) -> str:
        began.set()
        if ctx.cancellation.wait(PATIENCE):
            told.set()
        return "not used"

    async with Worker(flow, url=database, lease=LEASE):
        task = await client.submit(flow)
        assert await anyio.to_thread.run_sync(began.wait, PATIENCE)
        await task.cancel("not wanted")
        assert await anyio.to_thread.run_sync(told.wait, PATIENCE)
    [step] = await task.steps()
    assert (step["state"], step["result"]) == ("cancelled", None)


async def test_a_worker_that_lost_its_lease_interrupts_the_handler_and_commits_nothing(
    database: str, client: Client, db: psycopg.AsyncConnection, stage: Stage
) -> None:
    async with Worker(stage.flow, url=database, lease=LEASE):
        task = await client.submit(stage.flow, 0)
        await arrive(stage.began[0])
        # As an operator may: the step that runs is given a result by hand.
        await ask(db, "select tasker.complete_step(%s, 'work', '90', 'by hand', 'Ada')", task.id)
        await arrive(stage.interrupted)
        assert await task.result(timeout=PATIENCE) == 90
    assert (await describe(db, task, "work"))["result"] == 90


async def test_a_handler_that_blocks_the_event_loop_keeps_its_lease(
    database: str, client: Client
) -> None:
    flow = Workflow("blocking")
    claim = """select tasker.exchange(gen_random_uuid(), array(select queue_id from tasker.queue), '[]', 1, 60)
        -> 'granted'"""

    @flow.step
    async def work() -> object:
        time.sleep(2.5)  # two leases and a half, on the loop of the worker
        with psycopg.connect(database, autocommit=True) as another:
            row = another.execute(claim).fetchone()
            return row and row[0]

    async with Worker(flow, url=database, lease=LEASE):
        task = await client.submit(flow)
        assert await task.result(timeout=PATIENCE) is None, (
            "another worker would be granted nothing"
        )
    assert (await task.steps())[0]["attempt"] == 1


async def test_a_stopping_worker_ends_what_runs_and_takes_nothing_new(
    database: str, client: Client, stage: Stage
) -> None:
    worker = Worker(stage.flow, url=database)
    async with worker:
        first = await client.submit(stage.flow, 0)
        await arrive(stage.began[0])
        worker.stop()
        second = await client.submit(stage.flow, 1)
        other = Workflow("other", namespace="others")
        other.step(name="only")(lambda: None)
        async with Worker(other, url=database):
            await run(client, other)
        assert not stage.began[1].is_set()
        stage.opened.set()
        with anyio.fail_after(PATIENCE):
            await worker.stopped()
    assert await first.result(timeout=PATIENCE) == 0
    assert not stage.began[1].is_set()
    assert (await second.steps())[0]["state"] == "enqueued"


async def test_what_has_not_ended_within_the_grace_period_is_given_back_uncounted(
    database: str, client: Client, db: psycopg.AsyncConnection, stage: Stage
) -> None:
    async with Worker(stage.flow, url=database, grace="100ms"):
        task = await client.submit(stage.flow, 0)
        await arrive(stage.began[0])
    assert stage.interrupted.is_set()
    step = await describe(db, task, "work")
    assert (step["attempt"], step["attempts"]) == (0, [])

    stage.opened.set()
    async with Worker(stage.flow, url=database):
        assert await task.result(timeout=PATIENCE) == 0
    assert (await describe(db, task, "work"))["attempt"] == 1


async def test_a_worker_that_the_database_forgot_registers_again(
    database: str, db: psycopg.AsyncConnection, stage: Stage
) -> None:
    async with Worker(stage.flow, url=database, lease=LEASE, name="here"):
        await db.execute("delete from tasker.worker")
        await until(db, "select exists (select from tasker.worker where name = 'here')")


async def test_worker_and_client_go_on_when_their_connections_are_cut(
    database: str, client: Client, db: psycopg.AsyncConnection, stage: Stage
) -> None:
    cut = """select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()"""
    async with Worker(stage.flow, url=database, lease=LEASE):
        first = await client.submit(stage.flow, 0)
        second = await client.submit(stage.flow, 1)
        await arrive(stage.began[0])
        await arrive(stage.began[1])
        assert await ask(db, cut) >= 3
        stage.opened.set()
        assert await first.result(timeout=PATIENCE) == 0
        assert await second.result(timeout=PATIENCE) == 1
        assert await run(client, stage.flow, 2) == 2


async def test_a_handler_that_swallows_its_cancellation_is_left_behind(
    database: str, client: Client, db: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    flow = Workflow("stubborn")
    began, opened, swallowed = anyio.Event(), anyio.Event(), anyio.Event()

    @flow.step
    async def work() -> str:
        began.set()
        while not opened.is_set():
            try:
                await opened.wait()
            except BaseException:
                swallowed.set()
        return "too late"

    worker = Worker(flow, url=database, grace="50ms")
    with anyio.fail_after(PATIENCE):
        async with worker:
            task = await client.submit(flow)
            await arrive(began)
    assert worker.left_behind == (f"work of task {task.id}",)
    assert f"left behind, because it does not end: work of task {task.id}" in caplog.text
    step = await describe(db, task, "work")
    assert (step["state"], step["attempt"], step["attempts"]) == ("waiting_for_retry", 0, [])
    opened.set()
    with anyio.fail_after(PATIENCE):
        while worker.left_behind:
            await anyio.sleep(0)


async def test_so_is_a_thread(database: str, client: Client) -> None:
    flow = Workflow("deaf")
    began, opened = threading.Event(), threading.Event()

    @flow.step
    def work() -> None:
        began.set()
        opened.wait(PATIENCE)

    worker = Worker(flow, url=database, grace="50ms")
    with anyio.fail_after(PATIENCE):
        async with worker:
            task = await client.submit(flow)
            assert await anyio.to_thread.run_sync(began.wait, PATIENCE)
    assert worker.left_behind == (f"work of task {task.id}",)
    opened.set()


async def test_a_worker_whose_privilege_is_taken_goes_on_when_it_is_given_back(
    database: str, client: Client, db: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    login = f"poor_{uuid4().hex[:8]}"
    exchange = "function tasker.exchange(uuid, integer[], jsonb, integer, double precision)"
    await db.execute(f"create role {login} login in role tasker_worker".encode())
    try:
        flow = Workflow("modest")
        flow.step(name="work")(lambda: "done")
        async with Worker(flow, url=make_conninfo(database, user=login)):
            await db.execute(f"revoke execute on {exchange} from tasker_worker".encode())
            task = await client.submit(flow)
            with anyio.fail_after(PATIENCE):
                while "the database refuses this worker" not in caplog.text:
                    await anyio.sleep(0.02)
            await db.execute(f"grant execute on {exchange} to tasker_worker".encode())
            assert await task.result(timeout=PATIENCE) == "done"
    finally:
        await db.execute(f"drop role {login}".encode())
