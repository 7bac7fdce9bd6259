"""Emitting from Python, and reading what was emitted: by a client, and by the command line."""

from uuid import UUID, uuid4

import anyio
import psycopg
import pytest

from tasker import Client, EmittedEvent, InvalidInputError, SyncClient
from tasker.actions.events import emit
from tasker_grammar.resources import Event
from tasker_grammar.world import ActionFailed

Db = psycopg.AsyncConnection
PAID = Event(payload=True)
PATIENCE = 20.0


@pytest.mark.anyio
async def test_an_event_is_sent_once_for_its_key(db: Db) -> None:
    first = await emit(db, "shop", "paid", PAID, "k", {"n": 1})
    assert UUID(first)
    assert await emit(db, "shop", "paid", PAID, "k", {"n": 2}) == first
    assert await emit(db, "shop", "paid", PAID, "l", {"n": 2}) != first


@pytest.mark.anyio
async def test_it_is_sent_in_the_transaction_around(db: Db, database: str) -> None:
    async with Client(database) as client:
        events = client.events("paid")
        async with db.transaction():
            await emit(db, "shop", "paid", PAID, "k", 1)
            with anyio.move_on_after(0.2) as scope:
                await anext(events)
            assert scope.cancelled_caught
        with anyio.fail_after(PATIENCE):
            assert (await anext(client.events("paid"))).payload == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("k" * 2000, 1),
        ("", 1),
        ("k\0", 1),
        ("k\ud800", 1),
        ("k", "\0"),
        ("k", "\ud800"),
        ("k", {1, 2}),
    ],
)
async def test_what_cannot_be_stored_is_a_failure_of_the_step(
    db: Db, key: str, payload: object
) -> None:
    async with db.transaction():
        with pytest.raises(ActionFailed) as raised:
            await emit(db, "shop", "paid", PAID, key, payload)
        assert await emit(db, "shop", "paid", PAID, "k", 1)  # the transaction around goes on
    assert (raised.value.code, raised.value.retryable) == ("CONSTRAINT", False)


@pytest.mark.anyio
async def test_a_login_that_may_not_and_a_connection_that_is_lost(db: Db, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        await other.execute("set role pg_read_all_data")
        with pytest.raises(ActionFailed) as raised:
            await emit(other, "shop", "paid", PAID, "k", 1)
        assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", False)
        await other.execute("reset role")
        await db.execute("select pg_terminate_backend(%s)", [other.info.backend_pid])
        with pytest.raises(ActionFailed) as raised:
            await emit(other, "shop", "paid", PAID, "k", 1)
        assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", True)


@pytest.mark.anyio
async def test_a_client_reads_each_event_once(db: Db, database: str) -> None:
    task = uuid4()
    for n in range(3):
        await emit(
            db,
            "shop",
            "paid",
            Event(payload=True, queue="mail"),
            f"k{n}",
            {"n": n},
            task,
            "pay/told",
        )
    seen: list[EmittedEvent] = []
    with anyio.fail_after(PATIENCE):
        async with Client(database) as client:
            async for event in client.events("mail"):
                seen.append(event)
                if len(seen) == 3:
                    break
        # The loop was left in the turn of the last one: it comes again, when its lease is over.
        assert [(e.name, e.key, e.payload, e.reads) for e in seen] == [
            ("paid", f"k{n}", {"n": n}, 1) for n in range(3)
        ]
        assert (seen[0].namespace, seen[0].task_id, seen[0].place) == ("shop", task, "pay/told")
        await db.execute("select pgmq.set_vt('event_mail', msg_id, 0) from pgmq.q_event_mail")
        async with Client(database) as client:
            again = await anext(client.events("mail"))
        assert (again.key, again.reads, again.id) == ("k2", 2, seen[2].id)


@pytest.mark.anyio
async def test_two_readers_share_the_events(db: Db, database: str) -> None:
    for n in range(20):
        await emit(db, "shop", "paid", PAID, str(n), n)
    seen: list[list[int]] = [[], []]

    async def reader(mine: list[int], tasks: anyio.abc.TaskGroup) -> None:
        async with Client(database) as client:
            async for event in client.events("paid"):
                mine.append(event.payload)
                while len(mine) == 1 and not all(seen):
                    await anyio.sleep(0.005)  # so that both have a part
                if sum(map(len, seen)) == 20:
                    tasks.cancel_scope.cancel()

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for mine in seen:
                tasks.start_soon(reader, mine, tasks)
    assert sorted(seen[0] + seen[1]) == list(range(20))


@pytest.mark.anyio
async def test_a_lease_that_is_none(database: str) -> None:
    async with Client(database) as client:
        with pytest.raises(InvalidInputError):
            await anext(client.events("paid", lease="2d"))


def test_without_an_event_loop(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("select tasker.emit_event('shop', 'paid', 'k', '[1]')")
    with SyncClient(database) as client:
        assert next(client.events("paid")).payload == [1]
