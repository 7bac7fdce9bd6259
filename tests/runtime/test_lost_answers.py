"""The connection is cut after the database has done what it was asked, and before it could say so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.chaos.proxy import Proxy
from tests.runtime.support import PATIENCE, ask

from tasker import At, Client, DatabaseUnavailable, Schedule, StepContext, Worker, Workflow
from tasker.handle import TaskHandle

pytestmark = pytest.mark.anyio

flow = Workflow("flow", namespace="lost", input=int)


@flow.step
async def wait(input: int, ctx: StepContext) -> int:
    return await ctx.wait_event("go") + input


@dataclass
class Far:
    """A client behind a proxy that can lose an answer."""

    client: Client
    proxy: Proxy

    async def lose(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do something, of whose first statement the answer is lost."""
        await self.client.list_schedules()  # so that the connection is known to be alive
        self.proxy.cut_answer(0)
        return await act()


@pytest.fixture
async def far(database: str) -> AsyncIterator[Far]:
    target = conninfo_to_dict(database)
    proxy = Proxy(Path(str(target["host"])) / ".s.PGSQL.5432")
    async with proxy.serving():
        url = make_conninfo(database, host="127.0.0.1", port=proxy.port)
        async with Client(url) as client, Worker(flow, url=database):
            yield Far(client, proxy)


async def start(far: Far) -> TaskHandle:
    return await far.client.submit(flow, 1)


async def end(task: TaskHandle) -> None:
    await task.send_event("go", 1)
    assert await task.result(int, timeout=PATIENCE) == 2


async def test_an_event_that_was_delivered_is_no_error(far: Far) -> None:
    task = await start(far)
    assert await far.lose(lambda: task.send_event("go", 1)) is False  # it was the first, unheard
    assert await task.result(int, timeout=PATIENCE) == 2


async def test_a_task_is_run_again_once(far: Far, db: AsyncConnection) -> None:
    task = await start(far)
    await end(task)

    async def tell(statement: Any, parameters: Any) -> Any:  # the last that a rerun says
        return await far.lose(lambda: task.tell(statement, parameters))

    with pytest.raises(DatabaseUnavailable):
        await replace(task, tell=tell).rerun("once")
    assert await ask(db, "select count(*) from tasker.task") == 2


@pytest.mark.parametrize("verb", ["cancel", "pause"])
async def test_a_change_is_not_taken_for_somebody_elses(far: Far, verb: str) -> None:
    """Sent again, it would be refused because the task is cancelled, or paused, already."""
    task = await start(far)
    with pytest.raises(DatabaseUnavailable):
        await far.lose(lambda: getattr(task, verb)("enough"))
    assert (await task.status())["state"] == {"cancel": "cancelled", "pause": "paused"}[verb]


async def test_a_schedule_is_triggered_once(far: Far, db: AsyncConnection) -> None:
    once = Schedule(flow, At(datetime(2100, 1, 1, tzinfo=UTC)), input=1)
    schedule = await far.client.create_schedule("one", once)
    with pytest.raises(DatabaseUnavailable):
        await far.lose(lambda: schedule.trigger("now"))
    assert await ask(db, "select count(*) from tasker.task") == 1
