"""A worker and what it is given: functions, classes, workflows, templates; and how many it runs at once."""

import threading
from dataclasses import replace
from typing import ClassVar

import anyio
import psycopg
import pytest
from tests.runtime.support import arrive, ask, describe, failure, make_due, run, until

from tasker import (
    Client,
    ConflictError,
    DefinitionError,
    StepContext,
    StepHandler,
    Worker,
    Workflow,
    handler,
)
from tasker.yaml_template import parse_templates

pytestmark = pytest.mark.anyio

GREETING = parse_templates("""
name: greeting
namespace_name: demo
version: 1.0.0
steps:
  - name: greet
    handler: { callable: demo.greet, initialization: { word: Hello } }
  - name: shout
    handler: { callable: demo.shout }
    dependencies: [greet]
""")[0].template


@handler("demo.greet")
async def greet(input: str, ctx: StepContext) -> str:
    return f"{ctx.config['word']}, {input}"


@handler("demo.shout")
def shout(greet: str) -> str:
    return f"{greet}!".upper()


class Shout(StepHandler):
    name = "demo.shout"
    made: ClassVar[int] = 0

    def __init__(self) -> None:
        Shout.made += 1

    async def call(self, greet: str) -> str:
        return f"{greet}!!"


def make_gate() -> tuple[Workflow, list[anyio.Event], anyio.Event]:
    """A workflow whose handlers set an event each, and wait for one."""
    gate = Workflow("gate", namespace="gates", input=int)
    began, opened = [anyio.Event() for _ in range(4)], anyio.Event()

    @gate.step
    async def wait(input: int) -> int:
        began[input].set()
        await opened.wait()
        return input

    return gate, began, opened


async def test_sync_and_async_handlers_run_in_one_workflow(database: str, client: Client) -> None:
    mixed = Workflow("mixed", input=int)

    @mixed.step
    def sync(input: int) -> tuple[int, bool]:
        return input + 1, threading.current_thread() is threading.main_thread()

    @mixed.step(name="async")
    async def asynchronous(sync: tuple[int, bool]) -> tuple[int, bool, bool]:
        return sync[0] * 2, sync[1], threading.current_thread() is threading.main_thread()

    async with Worker(mixed, url=database):
        assert await run(client, mixed, 1) == (4, False, True), "sync handlers are on threads"


async def test_slots_limit_how_many_async_handlers_run_at_once(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    gate, began, opened = make_gate()
    async with Worker(gate, url=database, slots=2):
        tasks = [await client.submit(gate, number) for number in range(4)]
        await arrive(began[0])
        await arrive(began[1])
        # A worker with free slots would take the others while this one runs to its end.
        other = Workflow("other", namespace="others")
        other.step(name="only")(lambda: None)
        async with Worker(other, url=database):
            await run(client, other)
        assert [event.is_set() for event in began] == [True, True, False, False]
        query = "select count(*) from tasker.step where state = 'in_progress'"
        assert await ask(db, query) == 2, "what is granted is what runs"
        opened.set()
        assert [await task.result() for task in tasks] == [0, 1, 2, 3]


async def test_slots_limit_how_many_sync_handlers_run_at_once(
    database: str, client: Client
) -> None:
    crowd = Workflow("crowd", input=int)
    lock, running, most = threading.Lock(), 0, 0
    pair = threading.Barrier(2)

    @crowd.step
    def enter(input: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pair.wait(timeout=30)  # passes only when two run at once
        with lock:
            running -= 1

    async with Worker(crowd, url=database, slots=2):
        tasks = [await client.submit(crowd, number) for number in range(6)]
        for task in tasks:
            await task.result(timeout=30)
    assert most == 2


async def test_a_worker_serves_a_yaml_template_with_functions(
    database: str, client: Client
) -> None:
    async with Worker(GREETING, greet, shout, url=database):
        assert await run(client, "demo/greeting", "Ada") == "HELLO, ADA!"


async def test_a_worker_makes_one_instance_of_a_handler_class(
    database: str, client: Client
) -> None:
    before = Shout.made
    async with Worker(GREETING, greet, Shout, url=database):
        assert await run(client, "demo/greeting", "Ada") == "Hello, Ada!!"
        assert await run(client, "demo/greeting", "Bob") == "Hello, Bob!!"
    assert Shout.made == before + 1


async def test_a_worker_serves_several_workflows(database: str, client: Client) -> None:
    first, second = Workflow("first", namespace="one"), Workflow("second", namespace="two")
    first.step(name="only")(lambda: 1)
    second.step(name="only")(lambda: 2)
    async with Worker(first, second, url=database):
        assert [await run(client, first), await run(client, second)] == [1, 2]


async def test_a_worker_that_is_given_handlers_only_serves_the_queues_it_is_told(
    database: str, client: Client
) -> None:
    await client.register(GREETING)
    async with Worker(greet, shout, url=database, queues=["demo"]):
        assert await run(client, "demo/greeting", "Ada") == "HELLO, ADA!"


async def test_a_step_without_handler_waits_for_a_worker_that_has_it(
    database: str, client: Client, db: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    async with Worker(GREETING, greet, url=database, name="half"):
        task = await client.submit("demo/greeting", "Ada")
        await until(db, "select error is not null from tasker.step where step_no = 2")
    step = await describe(db, task, "shout")
    assert (step["error"]["type"], step["attempt"]) == ("HandlerMissing", 0), "it is not counted"
    assert step["error"]["message"].startswith("worker half has no handler demo.shout")
    assert "no handler demo.shout here, for step shout" in caplog.messages
    at_start = "no handler demo.shout here, for step shout of demo/greeting: another worker must"
    assert any(message.startswith(at_start) for message in caplog.messages)

    await make_due(db)
    async with Worker(GREETING, greet, shout, url=database):
        assert await task.result(timeout=30) == "HELLO, ADA!"


async def test_a_handler_that_does_not_fit_its_step_fails_it_with_the_reason(
    database: str, client: Client
) -> None:
    @handler("demo.shout")
    def misfit(whisper: str) -> str:
        return whisper

    async with Worker(GREETING, greet, misfit, url=database):
        error = await failure(await client.submit("demo/greeting", "Ada"))
    assert (error.step, error.type) == ("shout", "DefinitionError")
    assert "whisper" in error.message


async def test_what_no_worker_can_be_made_of_is_refused_at_once() -> None:
    with pytest.raises(DefinitionError, match="two handlers are named"):
        Worker(GREETING, shout, Shout)
    with pytest.raises(DefinitionError, match="give the worker templates, or name queues"):
        Worker(greet)
    with pytest.raises(DefinitionError, match="at least one slot"):
        Worker(GREETING, slots=0)
    with pytest.raises(DefinitionError, match="is no handler"):
        Worker(GREETING, print)


async def test_a_worker_is_on_the_list_while_it_runs(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    query = "select coalesce(array_agg(name), '{}') from tasker.worker"
    async with Worker(GREETING, url=database, name="here"):
        assert await ask(db, query) == ["here"]
    assert await ask(db, query) == []


async def test_an_error_beside_a_worker_arrives_as_itself(database: str) -> None:
    with pytest.raises(LookupError, match="beside"):
        async with Worker(GREETING, greet, shout, url=database):
            raise LookupError("beside")


async def test_a_worker_whose_template_is_registered_otherwise_does_not_start(
    database: str, client: Client
) -> None:
    await client.register(GREETING)
    changed = replace(GREETING, description="changed")
    with pytest.raises(ConflictError, match=r"demo/greeting version 1\.0\.0 .*new version"):
        async with Worker(changed, greet, shout, url=database):
            pytest.fail("it has started")
