"""`ctx.transaction()`: what a handler writes in the same database commits with its step's completion, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from tests.runtime.support import AT_ONCE, ONCE, PATIENCE, ask, failure, until

from tasker import Client, PermanentError, RetryableError, StepContext, Worker, Workflow

INSERT = "insert into public.effect values (%s, %s)"


@pytest.fixture(autouse=True)
def effects(database: str) -> Iterator[psycopg.Connection]:
    """A table of the user's own."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table public.effect (step text, attempt integer)")
        yield connection


def seen(effects: psycopg.Connection) -> list[tuple[str, int]]:
    return [
        (step, attempt)
        for step, attempt in effects.execute(
            "select step, attempt from public.effect order by 1, 2"
        )
    ]


@pytest.mark.anyio
async def test_writes_take_effect_once_however_often_a_handler_runs(
    database: str, client: Client, effects: psycopg.Connection
) -> None:
    workflow = Workflow("once")

    @workflow.step(retry=AT_ONCE)
    async def first(ctx: StepContext) -> str:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["first", ctx.attempt])
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["first again", ctx.attempt])
        assert seen(effects) == [], "nothing is seen before the step is complete"
        if ctx.attempt == 1:
            raise RetryableError("after it has written")
        return "done"

    @workflow.step(retry=AT_ONCE)
    def second(first: str, ctx: StepContext) -> str:
        assert seen(effects) == [("first", 2), ("first again", 2)]
        with ctx.sync.transaction() as connection:
            connection.execute(INSERT, ["second", ctx.attempt])
        if ctx.attempt == 1:
            raise RetryableError("after it has written")
        return first

    async with Worker(workflow, url=database):
        task = await client.submit(workflow)
        assert await task.result(timeout=PATIENCE) == "done"
    assert seen(effects) == [("first", 2), ("first again", 2), ("second", 2)]


@pytest.mark.anyio
async def test_a_block_that_raises_undoes_itself_alone(
    database: str, client: Client, effects: psycopg.Connection
) -> None:
    workflow = Workflow("savepoint")

    @workflow.step
    async def only(ctx: StepContext) -> None:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["kept", 1])
        with pytest.raises(psycopg.errors.UndefinedTable):
            async with ctx.transaction() as connection:
                await connection.execute(INSERT, ["undone", 1])
                await connection.execute("select * from public.nothing")

    async with Worker(workflow, url=database):
        await (await client.submit(workflow)).result(timeout=PATIENCE)
    assert seen(effects) == [("kept", 1)]


@pytest.mark.anyio
async def test_what_was_written_before_a_wait_is_undone_and_written_again(
    database: str, client: Client, db: psycopg.AsyncConnection, effects: psycopg.Connection
) -> None:
    workflow = Workflow("waits")
    runs: list[int] = []

    @workflow.step
    async def only(ctx: StepContext) -> str:
        async with ctx.transaction() as connection:
            runs.append(len(runs))
            await connection.execute(INSERT, ["only", len(runs)])
        return await ctx.wait_event("go")

    async with Worker(workflow, url=database):
        task = await client.submit(workflow)
        await until(db, "select state = 'waiting' from tasker.step")
        assert seen(effects) == []
        await task.send_event("go", "went")
        assert await task.result(timeout=PATIENCE) == "went"
    assert seen(effects) == [("only", 2)]


@pytest.mark.anyio
async def test_a_result_that_is_refused_undoes_what_was_written(
    database: str, client: Client, effects: psycopg.Connection
) -> None:
    workflow = Workflow("refused")

    @workflow.decision
    async def pick(ctx: StepContext) -> str:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["pick", 1])
        return "nowhere"

    @workflow.step(depends_on=["pick"])
    def somewhere() -> None: ...

    async with Worker(workflow, url=database):
        error = await failure(await client.submit(workflow))
    assert error.type == "GrowthRefused"
    assert seen(effects) == []


@pytest.mark.anyio
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_lease_that_was_lost_undoes_what_was_written(
    database: str, client: Client, effects: psycopg.Connection, is_async: bool
) -> None:
    """While the handler runs, an operator gives its step a result: the handler's own is stale."""
    workflow = Workflow("stale")

    def give_result(ctx: StepContext) -> None:
        effects.execute(
            "select tasker.complete_step(%s, %s, '7', 'because', 'ann')",
            [ctx.task_id, ctx.step_name],
        )

    @workflow.step(name="only")
    async def awaited(ctx: StepContext) -> int:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["only", 1])
        give_result(ctx)
        return 1

    other = Workflow("stale_sync")

    @other.step(name="only")
    def threaded(ctx: StepContext) -> int:
        with ctx.sync.transaction() as connection:
            connection.execute(INSERT, ["only", 1])
        give_result(ctx)
        return 1

    chosen = workflow if is_async else other
    async with Worker(chosen, url=database):
        task = await client.submit(chosen)
        assert await task.result(timeout=PATIENCE) == 7
    assert seen(effects) == []


@pytest.mark.anyio
async def test_a_handler_that_is_too_late_undoes_what_it_wrote(
    database: str, client: Client, effects: psycopg.Connection
) -> None:
    workflow = Workflow("late")
    go_on = threading.Event()

    @workflow.step(timeout="300ms", retry=AT_ONCE)
    async def awaited(ctx: StepContext) -> None:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["awaited", ctx.attempt])
            if ctx.attempt == 1:
                await connection.execute("select pg_sleep(60)")

    @workflow.step(timeout="300ms", retry=AT_ONCE, depends_on=["awaited"])
    def threaded(ctx: StepContext) -> None:
        with ctx.sync.transaction() as connection:
            connection.execute(INSERT, ["threaded", ctx.attempt])
            if ctx.attempt == 1:
                connection.execute("select pg_sleep(60)")

    @workflow.step(timeout="300ms", retry=AT_ONCE, depends_on=["threaded"])
    def idle(ctx: StepContext) -> None:
        with ctx.sync.transaction() as connection:
            connection.execute(INSERT, ["idle", ctx.attempt])
        if ctx.attempt == 1:
            go_on.wait(PATIENCE)

    async with Worker(workflow, url=database):
        await (await client.submit(workflow)).result(timeout=PATIENCE)
        go_on.set()
    assert seen(effects) == [("awaited", 2), ("idle", 2), ("threaded", 2)]


@pytest.mark.anyio
@pytest.mark.parametrize("is_async", [True, False])
async def test_connections_that_broke_meanwhile_cost_no_attempt(
    database: str, client: Client, effects: psycopg.Connection, is_async: bool
) -> None:
    """As when PostgreSQL was started again: none of those that were kept is alive."""
    workflow = Workflow("broken", input=int)
    many = threading.Barrier(3)

    @workflow.step(name="only", retry=ONCE)
    async def awaited(ctx: StepContext, input: int) -> None:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["only", input])
            await connection.execute("select pg_sleep(0.3)")  # so that each needs one of its own

    other = Workflow("broken_sync", input=int)

    @other.step(name="only", retry=ONCE)
    def threaded(ctx: StepContext, input: int) -> None:
        with ctx.sync.transaction() as connection:
            connection.execute(INSERT, ["only", input])
            if input:
                many.wait(PATIENCE)

    chosen = workflow if is_async else other
    async with Worker(chosen, url=database):
        tasks = [await client.submit(chosen, n) for n in (1, 2, 3)]
        for task in tasks:
            await task.result(timeout=PATIENCE)
        effects.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and query in ('COMMIT', '')"
        )
        task = await client.submit(chosen, 0)
        await task.result(timeout=PATIENCE)
    assert len(seen(effects)) == 4


@pytest.mark.anyio
async def test_who_finds_no_connection_free_waits_for_one(
    database: str, client: Client, effects: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasker.transactions._MOST", 1)
    monkeypatch.setattr("tasker.transactions._ANSWER", 0.2)
    workflow = Workflow("waits_for_one", input=int)

    @workflow.step(retry=ONCE)
    async def only(ctx: StepContext, input: int) -> None:
        async with ctx.transaction() as connection:
            await connection.execute(INSERT, ["only", input])
            await connection.execute("select pg_sleep(0.3)")

    async with Worker(workflow, url=database):
        tasks = [await client.submit(workflow, n) for n in range(4)]
        for task in tasks:
            await task.result(timeout=PATIENCE)
    assert len(seen(effects)) == 4


@pytest.mark.anyio
async def test_the_next_steps_time_begins_when_the_transaction_ends(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    """Though time stands still in a transaction."""
    workflow = Workflow("times")

    @workflow.step
    async def slow(ctx: StepContext) -> None:
        async with ctx.transaction() as connection:
            await connection.execute("select pg_sleep(0.5)")

    @workflow.step(depends_on=["slow"], total_timeout="1h", queue="nobody")
    def after() -> None: ...

    async with Worker(workflow, url=database, queues=["default"]):
        await client.submit(workflow)
        await until(db, "select state = 'complete' from tasker.step where step_no = 1")
    late = """select extract(epoch from t.fire_at - s.completed_at) between 3599.9 and 3600.1
        from tasker.timer t join tasker.step s using (task_id) where s.step_no = 1 and t.kind = 'step_time_limit'"""
    assert await ask(db, late)
    assert await ask(
        db, "select completed_at - started_at > interval '0.5 s' from tasker.step where step_no = 1"
    )


@pytest.mark.anyio
async def test_outside_a_worker_there_is_none() -> None:
    context = StepContext(task_id=uuid4(), namespace="n", template="t", version="1", step_name="s")
    with pytest.raises(PermanentError, match="a transaction needs a worker"):
        async with context.transaction():
            pass
    with (
        pytest.raises(PermanentError, match="a transaction needs a worker"),
        context.sync.transaction(),
    ):
        pass
