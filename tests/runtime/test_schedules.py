"""Schedules from Python, fired by a real orchestrator and run by a real worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio
import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import ask, until

from tasker import (
    At,
    Client,
    ConflictError,
    ContractError,
    Cron,
    Every,
    InvalidInputError,
    InvalidStateError,
    NotFoundError,
    Schedule,
    StepContext,
    SyncClient,
    Worker,
    Workflow,
)
from tasker_orchestration import OrchestratorSettings, orchestrate
from tasker_sql.connection import Database
from tasker_sql.session import Session

pytestmark = pytest.mark.anyio


class Plan(BaseModel):
    day: int


reports = Workflow("report", namespace="t", input=Plan)


@reports.step
def write(input: Plan, ctx: StepContext) -> list[str | int]:
    assert ctx.scheduled is not None
    return [ctx.scheduled.name, ctx.scheduled.origin, ctx.scheduled.fire_at.isoformat(), input.day]


@asynccontextmanager
async def orchestrating(url: str) -> AsyncIterator[None]:
    async def run() -> None:
        async with Session(Database(url).connect_async, patience=None) as session:
            await orchestrate(
                session.ask,
                orchestrator_id=uuid4(),
                name="test",
                settings=OrchestratorSettings(schedule_rest=0.05),
            )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        tasks.cancel_scope.cancel()


async def results(client: Client, fires: list[Any]) -> list[Any]:
    found = [client.handle(UUID(fire["task_id"])) for fire in reversed(fires)]
    return [await task.result(timeout=30) for task in found]


async def test_a_schedule_fires_and_its_handlers_know_the_nominal_time(
    client: Client, db: psycopg.AsyncConnection, database: str
) -> None:
    await client.register(reports)
    schedule = Schedule(
        reports, Cron("*/5 * * * *", "Europe/Berlin"), Plan(day=7), overlap="buffer_all"
    )
    nightly = await client.create_schedule("nightly", schedule)
    assert nightly.full_name == "t/nightly"
    assert await nightly.next_fires(3) == schedule.next_fires(3)
    begin = datetime.now(UTC) - timedelta(minutes=15)
    await db.execute("update tasker.schedule set decided_until = %s", [begin])
    async with Worker(reports, url=database), orchestrating(database):
        started = "select count(*) >= 3 from tasker.fire where state = 'started'"
        await until(db, started)
        fires = await nightly.fires()
        expected = schedule.next_fires(3, after=begin)
        assert (await results(client, fires))[:3] == [
            ["nightly", "schedule", at.isoformat(), 7] for at in expected
        ]
        await nightly.backfill(expected[0], expected[1], "again", overlap="allow_all")
        await until(db, "select count(*) = 2 from tasker.fire where origin = 'backfill'")
        await nightly.pause("holidays", actor="ann")
        assert await nightly.next_fires() == []
        fire = await nightly.trigger("now", overlap="allow_all")
        [*_, last] = await results(client, [fire])
        assert last[:2] == ["nightly", "trigger"]
    tag = await ask(db, "select tags[1] from tasker.task limit 1")
    assert tag == "schedule:nightly"
    status = await nightly.status()
    assert [(a["verb"], a["actor"]) for a in status["actions"]][:3] == [
        ("trigger", "client"),
        ("pause", "ann"),
        ("backfill", "client"),
    ]


async def test_creating_updating_and_deleting(client: Client) -> None:
    await client.register(reports)
    hourly = Schedule(reports, Every("1h", offset="5m"), {"day": 1})
    handle = await client.create_schedule("s", hourly)
    await client.create_schedule("s", hourly)
    other = Schedule("t/report", Cron("@daily"), {"day": 2}, tags=["x"])
    with pytest.raises(ConflictError):
        await client.create_schedule("s", other)
    await client.create_schedule("s", other, on_conflict="update")
    assert (await handle.status())["cron"] == "@daily"
    await handle.update(hourly, "back")
    status = await handle.status()
    assert (status["every"], status["offset"]) == (3600, 300)
    assert (status["input"], status["tags"]) == ({"day": 1}, [])
    assert "cron" not in status
    assert [s["name"] for s in await client.list_schedules("t")] == ["s"]
    assert await client.list_schedules("other") == []
    with pytest.raises(InvalidStateError):
        await handle.resume("why")
    await client.schedule("t/s").delete("no longer")
    with pytest.raises(NotFoundError):
        await handle.status()


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        (Schedule(reports, Cron("61 * * * *"), {"day": 1}), InvalidInputError, "bad minute"),
        (Schedule(reports, Cron("@daily", "Mars"), {"day": 1}), InvalidInputError, "no time zone"),
        (Schedule(reports, Every("0.1s"), {"day": 1}), InvalidInputError, "shortest interval"),
        (Schedule(reports, Every("soon"), {"day": 1}), InvalidInputError, "every: 'soon'"),
        (Schedule(reports, At(datetime(2030, 1, 1)), {"day": 1}), InvalidInputError, "time zone"),
        (Schedule(reports, At(datetime(2020, 1, 1, tzinfo=UTC)), {"day": 1}), InvalidInputError, "is over"),
        (Schedule(reports, Every("1h"), {"day": "x"}), ContractError, "day"),
        (Schedule("t/report", Every("1h"), {"day": "x"}), ContractError, "day"),
        (Schedule("t/none", Every("1h")), NotFoundError, "no template t/none"),
        (Schedule("none", Every("1h")), InvalidInputError, "names no template"),
        (Schedule(reports, Every("1h"), {"day": 1}, jitter="-1s"), InvalidInputError, "jitter"),
        (Schedule(reports, Every("1h"), {"day": 1}, context={"x": object()}), InvalidInputError, "context"),
        (Schedule(reports, Every("1h"), {"day": 1}, tags=[object()]), InvalidInputError, "not JSON"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(
    client: Client, schedule: Schedule, error: type[Exception], message: str
) -> None:
    await client.register(reports)
    with pytest.raises(error, match=message):
        await client.create_schedule("s", schedule)
    assert await client.list_schedules() == []


def test_a_context_made_by_hand_has_a_schedule_or_none() -> None:
    names = {"namespace": "t", "template": "report", "version": "1", "step_name": "write"}
    assert StepContext(task_id=UUID(int=1), **names).scheduled is None
    at = "2026-01-01T02:00:00.000000Z"
    context = {"schedule": {"name": "nightly", "fire_at": at, "origin": "schedule"}}
    found = StepContext(task_id=UUID(int=1), **names, task_context=context).scheduled
    assert found is not None
    assert (found.name, found.fire_at) == ("nightly", datetime(2026, 1, 1, 2, tzinfo=UTC))


def test_without_an_event_loop(database: str) -> None:
    with SyncClient(database) as client:
        client.register(reports)
        s = client.create_schedule("s", Schedule(reports, Every("1h"), {"day": 1}))
        assert s.full_name == "t/s"
        assert len(s.next_fires(2)) == 2
        assert s.trigger("r")["state"] == "started"
        assert s.trigger("r", overlap="buffer_one")["state"] == "buffered"
        assert [f["state"] for f in s.fires()] == ["buffered", "started"]
        hour = datetime.now(UTC) - timedelta(hours=1)
        assert s.backfill(hour, hour, "r")["name"] == "s"
        assert s.pause("r")["paused"] and not s.resume("r")["paused"]
        assert s.update(Schedule(reports, Every("2h"), {"day": 1}), "r")["every"] == 7200
        assert client.schedule("t/s").status()["every"] == 7200
        s.delete("r")
        assert client.list_schedules() == []
