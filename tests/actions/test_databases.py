"""Tables of other databases, and what a kill in the middle leaves: nothing, or all of it."""

import os
import signal
import sys
from pathlib import Path

import anyio
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.fix_postgres import Server, copy_database, drop_database

from tasker.actions.databases import Databases
from tasker.actions.secrets import Sensitive
from tasker.actions.tables import write_rows
from tasker_grammar.resources import Secret, Table
from tasker_grammar.world import ActionFailed

pytestmark = pytest.mark.anyio
BOOKS = Secret.model_validate({"$secret": "books"})
TABLE = Table(table="book", row=True, key=("id",), database=BOOKS)
PATIENCE = 30.0
BREAK = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()"""


async def count(db: psycopg.AsyncConnection, query: str = "select count(*) from book") -> int:
    row = await (await db.execute(query.encode())).fetchone()
    assert row is not None
    return row[0]


async def test_a_write_elsewhere_commits_by_itself(
    db: psycopg.AsyncConnection, database: str
) -> None:
    await db.execute("create table book (id int primary key, title text)")
    async with Databases(lambda _: Sensitive(database)) as databases:
        for changed in (2, 0):
            async with databases.connect(BOOKS) as (connection, shapes):
                rows = [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}]
                assert await write_rows(connection, shapes, TABLE, "upsert", rows) == changed
                assert await count(db) == 2
            assert shapes


async def test_many_share_a_few_connections(db: psycopg.AsyncConnection, database: str) -> None:
    await db.execute("create table book (id int primary key, title text)")
    conninfo = make_conninfo(database, application_name="books")

    async def one(n: int) -> None:
        async with databases.connect(BOOKS) as (connection, shapes):
            await write_rows(connection, shapes, TABLE, "insert_once", [{"id": n}])

    with anyio.fail_after(PATIENCE):
        async with Databases(lambda _: Sensitive(conninfo)) as databases:
            async with anyio.create_task_group() as tasks:
                for n in range(40):
                    tasks.start_soon(one, n)
            assert await count(db) == 40
            connections = "select count(*) from pg_stat_activity where datname = current_database()"
            assert await count(db, connections) <= 1 + 4


async def test_who_waits_for_a_turn_waits_for_as_long_as_it_takes(
    db: psycopg.AsyncConnection, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the database's own answer has to come soon: a slow one is no reason to fail."""
    monkeypatch.setattr("tasker.actions.databases._PATIENCE", 0.5)
    done: list[int] = []

    async def one(n: int) -> None:
        async with databases.connect(BOOKS) as (connection, _):
            await connection.execute("select pg_sleep(0.3)")
        done.append(n)

    with anyio.fail_after(PATIENCE):
        async with (
            Databases(lambda _: Sensitive(database)) as databases,
            anyio.create_task_group() as tasks,
        ):
            for n in range(16):
                tasks.start_soon(one, n)
    assert sorted(done) == [*range(16)]


async def test_a_server_that_hangs_is_left(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is frozen in the middle: no answer comes, not even to a cancellation."""
    monkeypatch.setattr("tasker.actions.databases._LONGEST", 0.5)

    async def write() -> None:
        async with databases.connect(BOOKS) as (connection, _), connection.transaction():
            os.kill(connection.info.backend_pid, signal.SIGSTOP)
            frozen.append(connection.info.backend_pid)
            await connection.execute("select 1")

    frozen: list[int] = []
    try:
        with anyio.fail_after(PATIENCE):
            async with Databases(lambda _: Sensitive(database)) as databases:
                with pytest.raises(ActionFailed) as raised:
                    await write()
                assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", True)
                assert "needs longer than 0.5 s" in str(raised.value)
                async with databases.connect(BOOKS) as (connection, _):  # another one
                    await connection.execute("select 1")
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


async def test_a_connection_that_broke_meanwhile_is_not_used(
    db: psycopg.AsyncConnection, database: str
) -> None:
    await db.execute("create table book (id int primary key, title text)")
    async with Databases(lambda _: Sensitive(database)) as databases:
        for changed in (1, 0):
            async with databases.connect(BOOKS) as (connection, shapes):
                assert await write_rows(connection, shapes, TABLE, "upsert", [{"id": 1}]) == changed
            await db.execute(BREAK)


async def test_another_secret_is_another_database(server: Server, database: str) -> None:
    other = copy_database(server)
    urls = [database, other]
    try:
        async with Databases(lambda _: Sensitive(urls[0])) as databases:
            for url in (database, other):
                with psycopg.connect(url, autocommit=True) as owner:
                    owner.execute("create table book (id int primary key, title text)")
                async with databases.connect(BOOKS) as (connection, shapes):
                    assert (
                        await write_rows(connection, shapes, TABLE, "insert_once", [{"id": 1}]) == 1
                    )
                urls.reverse()  # the secret was changed meanwhile
    finally:
        drop_database(server, other)


async def test_a_server_that_goes_and_comes(make_server, tmp_path: Path) -> None:
    server = make_server(18)
    with psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute("create table book (id int primary key, title text)")
    async with Databases(lambda _: Sensitive(server.url())) as databases:

        async def write() -> int:
            async with databases.connect(BOOKS) as (connection, shapes):
                return await write_rows(
                    connection, shapes, TABLE, "upsert", [{"id": 1, "title": "a"}]
                )

        assert await write() == 1
        await anyio.to_thread.run_sync(server.stop, "immediate")
        with pytest.raises(ActionFailed) as raised:
            await write()
        assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", True)
        await anyio.to_thread.run_sync(server.start)
        with anyio.fail_after(PATIENCE):
            while True:
                try:
                    assert await write() == 0
                    break
                except ActionFailed as failed:
                    assert failed.retryable


PROGRAM = """
import asyncio, sys
from tasker.actions.tables import write_rows
from tasker_grammar.resources import Table
import psycopg

async def main():
    table = Table(table="book", row=True, key=("id",))
    async with await psycopg.AsyncConnection.connect(sys.argv[1], autocommit=True) as connection:
        print("ready", flush=True)
        rows = [{"id": n, "title": "x"} for n in range(1000)]
        print(await write_rows(connection, {}, table, sys.argv[2], rows), flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("mode", ["insert_once", "upsert"])
async def test_killed_in_the_middle_nothing_is_written_and_again_all_is(
    db: psycopg.AsyncConnection, database: str, mode: str
) -> None:
    await db.execute("create table book (id int primary key, title text)")
    await db.execute("create table gate ()")
    await db.execute(
        """create function wait_there() returns trigger language plpgsql as
        $$ begin if new.id = 500 then lock table gate; end if; return new; end $$"""
    )
    await db.execute(
        "create trigger wait before insert on book for each row execute function wait_there()"
    )
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    command = [sys.executable, "-c", PROGRAM, database, mode]
    with anyio.fail_after(PATIENCE * 2):
        async with await psycopg.AsyncConnection.connect(database) as holder:
            await holder.execute("lock table gate")
            async with await anyio.open_process(
                command, env=os.environ | {"PYTHONPATH": "."}
            ) as child:
                while not await count(db, waits):
                    await anyio.sleep(0.01)
                child.send_signal(signal.SIGKILL)
                await child.wait()
            assert await count(db) == 0
        while await count(db, waits):
            await anyio.sleep(0.01)
        assert await count(db) == 0
        again = await anyio.run_process(command)
    assert again.stdout.split() == [b"ready", b"1000"]
    assert await count(db) == 1000
