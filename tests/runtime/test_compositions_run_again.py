"""What a composition's next run finds of those before: the same reads, and the same way."""

from __future__ import annotations

from itertools import count
from typing import Any

import psycopg
import pytest
from tests.runtime.support import AT_ONCE, PATIENCE, ask, failure, make_due, until
from tests.runtime.test_compositions import (
    ORDERS,
    SAVE,
    SAVED_END,
    Order,
    changes,
    composed,
    orders,
    retry,
    rows,
    step,
)

from tasker import Client, PermanentError, Worker, Workflow, action

__all__ = ["orders"]

PRICED = step("priced", "invoke", action="price", input=".input")
AT_PRICE = {**SAVE, "row": "{id: .input.id, total: .priced.total}"}


def rising() -> Any:
    """A price that is another each time one asks."""
    prices = count(10, 10)

    @action("price", effect="read")
    async def price(input: Order) -> Order:
        return Order(id=input.id, total=next(prices))

    return price


@pytest.mark.anyio
async def test_what_was_read_for_a_write_is_read_once_though_the_next_write_fails(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    orders.execute("alter table orders add constraint small check (total < 1000)")
    flow = Workflow("two_writes", input=Order, resources=ORDERS, actions=[rising()])
    high = {**AT_PRICE, "id": "high", "row": "{id: 2, total: (.priced.total + 1000)}"}
    end = step("end", "transform", value="[.saved.changed, .high.changed, .priced.total]")
    flow.compose("priced", composed(PRICED, AT_PRICE, {**high, "needs": ["saved"]}, end))
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=0))
        assert (await failure(task)).type == "CONSTRAINT"
        orders.execute("alter table orders drop constraint small")
        await retry(db, task)
        assert await task.result(timeout=PATIENCE) == [1, 1, 10]
    assert rows(orders) == [(1, 10), (2, 1010)]
    assert changes(orders) == 2


@pytest.mark.anyio
async def test_what_people_were_shown_is_what_is_written_also_after_a_no(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("shown", input=Order, resources=ORDERS, actions=[rising()])
    gate = step("allowed", "gate", title='"Sure?"', show=".priced.total")
    flow.compose("priced", composed(PRICED, gate, {**AT_PRICE, "needs": ["allowed"]}, SAVED_END))
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=0))
        for question, approved in [("allowed", False), ("allowed#2", True)]:
            await until(db, "select count(*) = 1 from tasker.list_approvals()")
            [asked] = await ask(db, "select json_agg(a) from tasker.list_approvals() a")
            assert asked["data"] == 10
            await task.answer(question, approved, reason="so", actor="ada")
            if not approved:
                assert (await failure(task)).type == "REJECTED"
                await retry(db, task)
        await task.result(timeout=PATIENCE)
    assert rows(orders) == [(1, 10)]


@pytest.mark.anyio
async def test_a_way_that_was_gone_for_an_item_that_failed_is_gone_again(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    class Declined(PermanentError): ...

    asked: list[int] = []

    @action("price", effect="read", failures=[Declined])
    async def price(input: Order) -> Order:
        asked.append(input.id)
        if len(asked) == 1:
            raise Declined("not today")
        return input

    flow = Workflow("one_way", input=Order, resources=ORDERS, actions=[price])
    each = step(
        "each", "fan_out", over="[.input]", max_items=1, on_item_error="skip", result="priced"
    )
    bad = {"name": "bad", "when": "(.each.failed | length) > 0", "then": ["a"]}
    flow.compose(
        "one_way",
        composed(
            {**each, "steps": [{**PRICED, "input": ".item"}]},
            step("which", "decide", cases=[bad], **{"else": ["b"]}),
            {**SAVE, "id": "a", "row": "{id: 1, total: 1}"},
            {**SAVE, "id": "b", "row": "{id: 2, total: 2}"},
            step("either", "converge", needs=["a", "b"], mode="created"),
            step("night", "wait", **{"for": "8h"}, needs=["either"]),
            step("end", "transform", value=".which.branch", needs=["night"]),
        ),
    )
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        await until(db, "select exists (select from tasker.step where state = 'waiting')")
        await make_due(db)
        await ask(db, "select tasker.promote_due(100)")
        assert await task.result(timeout=PATIENCE) == "bad"
    assert rows(orders) == [(1, 1)]
    assert asked == [1]


@pytest.mark.anyio
async def test_a_connection_that_breaks_in_a_write_is_a_failure_that_is_declared(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    orders.execute(
        "create function die() returns trigger language plpgsql as "
        "'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'"
    )
    orders.execute(
        "create trigger die before insert on orders for each row when (new.id = 2) execute function die()"
    )
    flow = Workflow("broken", input=Order, resources=ORDERS)
    second = {**SAVE, "id": "second", "row": "{id: 2, total: 1}", "needs": ["saved"]}
    end = step("end", "transform", value="[.saved.changed, .second.changed]")
    flow.compose("two", composed(SAVE, second, end), retry=AT_ONCE)
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert (await failure(task)).type == "RESOURCE_UNAVAILABLE"
        orders.execute("drop trigger die on orders")
        await retry(db, task)
        assert await task.result(timeout=PATIENCE) == [1, 1]
    assert (rows(orders), changes(orders)) == ([(1, 10), (2, 1)], 2)
