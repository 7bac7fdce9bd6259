"""What an attempt comes to by what its handler raises, returns, or takes; and by its time limits."""

import threading

import anyio
import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import (
    AT_ONCE,
    ONCE,
    PATIENCE,
    arrive,
    ask,
    attempts,
    describe,
    failure,
    make_due,
    run,
    until,
)

from tasker import (
    Client,
    PermanentError,
    Retry,
    RetryableError,
    StepContext,
    TaskFailed,
    Worker,
    Workflow,
)

pytestmark = pytest.mark.anyio

WAITS = "select count(*) > 0 from tasker.step where state = 'waiting_for_retry'"


class Cart(BaseModel):
    items: list[str]


class GatewayError(Exception):
    pass


class CardError(GatewayError):
    pass


async def test_an_error_is_retried_until_an_attempt_succeeds(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flaky = Workflow("flaky")

    @flaky.step(retry=AT_ONCE)
    async def work(ctx: StepContext) -> int:
        if ctx.attempt < 3:
            raise OSError("not yet")
        return ctx.attempt

    async with Worker(flaky, url=database):
        task = await client.submit(flaky)
        assert await task.result(timeout=PATIENCE) == 3
    assert await attempts(db, task, "work") == ["retry", "retry"]


async def test_attempts_that_run_out_block_the_task_and_its_last_error_reaches_the_client(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    broken = Workflow("broken")

    @broken.step(retry=AT_ONCE)
    def work(ctx: StepContext) -> None:
        raise OSError(f"attempt {ctx.attempt}")

    @broken.step(depends_on=["work"])
    def after() -> None:
        raise AssertionError("its parent has failed")

    async with Worker(broken, url=database):
        task = await client.submit(broken)
        with pytest.raises(
            TaskFailed, match="blocked_by_failures\n  work: OSError: attempt 3"
        ) as e:
            await task.result(timeout=PATIENCE)
    assert (e.value.task_id, e.value.state, e.value.reason) == (
        task.id,
        "blocked_by_failures",
        None,
    )
    [error] = e.value.errors
    assert (error.step, error.type, error.message) == ("work", "OSError", "attempt 3")
    assert [step["state"] for step in await task.steps()] == ["error", "pending"]
    assert await attempts(db, task, "work") == ["retry", "retry", "error"]


async def test_the_stored_error_has_the_handlers_traceback_and_nothing_of_the_worker(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    broken = Workflow("traced")

    @broken.step(retry=ONCE)
    async def work() -> None:
        raise CardError("declined\0")

    async with Worker(broken, url=database):
        task = await client.submit(broken)
        assert (await failure(task)).message == "declined\\0", "PostgreSQL could not store a NUL"
    error = (await describe(db, task, "work"))["error"]
    assert error["kinds"] == ["CardError", "GatewayError", "Exception", "BaseException"]
    assert 'raise CardError("declined\\0")' in error["traceback"]
    assert "executor.py" not in error["traceback"]


async def test_a_permanent_error_is_not_retried(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    hopeless = Workflow("hopeless")

    @hopeless.step(retry=AT_ONCE)
    async def work() -> None:
        raise PermanentError("no use")

    async with Worker(hopeless, url=database):
        task = await client.submit(hopeless)
        assert str(await failure(task)) == "work: PermanentError: no use"
    assert await attempts(db, task, "work") == ["error"]


@pytest.mark.parametrize("named", [GatewayError, "GatewayError"])
async def test_a_class_derived_from_one_that_the_policy_names_is_not_retried(
    database: str, client: Client, db: psycopg.AsyncConnection, named: type[Exception] | str
) -> None:
    declined = Workflow("declined")

    @declined.step(retry=Retry(max_attempts=3, backoff="none", permanent=(named,)))
    async def work() -> None:
        raise CardError("declined")

    async with Worker(declined, url=database):
        task = await client.submit(declined)
        assert str(await failure(task)) == "work: CardError: declined"
    assert await attempts(db, task, "work") == ["error"]


async def test_retry_after_takes_the_place_of_the_backoff(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    busy = Workflow("busy")

    @busy.step(retry=Retry(max_attempts=2, backoff="none"))
    async def work(ctx: StepContext) -> str:
        if ctx.attempt == 1:
            raise RetryableError("busy", retry_after="1h")
        return "done"

    async with Worker(busy, url=database):
        task = await client.submit(busy)
        await until(db, WAITS)
        query = "select extract(epoch from fire_at - now())::float8 from tasker.timer"
        assert 3540 < await ask(db, query) <= 3600
        await make_due(db)
        assert await task.result(timeout=PATIENCE) == "done"


async def test_an_attempt_past_its_limit_is_interrupted_and_retried(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    slow = Workflow("slow")
    interrupted = anyio.Event()

    @slow.step(retry=AT_ONCE, timeout="200ms")
    async def work(ctx: StepContext) -> int:
        if ctx.attempt == 1:
            try:
                await anyio.sleep_forever()
            finally:
                interrupted.set()
        return ctx.attempt

    async with Worker(slow, url=database):
        task = await client.submit(slow)
        assert await task.result(timeout=PATIENCE) == 2
    assert interrupted.is_set()
    [first] = (await describe(db, task, "work"))["attempts"]
    assert first["error"]["type"] == "AttemptTimedOut"
    assert first["error"]["message"] == "the attempt ran past its time limit of 0.2 s"


async def test_an_interrupted_handler_may_await_while_it_cleans_up(
    database: str, client: Client
) -> None:
    tidy = Workflow("tidy")
    cleaned: list[int] = []

    @tidy.step(retry=AT_ONCE, timeout="200ms")
    async def work(ctx: StepContext) -> int:
        try:
            if ctx.attempt == 1:
                await anyio.sleep_forever()
        finally:
            await anyio.sleep(0.01)
            cleaned.append(ctx.attempt)
        return ctx.attempt

    async with Worker(tidy, url=database):
        task = await client.submit(tidy)
        assert await task.result(timeout=PATIENCE) == 2
    assert cleaned == [1, 2]


async def test_a_sync_attempt_past_its_limit_is_told_and_what_it_returns_is_not_used(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    slow = Workflow("slow_sync")
    ended = threading.Event()

    @slow.step(retry=AT_ONCE, timeout="200ms")
    def work(ctx: StepContext) -> str:
        if ctx.attempt == 1:
            assert ctx.cancellation.wait(PATIENCE)
            ended.set()
            return "too late"
        assert ended.wait(PATIENCE)
        return "in time"

    async with Worker(slow, url=database):
        task = await client.submit(slow)
        assert await task.result(timeout=PATIENCE) == "in time"
    assert await attempts(db, task, "work") == ["retry"]


async def test_a_step_past_its_limit_fails_for_good_whatever_it_does(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    endless = Workflow("endless")
    began, interrupted = anyio.Event(), anyio.Event()

    @endless.step(retry=AT_ONCE, total_timeout="1h")
    async def work() -> None:
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            interrupted.set()

    async with Worker(endless, url=database, lease="1s"):
        task = await client.submit(endless)
        await arrive(began)
        await make_due(db)
        assert (await failure(task)).type == "StepTimedOut"
        await arrive(interrupted)


async def test_a_task_past_its_limit_ends_in_error_and_its_handlers_are_interrupted(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    endless = Workflow("endless_task", time_limit="1h")
    began, interrupted = anyio.Event(), anyio.Event()

    @endless.step
    async def work() -> None:
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            interrupted.set()

    async with Worker(endless, url=database, lease="1s"):
        task = await client.submit(endless)
        await arrive(began)
        await make_due(db)
        with pytest.raises(TaskFailed) as failed:
            await task.result(timeout=PATIENCE)
        await arrive(interrupted)
    assert failed.value.state == "error"
    assert "time limit" in (failed.value.reason or "")
    assert [step["state"] for step in await task.steps()] == ["cancelled"]


async def test_a_result_that_is_not_what_its_annotation_says_is_a_contract_error(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    wrong = Workflow("wrong_result")

    @wrong.step(retry=AT_ONCE)
    async def work() -> Cart:
        return {"items": "mug"}  # type: ignore[return-value]

    async with Worker(wrong, url=database):
        task = await client.submit(wrong)
        error = await failure(task)
    assert error.type == "ContractError"
    assert "items" in error.message
    assert "mug" not in error.message, "values may be confidential"
    assert await attempts(db, task, "work") == ["error"], "no other attempt would help"


@pytest.mark.parametrize("result", [float("nan"), 2**64, "a\0b", "\ud800", object()], ids=ascii)
async def test_a_result_that_cannot_be_stored_is_a_contract_error(
    database: str, client: Client, result: object
) -> None:
    unstorable = Workflow("unstorable")

    @unstorable.step(retry=ONCE)
    async def work() -> object:
        return result

    @unstorable.step
    async def beside() -> str:
        return "not harmed"

    async with Worker(unstorable, url=database):
        task = await client.submit(unstorable)
        assert (await failure(task)).type == "ContractError"
        assert (await task.steps())[1]["result"] == "not harmed"


async def test_an_input_that_came_past_the_client_is_held_against_the_contract_by_the_handler(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    strict = Workflow("strict", namespace="shop", input=Cart)

    @strict.step(retry=AT_ONCE)
    async def work(input: Cart) -> int:
        return len(input.items)

    async with Worker(strict, url=database):
        submit = "select tasker.submit_task('shop', 'strict', '{\"items\": 5}')"
        task = client.handle(await ask(db, submit))
        error = await failure(task)
    assert error.type == "ContractError"
    assert "items" in error.message
    assert await attempts(db, task, "work") == ["error"]


async def test_a_handler_that_exits_fails_its_attempt_only(database: str, client: Client) -> None:
    leaving = Workflow("leaving")

    @leaving.step(retry=ONCE)
    def work() -> None:
        raise SystemExit(3)

    fine = Workflow("fine")
    fine.step(name="work")(lambda: "fine")

    async with Worker(leaving, fine, url=database):
        assert (await failure(await client.submit(leaving))).type == "SystemExit"
        assert await run(client, fine) == "fine"


async def test_what_fails_is_logged_with_its_traceback(
    client: Client, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    flow = Workflow("x")

    @flow.step(retry=Retry(max_attempts=2, backoff="none", jitter=0))
    def boom() -> None:
        raise RuntimeError("no luck")

    async with Worker(flow, url=database):
        await failure(await client.submit(flow))
    said = [r for r in caplog.records if "failed in attempt" in r.getMessage()]
    assert [(r.levelname, r.__dict__["step"]) for r in said] == [
        ("WARNING", "boom"),
        ("ERROR", "boom"),
    ]
    assert "boom of task" in said[0].getMessage()
    assert "RuntimeError: no luck" in said[0].getMessage()
    assert 'raise RuntimeError("no luck")' in said[1].getMessage()
