"""A client: what it submits, what it waits for, and what it refuses."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import BaseModel
from tests.fix_postgres import Server
from tests.runtime.support import PATIENCE, arrive, ask, make_due, run

from tasker import (
    Client,
    ConflictError,
    ContractError,
    DatabaseUnavailable,
    InvalidInputError,
    InvalidStateError,
    NotAllowedError,
    NotFoundError,
    NotInstalledError,
    StepContext,
    Submission,
    TaskCancelled,
    Worker,
    Workflow,
)

pytestmark = pytest.mark.anyio


class Order(BaseModel):
    items: list[str]


class Cart(BaseModel):
    count: int


shop = Workflow("cart", namespace="shop", input=Order)


@shop.step
async def count(input: Order) -> Cart:
    return Cart(count=len(input.items))


ORDER = Order(items=["mug"])
TASKS = "select count(*) from tasker.task"


@pytest.fixture
async def ready(client: Client) -> Client:
    """A client of a database in which the workflow is registered."""
    await client.register(shop)
    return client


async def test_a_result_is_of_the_type_that_the_last_step_returns(
    database: str, ready: Client
) -> None:
    async with Worker(shop, url=database):
        assert await run(ready, shop, ORDER) == Cart(count=1)
        assert await run(ready, "shop/cart", {"items": []}) == Cart(count=0)
        task = await ready.submit(shop, ORDER)
        assert await task.result(dict, timeout=PATIENCE) == {"count": 1}


async def test_a_client_that_does_not_know_the_workflow_gets_json(
    database: str, ready: Client
) -> None:
    async with Worker(shop, url=database), Client(database) as other:
        task = await other.submit("shop/cart", ORDER)
        assert await task.result(timeout=PATIENCE) == {"count": 1}
        assert await ready.handle(str(task.id)).result(Cart, timeout=PATIENCE) == Cart(count=1)


async def test_a_workflow_that_ends_in_several_steps_gives_their_results_by_name(
    database: str, client: Client
) -> None:
    fork = Workflow("fork")
    fork.step(name="left")(lambda: 1)
    fork.step(name="right")(lambda: 2)
    async with Worker(fork, url=database):
        assert await run(client, fork) == {"left": 1, "right": 2}


async def test_watch_gives_each_change_until_the_end(database: str, client: Client) -> None:
    held = Workflow("held")
    opened = anyio.Event()

    @held.step
    async def wait() -> None:
        await opened.wait()

    seen: list[str] = []
    async with Worker(held, url=database):
        task = await client.submit(held)
        with anyio.fail_after(PATIENCE):
            async for status in task.watch():
                seen.append(status["state"])
                opened.set()
    assert (seen[0], seen[-1]) == ("in_progress", "complete")


async def test_status_and_steps_describe_the_task(ready: Client) -> None:
    task = await ready.submit(shop, ORDER)
    status = await task.status()
    assert (status["state"], status["input"]) == ("in_progress", {"items": ["mug"]})
    assert [(step["name"], step["state"]) for step in await task.steps()] == [("count", "enqueued")]


async def test_a_cancelled_task_stays_cancelled(ready: Client) -> None:
    task = await ready.submit(shop, ORDER)
    assert (await task.cancel("not wanted"))["state"] == "cancelled"
    with pytest.raises(TaskCancelled) as cancelled:
        await task.result(timeout=PATIENCE)
    assert (cancelled.value.task_id, cancelled.value.reason) == (task.id, "not wanted")
    with pytest.raises(InvalidStateError, match="cancelled"):
        await task.cancel("once more")


async def test_a_paused_task_goes_on_when_it_is_resumed(database: str, client: Client) -> None:
    reached, go_on = anyio.Event(), anyio.Event()
    line = Workflow("line", namespace="paused")

    @line.step
    async def first() -> int:
        reached.set()
        await go_on.wait()
        return 1

    @line.step
    def second(first: int) -> int:
        return first + 1

    async with Worker(line, url=database):
        task = await client.submit(line)
        await arrive(reached)
        assert (await task.pause("the printer is broken", actor="ann"))["state"] == "paused"
        with pytest.raises(InvalidStateError, match="paused already"):
            await task.pause("again")
        go_on.set()
        async for status in task.watch():
            if status["steps"]["complete"] == 1:
                break
        states = {step["name"]: step["state"] for step in await task.steps()}
        assert (status["state"], states) == ("paused", {"first": "complete", "second": "pending"})
        assert (await task.resume("it prints"))["steps"] == 1
        assert await task.result(timeout=PATIENCE) == 2


async def test_waiting_ends_with_the_timeout_and_the_task_goes_on(
    database: str, ready: Client
) -> None:
    task = await ready.submit(shop, ORDER)
    with pytest.raises(TimeoutError):
        await task.result(timeout=0.2)
    async with Worker(shop, url=database):
        assert await task.result(timeout=PATIENCE) == Cart(count=1)


async def test_what_is_submitted_with_a_task_is_stored_with_it(ready: Client) -> None:
    correlation_id = uuid4()
    task = await ready.submit(
        shop, ORDER, priority="high", correlation_id=correlation_id, tags=["a", "b"],
        idempotency_key="key", context={"tenant": 5},
    )  # fmt: skip
    status = await task.status()
    assert (status["priority"], status["tags"]) == (1, ["a", "b"])
    assert UUID(status["correlation_id"]) == correlation_id
    assert (status["idempotency_key"], status["context"]) == ("key", {"tenant": 5})


async def test_a_delayed_task_starts_when_it_is_time(
    database: str, ready: Client, db: psycopg.AsyncConnection
) -> None:
    start_at = datetime.now(UTC) + timedelta(hours=1)
    async with Worker(shop, url=database):
        task = await ready.submit(shop, ORDER, start_at=start_at)
        status = await task.status()
        assert status["state"] == "pending"
        assert datetime.fromisoformat(status["start_at"]) == start_at
        await make_due(db)
        assert await task.result(timeout=PATIENCE) == Cart(count=1)


@pytest.mark.parametrize("start_at", [datetime(2090, 1, 31, 12), "2090-01-31T12:00:00"], ids=repr)
async def test_a_start_without_a_time_zone_is_refused(
    ready: Client, db: psycopg.AsyncConnection, start_at: datetime
) -> None:
    with pytest.raises(InvalidInputError, match="no time with a time zone") as refused:
        await ready.submit(shop, ORDER, start_at=start_at)
    assert "tzinfo=UTC" in (refused.value.hint or "")
    with pytest.raises(InvalidInputError):
        await ready.submit_many(shop, [Submission(ORDER), Submission(ORDER, start_at=start_at)])
    assert await ask(db, TASKS) == 0


async def test_a_taken_key_is_refused_or_gives_the_first_task(
    ready: Client, db: psycopg.AsyncConnection
) -> None:
    first = await ready.submit(shop, ORDER, idempotency_key="k")
    with pytest.raises(ConflictError, match=f"'k' is taken by task {first.id}"):
        await ready.submit(shop, ORDER, idempotency_key="k")
    again = await ready.submit(shop, ORDER, idempotency_key="k", on_conflict="return_existing")
    assert again.id == first.id
    assert await ask(db, TASKS) == 1


async def test_many_tasks_are_submitted_at_once_and_come_in_order(
    database: str, ready: Client
) -> None:
    given = [Submission(Order(items=["x"] * number)) for number in range(20)]
    tasks = await ready.submit_many(shop, given)
    async with Worker(shop, url=database):
        results = [await task.result(timeout=PATIENCE) for task in tasks]
    assert results == [Cart(count=number) for number in range(20)]


async def test_of_many_tasks_all_are_submitted_or_none(
    ready: Client, db: psycopg.AsyncConnection
) -> None:
    with pytest.raises(ContractError):
        await ready.submit_many("shop/cart", [Submission(ORDER), Submission({"items": 5})])
    with pytest.raises(ConflictError):
        await ready.submit_many(shop, [Submission(ORDER, idempotency_key="k")] * 2)
    with pytest.raises(InvalidInputError, match="10,000"):
        await ready.submit_many(shop, [Submission(ORDER)] * 10_001)
    assert await ready.submit_many(shop, []) == []
    assert await ask(db, TASKS) == 0


async def test_a_task_in_the_callers_transaction_exists_when_that_commits(
    database: str, ready: Client, db: psycopg.AsyncConnection
) -> None:
    async with (
        Worker(shop, url=database),
        await psycopg.AsyncConnection.connect(database) as mine,
    ):
        await mine.execute("create table purchase (id integer)")
        task = await ready.submit(shop, ORDER, connection=mine)
        assert await ask(db, TASKS) == 0
        with pytest.raises(NotFoundError, match=f"no task {task.id}"):
            await task.status()
        await mine.commit()
        assert await task.result(timeout=PATIENCE) == Cart(count=1)


async def test_a_task_in_a_transaction_that_is_rolled_back_leaves_no_trace(
    database: str, ready: Client, db: psycopg.AsyncConnection
) -> None:
    async with await psycopg.AsyncConnection.connect(database) as mine:
        await ready.submit(shop, ORDER, connection=mine, idempotency_key="k", tags=["t"])
        await mine.rollback()
    for table in ("task", "step", "timer", "idempotency_key"):
        assert await ask(db, f"select count(*) from tasker.{table}") == 0, table
    messages = await ask(db, "select message_table::text from tasker.queue")
    assert await ask(db, f"select count(*) from {messages}") == 0
    await ready.submit(shop, ORDER, idempotency_key="k")


async def test_a_template_that_is_not_there_is_told_with_what_to_do(ready: Client) -> None:
    with pytest.raises(NotFoundError, match="shop/basket") as unknown:
        await ready.submit("shop/basket")
    assert unknown.value.hint
    with pytest.raises(NotFoundError, match="9"):
        await ready.submit("shop/cart", ORDER, version="9")
    with pytest.raises(InvalidInputError, match=r"'cart' names no template\. Write \"namespace/"):
        await ready.submit("cart", ORDER)


async def test_an_input_that_does_not_fit_is_refused_before_anything_is_sent(
    database: str, ready: Client, db: psycopg.AsyncConnection
) -> None:
    with pytest.raises(ContractError, match=r"items.*list"):
        await ready.submit(shop, {"items": "mug"})
    async with Client(database) as other:  # knows the schema from the database only
        with pytest.raises(ContractError, match=r"the task's input: .*items"):
            await other.submit("shop/cart", {"items": "mug"})
    assert await ask(db, TASKS) == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("priority", 1),
        ("priority", "urgent"),
        ("tags", [5]),
        ("idempotency_key", ""),
        ("idempotency_key", "a\0b"),
        ("context", [1]),
        ("context", {"no": {"JSON"}}),
        ("tags", ["\ud800"]),
        ("on_conflict", "ignore"),
        ("context", {"rate": float("nan")}),
    ],
    ids=ascii,
)
async def test_a_malformed_option_is_refused_with_what_is_wrong(
    ready: Client, db: psycopg.AsyncConnection, option: str, value: object
) -> None:
    with pytest.raises(InvalidInputError):
        await ready.submit(shop, ORDER, **{option: value})  # type: ignore[arg-type]
    assert await ask(db, TASKS) == 0


async def test_a_changed_template_under_the_same_version_is_a_conflict(ready: Client) -> None:
    await ready.register(shop)
    changed = Workflow("cart", namespace="shop", input=Order, description="changed")
    changed.step(count)
    with pytest.raises(ConflictError, match=r"shop/cart version 1\.0\.0") as conflict:
        await ready.register(changed)
    assert "new version" in (conflict.value.hint or "")


async def test_an_error_beside_a_client_arrives_as_itself(database: str) -> None:
    with pytest.raises(NotFoundError):
        async with Client(database) as client:
            await client.submit("no/such")


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        async with Client("postgresql://postgres@127.0.0.1:1/none"):
            pytest.fail("it has connected")
    with pytest.raises(InvalidInputError, match="malformed"):
        async with Client("host=x nonsense=1"):
            pytest.fail("it has connected")


async def test_a_database_without_the_schema_says_how_to_install_it(server: Server) -> None:
    async with Client(server.url()) as client:
        with pytest.raises(NotInstalledError, match="tasker migrate"):
            await client.submit("shop/cart", ORDER)


async def test_a_login_without_the_role_says_which_there_are(
    database: str, ready: Client, db: psycopg.AsyncConnection
) -> None:
    await db.execute("create role tasker_nobody login")
    try:
        async with Client(make_conninfo(database, user="tasker_nobody")) as client:
            with pytest.raises(NotAllowedError, match="tasker_client submits"):
                await client.submit("shop/cart", ORDER)
    finally:
        await db.execute("drop role tasker_nobody")


async def test_many_may_wait_for_one_task(database: str, ready: Client) -> None:
    task = await ready.submit(shop, ORDER)
    waiting = [asyncio.create_task(task.result(timeout=PATIENCE)) for _ in range(5)]
    async with Worker(shop, url=database):
        assert await asyncio.gather(*waiting) == [Cart(count=1)] * 5


async def test_clients_on_two_event_loops_do_not_meet(database: str, ready: Client) -> None:
    submitted = anyio.Event()
    ids: list[UUID] = []
    loop = asyncio.get_running_loop()

    async def elsewhere() -> Cart:
        async with Client(database) as other:
            task = await other.submit(shop, ORDER)
            ids.append(task.id)
            loop.call_soon_threadsafe(submitted.set)
            return await task.result(Cart, timeout=PATIENCE)

    result = asyncio.create_task(asyncio.to_thread(anyio.run, elsewhere))
    await arrive(submitted)
    async with Worker(shop, url=database):
        assert await ready.handle(ids[0]).result(Cart, timeout=PATIENCE) == Cart(count=1)
        assert await result == Cart(count=1)


@pytest.mark.anyio
async def test_an_event_goes_to_all_open_tasks_with_a_correlation_id(
    database: str, client: Client
) -> None:
    workflow = Workflow("told", namespace="shop")

    @workflow.step
    async def wait(ctx: StepContext) -> Any:
        return await ctx.wait_event("go")

    key = UUID(int=7)
    async with Worker(workflow, url=database):
        tasks = [await client.submit(workflow, correlation_id=key) for _ in range(3)]
        assert await client.send_event(key, "go", "went") == 3
        assert await client.send_event(str(key), "go", "again") == 0
        assert [await task.result(timeout=PATIENCE) for task in tasks] == ["went"] * 3
        with pytest.raises(NotFoundError):
            await client.send_event(key, "go")
