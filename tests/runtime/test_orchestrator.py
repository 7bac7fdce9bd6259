"""An orchestrator whose login may not work: at the start an error, later something to wait for."""

from __future__ import annotations

import logging
from uuid import uuid4

import anyio
import psycopg
import pytest
from tests.runtime.support import PATIENCE, until

from tasker.database import Database
from tasker_orchestration.service import OrchestratorSettings, orchestrate
from tasker_sql.session import Session

pytestmark = pytest.mark.anyio

LOGIN = "tasker_test_orchestrator"


async def run(url: str) -> None:
    async with Session(Database(url).connect_async, patience=None) as session:
        await orchestrate(
            session.ask,
            orchestrator_id=uuid4(),
            name="tested",
            settings=OrchestratorSettings(upkeep_interval=0.05),
        )


async def test_one_that_loses_the_right_says_so_and_goes_on_when_it_is_back(
    database: str, db: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    await db.execute(f"create role {LOGIN} login; grant tasker_worker to {LOGIN}".encode())
    url = psycopg.conninfo.make_conninfo(database, user=LOGIN)
    seen = "select exists (select from tasker.orchestrator where seen_at > %s::timestamptz)"
    try:
        with caplog.at_level(logging.ERROR):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run, url)
                await until(db, seen, "-infinity")
                await db.execute(f"revoke tasker_worker from {LOGIN}".encode())
                with anyio.fail_after(PATIENCE):
                    while "the database refuses this orchestrator" not in caplog.text:
                        await anyio.sleep(0.02)
                row = await (await db.execute("select clock_timestamp()")).fetchone()
                await db.execute(f"grant tasker_worker to {LOGIN}".encode())
                await until(db, seen, row[0] if row else None)
                tasks.cancel_scope.cancel()
        assert "permission denied" in caplog.text
        assert "its login needs the role tasker_worker" in caplog.text
    finally:
        await db.execute(f"drop role {LOGIN}".encode())


async def test_one_that_has_no_right_when_it_starts_ends(
    database: str, db: psycopg.AsyncConnection
) -> None:
    await db.execute(f"create role {LOGIN} login".encode())
    try:
        with anyio.fail_after(PATIENCE), pytest.raises(psycopg.errors.InsufficientPrivilege):
            await run(psycopg.conninfo.make_conninfo(database, user=LOGIN))
    finally:
        await db.execute(f"drop role {LOGIN}".encode())
