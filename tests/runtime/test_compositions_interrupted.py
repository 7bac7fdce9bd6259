"""Parts of a composition that run at the same time, one of which fails while another is in the middle of something."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

import psycopg
import pytest
from tests.runtime.support import AT_ONCE, PATIENCE, failure, until
from tests.runtime.test_compositions import (
    ORDERS,
    SAVE,
    Order,
    changes,
    composed,
    orders,
    rows,
    step,
)

from tasker import Client, Worker, Workflow, action

__all__ = ["orders"]


@pytest.fixture
def slow(orders: psycopg.Connection) -> None:
    """Checkpoints take so long that what else runs gets its turn meanwhile."""
    orders.execute(
        "create function slow() returns trigger language plpgsql as "
        "'begin perform pg_sleep(0.5); return new; end'"
    )
    orders.execute(
        "create trigger slow before insert on tasker.checkpoint for each row "
        "when (new.name like '%:saved') execute function slow()"
    )


def reading_while_another_fails(on_item_error: Literal["fail", "skip"]) -> Workflow:
    """A write, which a read of the first item commits while the second item fails."""

    @action("look", effect="read")
    async def look(input: int) -> int:
        return input

    parts = step(
        "parts",
        "fan_out",
        over="[1, 2]",
        max_items=2,
        concurrency=2,
        result="looked",
        steps=[
            step("good", "assert", that=".item == 1", code="BAD", message="not this one"),
            step("looked", "invoke", action="look", input=".item", needs=["good"]),
        ],
    )
    each: dict[str, Any] = step(
        "each", "fan_out", over="[.input]", max_items=1, result="parts", steps=[parts]
    )
    flow = Workflow("at_once", input=Order, resources=ORDERS, actions=[look])
    flow.compose(
        "written",
        composed(
            SAVE,
            {**each, "needs": ["saved"], "on_item_error": on_item_error},
            {**SAVE, "id": "again", "row": "{id: 2, total: 20}", "needs": ["each"]},
            step("end", "transform", value="[.saved.changed, .again.changed]"),
        ),
        retry=AT_ONCE,
    )
    return flow


@pytest.mark.anyio
@pytest.mark.usefixtures("slow")
async def test_a_write_is_kept_though_a_part_fails_while_another_commits_it(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = reading_while_another_fails("skip")
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == [1, 1]
    assert (rows(orders), changes(orders)) == ([(1, 10), (2, 20)], 2)


@pytest.mark.anyio
@pytest.mark.usefixtures("slow")
async def test_a_write_stays_though_the_step_fails_while_it_is_committed(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = reading_while_another_fails("fail")
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert (await failure(task)).type == "BAD"
    assert (rows(orders), changes(orders)) == ([(1, 10)], 1)


@pytest.mark.anyio
async def test_a_commit_that_somebody_blocks_ends_with_the_time_of_its_attempt(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    @action("look", effect="read")
    async def look(input: int) -> int:
        return input

    flow = Workflow("blocked", input=Order, resources=ORDERS, actions=[look])
    looked = step("looked", "invoke", action="look", input=".input.id", needs=["saved"])
    end = step("end", "transform", value="[.saved.changed, .looked]")
    flow.compose("written", composed(SAVE, looked, end), retry=AT_ONCE, timeout="300ms")
    async with Worker(flow, url=database):
        async with checkpoints_locked(database):
            task = await client.submit(flow, Order(id=1, total=10))
            await until(db, "select exists (select from tasker.attempt where outcome = 'retry')")
        assert await task.result(timeout=PATIENCE) == [1, 1]
    assert (rows(orders), changes(orders)) == ([(1, 10)], 1)


@asynccontextmanager
async def checkpoints_locked(database: str) -> AsyncGenerator[None]:
    """Nobody can save a checkpoint."""
    async with await psycopg.AsyncConnection.connect(database) as connection:
        await connection.execute("lock table tasker.checkpoint in share mode")
        yield
