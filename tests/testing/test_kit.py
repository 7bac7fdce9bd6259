"""The testing kit, as a test of a user's holds it."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime, timedelta
from typing import Any, Literal
from unittest.mock import AsyncMock, Mock

import anyio
import psycopg
import pytest
from pydantic import BaseModel
from tests.fix_postgres import Server

from tasker import (
    BatchResults,
    Client,
    ContractError,
    DefinitionError,
    PermanentError,
    Retry,
    StepContext,
    Submission,
    TaskCancelled,
    TaskFailed,
    Workflow,
    handler,
)
from tasker.client import SubmitOptions
from tasker.template import StepDefinition, Template
from tasker.testing import AsyncTask, AsyncTasker, Tasker, TaskNotEnded
from tasker.testing.databases import open_databases


class Order(BaseModel):
    total: int


class Payment(BaseModel):
    id: str


orders = Workflow("order", namespace="shop", input=Order)


@orders.step
def check(input: Order) -> int:
    if input.total < 0:
        raise PermanentError("a total below zero")
    return input.total


@orders.step(retry=Retry(max_attempts=4, base="1h", cap="1h", jitter=0))
async def pay(check: int, ctx: StepContext) -> Payment:
    async def charge() -> str:
        return f"charge-{check}"

    return Payment(id=await ctx.run("charge", charge))


@orders.step
async def remind(pay: Payment, ctx: StepContext) -> str:
    await ctx.sleep("30d")
    return f"reminded of {pay.id}"


def test_a_month_takes_no_time(tasker: Tasker) -> None:
    task = tasker.submit(orders, Order(total=5))
    began = tasker.clock.now()
    tasker.clock.advance("29d")
    with pytest.raises(TaskNotEnded, match="remind: it sleeps until"):
        task.result()
    tasker.clock.advance("1d")
    assert task.result() == "reminded of charge-5"
    assert timedelta(days=30) <= tasker.clock.now() - began < timedelta(days=30, minutes=1)


def test_a_run_lets_as_much_time_pass_as_it_needs(tasker: Tasker) -> None:
    began = tasker.clock.now()
    assert tasker.run(orders, Order(total=5)) == "reminded of charge-5"
    assert timedelta(days=30) <= tasker.clock.now() - began < timedelta(days=30, minutes=1)
    with pytest.raises(TaskNotEnded):
        tasker.run(orders, Order(total=6), within="29d")


def test_what_is_waited_for_one_after_the_other_adds_up(tasker: Tasker) -> None:
    runs: list[int] = []
    workflow = Workflow("daily")

    @workflow.step
    async def wait(ctx: StepContext) -> int:
        runs.append(1)
        for _ in range(30):
            await ctx.sleep("1d")
        return len(runs)

    task = tasker.submit(workflow)
    tasker.clock.advance("30d")
    assert task.result() == 31


def test_what_becomes_due_happens_in_its_order(tasker: Tasker) -> None:
    seen: list[str] = []
    workflow = Workflow("order")

    @workflow.step
    async def long(ctx: StepContext) -> None:
        await ctx.sleep("3d")
        seen.append("long")

    @workflow.step(retry=Retry(max_attempts=2, base="1d", cap="1d", jitter=0))
    def flaky(ctx: StepContext) -> None:
        seen.append(f"flaky {ctx.attempt}")
        if ctx.attempt == 1:
            raise RuntimeError("not yet")

    @workflow.step(depends_on=["flaky"])
    async def then(ctx: StepContext) -> None:
        await ctx.sleep("1d")
        seen.append("then")

    tasker.submit(workflow)
    tasker.clock.advance("7d")
    assert seen == ["flaky 1", "flaky 2", "then", "long"]


def test_the_time_of_the_engine_is_the_clock_s(tasker: Tasker) -> None:
    start = tasker.clock.now() + timedelta(days=365)
    first = tasker.submit(orders, Order(total=1))
    later = tasker.submit(orders, Order(total=1), start_at=start)
    tasker.clock.advance_to(start)
    second = tasker.submit(orders, Order(total=1))
    assert first.id < later.id < second.id
    assert datetime.fromisoformat(second.status()["created_at"]) >= start
    assert later.status()["started_at"] is not None
    with pytest.raises(ValueError, match="does not go back"):
        tasker.clock.advance_to(start)
    with pytest.raises(ValueError, match="no time zone"):
        tasker.clock.advance_to(datetime(2030, 1, 1))


def test_a_deadline_is_in_the_time_of_the_machine(tasker: Tasker) -> None:
    workflow = Workflow("limited")

    @workflow.step(timeout="1m")
    def hurry(ctx: StepContext) -> float | None:
        return ctx.remaining()

    tasker.clock.advance("30d")
    assert 50 < tasker.run(workflow) <= 60


def test_what_fails_says_where_and_what_became_of_the_rest(tasker: Tasker) -> None:
    with pytest.raises(TaskFailed, match="a total below zero") as failed:
        tasker.run(orders, Order(total=-1))
    trace, graph = failed.value.__notes__
    assert 'raise PermanentError("a total below zero")' in trace
    assert graph == (
        "shop/order 1.0.0: blocked_by_failures\n"
        "  check: error (PermanentError)\n"
        "  pay: pending, after check\n"
        "  remind: pending, after pay\n"
    )


def test_an_event_goes_on_when_the_test_does(tasker: Tasker) -> None:
    workflow = Workflow("event")

    @workflow.step
    async def wait(ctx: StepContext) -> Any:
        return await ctx.wait_event("paid")

    task = tasker.submit(workflow)
    with pytest.raises(TaskNotEnded, match="wait: it waits for event paid"):
        task.finish()
    assert task.send_event("paid", 7) is True
    assert task.result() == 7
    other = tasker.submit(workflow)
    other.cancel("enough")
    with pytest.raises(TaskCancelled, match="enough"):
        other.result()


def test_a_graph_that_grew(tasker: Tasker) -> None:
    workflow = Workflow("grown")

    @workflow.decision
    def route() -> Literal["many", "none"]:
        return "many"

    @workflow.batch(depends_on=["route"])
    def many() -> list[int]:
        return [1, 2, 0, 4, 5]

    @workflow.batch_worker(on_failure="continue", retry=Retry(max_attempts=1))
    def load(many: int) -> int:
        return 10 // many

    @workflow.step(depends_on=["route"])
    def none() -> None: ...

    @workflow.convergence
    def report(load: BatchResults[int] | None, none: Any | None) -> int:
        return sum(load.results) if load else 0

    task = tasker.submit(workflow)
    assert (
        task.graph()
        == """\
default/grown 1.0.0: complete
  route: complete
  many: complete, after route, brought by route
  load/1-2: complete, after many, brought by many
  load/3: tolerated (ZeroDivisionError), after many, brought by many
  load/4-5: complete, after many, brought by many
  report: complete, after load and none, brought by many
"""
    )
    assert task.result() == 19


def test_what_was_undone(tasker: Tasker) -> None:
    workflow = Workflow("undone", on_failure="compensate")

    @workflow.step(retry=Retry(max_attempts=1))
    def pay() -> int:
        return 7

    @workflow.compensation(pay, retry=Retry(max_attempts=2, backoff="none"))
    def refund(pay: int) -> None: ...

    @workflow.step
    def ship(pay: int) -> None:
        raise PermanentError("abroad")

    task = tasker.submit(workflow)
    tasker.faults.crash_after("handler", "undo:pay")
    with pytest.raises(TaskFailed, match="abroad"):
        task.result()
    assert (
        task.graph()
        == """\
default/undone 1.0.0: error
  pay: complete
  ship: error (PermanentError), after pay
  undo:pay: complete, attempt 2, undoes pay
"""
    )
    tasker.replace("undo:pay", fake := Mock(return_value=None))
    with pytest.raises(TaskFailed):
        tasker.run(workflow)
    fake.assert_called_once_with(pay=7)


# Replaced handlers


def test_a_handler_is_replaced_by_its_step_s_name_and_its_calls_are_there(tasker: Tasker) -> None:
    def fake(check: int) -> Payment:
        return Payment(id=f"fake-{check}")

    tasker.replace("pay", fake)
    assert tasker.run(orders, Order(total=5)) == "reminded of fake-5"
    [call] = tasker.calls("pay")
    assert (call.arguments, call.result, call.attempt) == ({"check": 5}, Payment(id="fake-5"), 1)
    assert [call.step for call in tasker.calls()] == ["check", "pay", "remind", "remind"]


def test_mocks_take_the_place_of_sync_and_async_handlers(tasker: Tasker) -> None:
    sync, coroutine = Mock(return_value=7), AsyncMock(return_value=Payment(id="m"))
    tasker.replace("shop.order.check", sync)
    tasker.replace("shop/order/pay", coroutine)
    assert tasker.run(orders, Order(total=5)) == "reminded of m"
    sync.assert_called_once_with(input=Order(total=5))
    assert coroutine.await_args.kwargs["check"] == 7


def test_what_replaces_a_handler_keeps_its_contract(tasker: Tasker) -> None:
    tasker.replace("pay", lambda: {"id": 3})
    with pytest.raises(TaskFailed, match="ContractError"):
        tasker.run(orders, Order(total=5))
    tasker.replace("pay", lambda chek: None)
    with pytest.raises(DefinitionError, match="takes chek, which pay is not given"):
        tasker.run(orders, Order(total=5))


def test_a_name_that_no_step_has_is_refused(tasker: Tasker) -> None:
    tasker.replace("pya", lambda: None)
    with pytest.raises(DefinitionError, match='Did you mean "pay"'):
        tasker.run(orders, Order(total=5))


def test_calls_of_a_name_that_nothing_has_are_refused(tasker: Tasker) -> None:
    with pytest.raises(DefinitionError, match="Register the workflow"):
        tasker.calls("pay")
    tasker.submit(orders, Order(total=5))
    assert tasker.calls("pay") == tasker.calls("shop.order.pay") == []
    for name in ("pya", "shop/order/pya", "shop.order.pya"):
        with pytest.raises(DefinitionError, match="no step or handler is named"):
            tasker.calls(name)
    with pytest.raises(DefinitionError, match='Did you mean "pay"'):
        tasker.calls("pya")
    tasker.run(orders, Order(total=6))
    calls = tasker.calls("pay")
    assert len(calls) == 2
    assert calls == tasker.calls("shop/order/pay") == tasker.calls("shop.order.pay")


def test_a_template_without_its_handlers_runs_on_replacements(tasker: Tasker) -> None:
    template = Template(
        "shop", "far", "1", (StepDefinition("a", "far.a"), StepDefinition("b", "far.b", depends_on=("a",)))
    )  # fmt: skip

    @handler("far.b")
    def b(a: int) -> int:
        return a + 1

    tasker.register(template, b)
    with pytest.raises(DefinitionError, match=r"no handler far\.a.*tasker\.replace"):
        tasker.run("shop/far")
    tasker.replace("a", lambda: 1)
    assert tasker.run("shop/far") == 2


# Async tests


@pytest.mark.anyio
async def test_async_tests_have_the_same(async_tasker: AsyncTasker) -> None:
    entered = anyio.Event()

    async def fake(check: int) -> Payment:
        entered.set()
        return Payment(id="async")

    async_tasker.replace("pay", fake)
    task = await async_tasker.submit(orders, Order(total=5))
    assert not entered.is_set()
    await async_tasker.clock.advance("30d")
    assert entered.is_set()
    assert await task.result() == "reminded of async"
    assert (await task.graph()).startswith("shop/order 1.0.0: complete\n")
    assert await async_tasker.run(orders, Order(total=5)) == "reminded of async"


@pytest.mark.anyio
async def test_the_sync_fixture_says_so_in_a_coroutine(tasker: Tasker) -> None:
    with pytest.raises(RuntimeError, match="use async_tasker"):
        tasker.settle()


def test_any_event_loop_will_do(async_tasker: AsyncTasker) -> None:
    """Another plugin than anyio's has loops of its own."""

    async def submit() -> AsyncTask:
        return await async_tasker.submit(orders, Order(total=5))

    async def finish(task: AsyncTask) -> str:
        await task.finish()
        return await task.result()

    assert asyncio.run(finish(asyncio.run(submit()))) == "reminded of charge-5"


def test_the_kit_works_on_every_version(any_server: Server) -> None:
    with open_databases(any_server.url()) as databases:
        with Tasker(databases.create()) as tasker:
            task = tasker.submit(orders, Order(total=5))
            tasker.faults.crash_after("run", "pay")
            tasker.faults.drop_connection("remind")
            tasker.clock.advance("31d")
            assert task.result() == "reminded of charge-5"
            assert tasker.faults.pending == []
        names = "select count(*) from pg_database where datname ~ '^tasker_test_'"
        with psycopg.connect(any_server.url()) as connection:
            before = connection.execute(names).fetchone()
    with psycopg.connect(any_server.url()) as connection:
        after = connection.execute(names).fetchone()
    assert (before, after) == ((1,), (0,))


def test_what_never_comes_to_rest_is_named(tasker: Tasker) -> None:
    workflow = Workflow("stuck")

    @workflow.step
    async def hang() -> None:
        await anyio.sleep_forever()

    tasker.patience = 0.5
    tasker.submit(workflow)
    with pytest.raises(TimeoutError, match="still running: hang"):
        tasker.settle()


def test_a_client_of_the_database_does_the_rest(tasker: Tasker) -> None:
    async def submit() -> Any:
        async with Client(tasker.database_url) as client:
            await client.register(orders)
            return (await client.submit(orders, Order(total=3))).id

    tasker.register(orders)
    task = tasker.task(tasker.wait(submit()))
    task.finish()
    assert task.result() == "reminded of charge-3"
    with pytest.raises(ContractError):
        tasker.submit(orders, {"total": "many"})


def test_every_clock_that_the_engine_reads_is_the_test_s(tasker_database: str) -> None:
    """What names a clock must look it up by its path, or it would not be found there by the test's."""
    with psycopg.connect(tasker_database) as connection:
        functions = connection.execute(
            r"""select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'tasker'::regnamespace and (
                p.prosrc ~* '\y(current_timestamp|current_date|current_time|localtimestamp|localtime|timeofday)\y'
                or p.prosrc ~* 'pg_catalog\.\w*(now|timestamp)\('
                or p.prosqlbody is not null
                or p.prosrc ~* '(now|timestamp)\(\)' and p.proname <> 'uuidv7' and not exists (
                    select from unnest(p.proconfig) c(setting)
                    where c.setting like 'search\_path=tasker\_testing,%'))"""
        ).fetchall()
        views = connection.execute(
            "select viewname from pg_views where schemaname = 'tasker' and definition ~* '(now|timestamp)\\('"
        ).fetchall()
        defaults = connection.execute(
            """select adrelid::regclass::text from pg_attrdef where pg_get_expr(adbin, adrelid) ~ '(now|timestamp)\\('
                and pg_get_expr(adbin, adrelid) !~ 'tasker_testing' and adrelid::regclass::text like 'tasker.%'"""
        ).fetchall()
    assert (functions, views, defaults) == ([], [], [])


def test_a_task_can_be_submitted_with_all_that_a_client_can_say(tasker: Tasker) -> None:
    options = inspect.signature(Client.submit).parameters.keys()
    assert {*SubmitOptions.__annotations__, "connection", "self", "template", "input"} == {*options}
    task = tasker.submit(orders, Order(total=1), tags=["a"], priority="high", idempotency_key="k")
    assert (task.status()["tags"], task.status()["priority"]) == (["a"], 1)
    many = tasker.submit_many(orders, [Submission(Order(total=n)) for n in range(3)])
    for one in many:
        one.finish()
    assert [one.result() for one in many] == [f"reminded of charge-{n}" for n in range(3)]


def test_two_handlers_of_one_name_are_refused_as_by_a_worker(tasker: Tasker) -> None:
    def version(number: str) -> Workflow:
        workflow = Workflow("twice", version=number)

        @workflow.step
        def only() -> str:
            return number

        return workflow

    tasker.register(version("1"))
    assert tasker.run(version("1")) == "1"
    with pytest.raises(DefinitionError, match=r"two handlers are named default\.twice\.only"):
        tasker.run(version("2"))
