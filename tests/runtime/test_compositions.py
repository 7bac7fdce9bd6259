"""Composition steps in real workers: results, failures, retries, waits, people, and other steps beside them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import anyio
import psycopg
import pytest
from pydantic import BaseModel
from tests.actions.web_server import always, answer, serve
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
    DefinitionError,
    PermanentError,
    RetryableError,
    TaskCancelled,
    TaskHandle,
    Worker,
    Workflow,
    action,
    catalog,
)
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Endpoint, Event, Resources, Table

ROW: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "total": {"type": "integer"}},
    "required": ["id", "total"],
    "additionalProperties": False,
}
ORDERS = Resources(
    tables={"orders": Table(table="orders", row=ROW, key=("id",))},
    events={"ordered": Event(payload=ROW)},
)


class Order(BaseModel):
    id: int
    total: int


def composed(*steps: dict[str, Any], result: str = "end", **more: Any) -> Composition:
    return Composition.model_validate({"name": "it", "steps": steps, "result": result, **more})


def step(id: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "kind": kind, **fields}


SAVE = step(
    "saved", "persist", resource="orders", mode="upsert", row="{id: .input.id, total: .input.total}"
)
SAVED_END = step("end", "transform", value="{changed: .saved.changed}")


def written_then_asking(asked: Any, name: str, **options: Any) -> Workflow:
    """A workflow whose composition writes, and then asks an action of this name."""
    flow = Workflow("written", input=Order, resources=ORDERS, actions=[asked])
    flow.compose(
        "written",
        composed(
            SAVE,
            step("asked", "invoke", action=name, input=".input", needs=["saved"]),
            step("end", "transform", value="{changed: .saved.changed, id: .asked.id}"),
        ),
        **options,
    )
    return flow


@pytest.fixture(autouse=True)
def orders(database: str) -> Iterator[psycopg.Connection]:
    """A table of the user's own; each change of a row is counted."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table orders (id integer primary key, total integer)")
        connection.execute("create table change (id integer)")
        connection.execute(
            "create function note() returns trigger language plpgsql as "
            "'begin insert into change values (new.id); return new; end'"
        )
        connection.execute(
            "create trigger note after insert or update on orders for each row execute function note()"
        )
        yield connection


def rows(orders: psycopg.Connection) -> list[tuple[Any, ...]]:
    return orders.execute("select * from orders order by 1").fetchall()


def changes(orders: psycopg.Connection) -> int:
    [(count,)] = orders.execute("select count(*) from change").fetchall()
    return count


@pytest.mark.anyio
async def test_a_composition_is_a_step_between_handlers(database: str, client: Client) -> None:
    flow = Workflow("mixed", input=Order)

    @flow.step
    def doubled(input: Order) -> Order:
        return Order(id=input.id, total=2 * input.total)

    flow.compose(
        "shaped",
        composed(step("end", "transform", value="{sum: (.input.one + .input.other)}")),
        input="{one: .doubled.total, other: .input.total}",
    )

    class Sum(BaseModel):
        sum: int

    @flow.step
    def told(shaped: Sum) -> str:
        return f"{shaped.sum} in all"

    assert [each.depends_on for each in flow.template.steps] == [(), ("doubled",), ("shaped",)]
    async with Worker(flow, url=database):
        assert await run(client, flow, Order(id=1, total=10)) == "30 in all"


LONG = "[range(300000) | select(. < 0)] | length"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("input", "value"),
    [(".input", LONG), (f"{{id: ({LONG}), total: 0}}", ".input.id")],
    ids=["step", "input"],
)
async def test_what_computes_long_leaves_the_event_loop_to_others(
    database: str, client: Client, input: str, value: str
) -> None:
    flow = Workflow("long", input=Order)
    flow.compose("computed", composed(step("end", "transform", value=value)), input=input)
    assert await share_of_loop(database, client, flow, 0) < 1 / 3


@pytest.mark.anyio
async def test_reading_a_long_answer_leaves_the_event_loop_to_others(
    database: str, client: Client
) -> None:
    items: dict[str, Any] = {"type": "array", "items": ROW}
    body = answer(json.dumps([{"id": n, "total": n} for n in range(100_000)]))
    async with serve(always(body)) as server:
        read = Endpoint(
            base_url=server.url, result=items, private_hosts=(server.host,), max_bytes=16_000_000
        )
        flow = Workflow("long", input=Order, resources=Resources(endpoints={"orders": read}))
        steps = [
            step("read", "acquire", resource="orders", params="{}"),
            step("end", "transform", value=".read | length"),
        ]
        flow.compose("computed", composed(*steps))
        assert await share_of_loop(database, client, flow, 100_000) < 1 / 3


async def share_of_loop(database: str, client: Client, flow: Workflow, expected: object) -> float:
    """How long at a time the event loop computed at most while a task ran, as a part of all that was computed."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            began = (
                time.thread_time()
            )  # of what runs on the loop alone, however busy the machine is
            await anyio.sleep(0.001)
            longest = max(longest, time.thread_time() - began)

    async with Worker(flow, url=database), anyio.create_task_group() as others:
        others.start_soon(tick)
        before = time.process_time()
        assert await run(client, flow, Order(id=1, total=10)) == expected
        computed = time.process_time() - before
        others.cancel_scope.cancel()
    return longest / computed


@pytest.mark.anyio
async def test_what_is_not_sound_is_told_at_import_with_codes() -> None:
    flow = Workflow("unsound", input=Order)

    with pytest.raises(DefinitionError, match=r"no field 'totl'[\s\S]*X101") as refused:
        flow.compose("bad", composed(step("end", "transform", value=".input.totl")))

    assert [fault.path for fault in refused.value.faults] == [("steps", 0, "composition")]
    flow.compose("good", composed(step("end", "transform", value=".input.total")))
    with pytest.raises(DefinitionError, match="takes good: str, but"):

        @flow.step
        def takes(good: str) -> None: ...


@pytest.mark.anyio
async def test_a_failed_assertion_ends_the_step_with_its_code_and_place(
    database: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    flow = Workflow("asserted", input=Order)
    flow.compose(
        "checked",
        composed(
            step("fine", "assert", that=".input.total > 0", code="NEGATIVE", message="less than 0"),
            step("end", "transform", value=".input.id", needs=["fine"]),
        ),
        retry=AT_ONCE,
    )
    async with Worker(flow, url=database):
        error = await failure(await client.submit(flow, Order(id=1, total=-1)))

    assert (error.step, error.type) == ("checked", "NEGATIVE")
    assert error.message.startswith("fine: ")
    assert "NEGATIVE: fine: less than 0" in caplog.text
    assert "Traceback" not in caplog.text, "what is declared needs none"


@pytest.mark.anyio
async def test_a_write_commits_with_its_step_and_a_retry_writes_nothing_twice(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    failed: list[str] = []

    @action("shaky", effect="read")
    async def shaky(input: Order) -> Order:
        failed.append("once")
        if len(failed) == 1:
            raise RetryableError("come again")
        return input

    flow = written_then_asking(shaky, "shaky", retry=AT_ONCE)
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == {"changed": 1, "id": 1}

    assert (rows(orders), changes(orders)) == ([(1, 10)], 1)
    kept = await ask(db, "select json_agg(c.name) from tasker.checkpoint c")
    assert kept == ["composition:saved", "composition"]
    assert len(await attempts(db, task, "written")) == 1


@pytest.mark.anyio
async def test_the_last_write_and_the_completion_are_one_transaction(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("last", input=Order, resources=ORDERS)
    flow.compose("written", composed(SAVE, SAVED_END))
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == {"changed": 1}

    assert rows(orders) == [(1, 10)]
    kept = await ask(db, "select json_agg(c.name) from tasker.checkpoint c")
    assert kept == ["composition"], "no checkpoint was needed but what became of the steps"


@pytest.mark.anyio
async def test_what_was_written_before_a_failure_stays_written(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = Workflow("kept", input=Order, resources=ORDERS)
    flow.compose(
        "written",
        composed(
            SAVE,
            step("half", "transform", value=".saved.changed / (.input.total - 10)"),
            step("end", "transform", value=".half"),
        ),
    )
    async with Worker(flow, url=database):
        error = await failure(await client.submit(flow, Order(id=1, total=10)))

    assert error.type == "DATA_ERROR"
    assert rows(orders) == [(1, 10)]


@pytest.mark.anyio
async def test_a_gate_leaves_the_worker_and_goes_on_with_the_answer(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("asked", input=Order, resources=ORDERS)
    flow.compose(
        "approved",
        composed(
            SAVE,
            step("allowed", "gate", title='"Send \\(.input.id)?"', show=".saved", needs=["saved"]),
            step("end", "transform", value="{by: .allowed.by, changed: .saved.changed}"),
        ),
    )
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=7, total=10))
        await until(db, "select exists (select from tasker.approval)")
        [asked] = await ask(db, "select json_agg(a) from tasker.list_approvals() a")
        assert (asked["title"], asked["data"]) == ("Send 7?", {"rows": 1, "changed": 1})
        assert rows(orders) == [(7, 10)], "what was written before it asked is there"
        await task.answer("allowed", True, reason="fine", actor="ada")
        assert await task.result(timeout=PATIENCE) == {"by": "ada", "changed": 1}
    assert changes(orders) == 1


@pytest.mark.anyio
async def test_a_no_fails_the_step_for_good(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("refused", input=Order)
    flow.compose("approved", composed(step("end", "gate", title='"Sure?"')))
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=7, total=10))
        await until(db, "select exists (select from tasker.approval)")
        await task.answer("end", False, reason="no", actor="ada")
        error = await failure(task)
    assert error.type == "REJECTED"


async def retry(db: psycopg.AsyncConnection, task: TaskHandle) -> None:
    await db.execute("select tasker.retry_task(%s, 'again', 'ann')", [task.id])


@pytest.mark.anyio
async def test_a_retry_after_a_no_asks_anew_and_one_after_a_yes_does_not(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("asked_anew", input=Order, resources=ORDERS)
    flow.compose(
        "kept",
        composed(
            step("allowed", "gate", title='"Sure?"'), {**SAVE, "needs": ["allowed"]}, SAVED_END
        ),
    )
    orders.execute("alter table orders add constraint small check (total < 10)")
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=7, total=10))
        for question, approved, code in [
            ("allowed", False, "REJECTED"),
            ("allowed#2", False, "REJECTED"),
            ("allowed#3", True, "CONSTRAINT"),
        ]:
            await until(db, "select count(*) = 1 from tasker.list_approvals()")
            await task.answer(question, approved, reason="so", actor="ada")
            assert (await failure(task)).type == code
            await retry(db, task)
        assert (await failure(task)).type == "CONSTRAINT"
        orders.execute("alter table orders drop constraint small")
        await retry(db, task)
        assert await task.result(timeout=PATIENCE) == {"changed": 1}


@pytest.mark.anyio
async def test_a_wait_takes_no_slot_and_says_when_it_ended(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("slept", input=Order)
    flow.compose(
        "slept",
        composed(
            step("night", "wait", **{"for": "8h"}), step("end", "transform", value=".night.at")
        ),
    )
    async with Worker(flow, url=database, slots=1):
        task = await client.submit(flow, Order(id=7, total=10))
        await until(db, "select exists (select from tasker.step where state = 'waiting')")
        await make_due(db)
        await ask(db, "select tasker.promote_due(100)")
        assert "T" in await task.result(timeout=PATIENCE)


@pytest.mark.anyio
async def test_an_event_is_sent_with_the_step_and_once(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("told", input=Order, resources=ORDERS)
    flow.compose(
        "told", catalog.notify(event="ordered", payload="{id: .input.id, total: .input.total}")
    )
    async with Worker(flow, url=database):
        given = await run(client, flow, Order(id=7, total=10))
    assert given["sent"] is True
    assert await ask(db, "select count(*) from tasker.emitted_event") == 1


@pytest.mark.anyio
async def test_a_worker_without_the_resources_gives_the_step_to_one_that_has_them(
    database: str, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    flow = Workflow("needs", input=Order, resources=ORDERS)
    flow.compose("written", composed(SAVE, SAVED_END), retry=ONCE)
    with caplog.at_level(logging.WARNING, "tasker.worker_handlers"):
        async with Worker(flow.template, url=database, name="poor"):
            task = await client.submit(flow, Order(id=1, total=10))
            with anyio.fail_after(PATIENCE):
                while "lacks resources" not in caplog.text:
                    await anyio.sleep(0.02)
    async with Worker(flow, url=database):
        assert await task.result(timeout=PATIENCE) == {"changed": 1}


@pytest.mark.anyio
async def test_a_worker_runs_nothing_that_its_own_resources_make_unsound(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = Workflow("changed", input=Order, resources=ORDERS)
    flow.compose("written", composed(SAVE, SAVED_END))
    text = {**ROW, "properties": {"id": {"type": "integer"}, "total": {"type": "string"}}}
    other = Resources(tables={"orders": Table(table="orders", row=text, key=("id",))})
    async with Worker(flow, url=database, resources=other):
        error = await failure(await client.submit(flow, Order(id=1, total=10)))

    assert error.type == "CompositionUnsound"
    assert "[C305]" in error.message
    assert rows(orders) == []


@pytest.mark.anyio
async def test_each_item_is_written_once_and_bad_ones_are_told(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    class Declined(PermanentError): ...

    @action("price", effect="read", failures=[Declined])
    def price(input: Order) -> Order:
        if input.id == 2:
            raise Declined("no price")
        return Order(id=input.id, total=input.total + 1)

    flow = Workflow("many", input=list[Order], resources=ORDERS, actions=[price])
    save = {**SAVE, "row": "{id: .priced.id, total: .priced.total}"}
    flow.compose(
        "many",
        composed(
            step(
                "each",
                "fan_out",
                over=".input",
                max_items=10,
                concurrency=3,
                on_item_error="skip",
                steps=[step("priced", "invoke", action="price", input=".item"), save],
                result="saved",
            ),
            step(
                "end", "transform", value="{saved: (.each.results | length), failed: .each.failed}"
            ),
        ),
    )
    async with Worker(flow, url=database):
        given = await run(client, flow, [{"id": n, "total": n} for n in range(5)])

    assert given["saved"] == 4
    assert [(each["index"], each["code"]) for each in given["failed"]] == [(2, "Declined")]
    assert (len(rows(orders)), changes(orders)) == (4, 4)


def written_then_stuck(began: anyio.Event, interrupted: anyio.Event, **options: Any) -> Workflow:
    """A workflow whose composition writes, and is then stuck in an action, the first time."""

    @action("slow", effect="read")
    async def slow(input: Order) -> Order:
        if began.is_set():
            return input
        began.set()
        try:
            await anyio.sleep_forever()
        finally:
            interrupted.set()
        raise AssertionError

    return written_then_asking(slow, "slow", **options)


# Were the row written again, nothing would be changed, and the result would say so.
WRITTEN_ONCE = {"changed": 1, "id": 1}


@pytest.mark.anyio
async def test_an_attempt_past_its_limit_is_retried_and_what_it_wrote_is_not_written_again(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    began, interrupted = anyio.Event(), anyio.Event()
    flow = written_then_stuck(began, interrupted, retry=AT_ONCE, timeout="2s")
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        await arrive(interrupted)
        assert rows(orders) == [(1, 10)], "what was written stays"
        assert await task.result(timeout=PATIENCE) == WRITTEN_ONCE

    [first, *_] = (await describe(db, task, "written"))["attempts"]
    assert first["error"]["type"] == "AttemptTimedOut"
    assert (rows(orders), changes(orders)) == ([(1, 10)], 1)


@pytest.mark.anyio
async def test_a_step_past_its_limit_fails_and_an_operators_retry_goes_on_behind_the_write(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    began, interrupted = anyio.Event(), anyio.Event()
    flow = written_then_stuck(began, interrupted, retry=AT_ONCE, total_timeout="1h")
    async with Worker(flow, url=database, lease="1s"):
        task = await client.submit(flow, Order(id=1, total=10))
        await arrive(began)
        await make_due(db)
        assert (await failure(task)).type == "StepTimedOut"
        await arrive(interrupted)
        assert rows(orders) == [(1, 10)], "what was written stays"
        await retry(db, task)
        assert await task.result(timeout=PATIENCE) == WRITTEN_ONCE
    assert changes(orders) == 1


@pytest.mark.anyio
async def test_a_cancelled_composition_is_interrupted_and_what_it_wrote_stays(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    began, interrupted = anyio.Event(), anyio.Event()
    flow = written_then_stuck(began, interrupted, retry=AT_ONCE)
    async with Worker(flow, url=database, lease="1s"):
        task = await client.submit(flow, Order(id=1, total=10))
        await arrive(began)
        await task.cancel("no more")
        await arrive(interrupted)
        with pytest.raises(TaskCancelled, match="no more"):
            await task.result(timeout=PATIENCE)
    assert [each["state"] for each in await task.steps()] == ["cancelled"]
    assert (rows(orders), changes(orders)) == ([(1, 10)], 1)
