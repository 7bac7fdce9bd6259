"""Writing rows: what changes, what does not, what is refused, and what two writers do to each other."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import anyio
import psycopg
import pytest

from tasker.actions.table_shape import Shapes
from tasker.actions.tables import Mode, write_rows
from tasker_grammar.resources import Table
from tasker_grammar.world import ActionFailed

pytestmark = pytest.mark.anyio
PATIENCE = 20.0
Db = psycopg.AsyncConnection

ORDERS = Table(schema="shop", table="orders", row=True, key=("id",))


@pytest.fixture
async def shop(db: Db) -> AsyncIterator[Db]:
    await db.execute("create schema shop")
    await db.execute(
        """create table shop.orders (id text primary key, total numeric(10, 2), note text default 'none',
            code text unique, qty integer check (qty > 0), at timestamptz,
            generated_no integer generated always as (1) stored)"""
    )
    yield db


async def write(db: Db, mode: Mode, *rows: dict[str, Any], table: Table = ORDERS) -> int:
    return await write_rows(db, {}, table, mode, rows)


async def refused(db: Db, mode: Mode, *rows: dict[str, Any], table: Table = ORDERS) -> ActionFailed:
    with pytest.raises(ActionFailed) as raised:
        await write(db, mode, *rows, table=table)
    return raised.value


async def all_of(
    db: Db, query: str = "select id, total, note from shop.orders order by id"
) -> list[Any]:
    return await (await db.execute(query.encode())).fetchall()


async def test_insert_once_leaves_what_is_there(shop: Db) -> None:
    assert await write(shop, "insert_once", {"id": "a", "total": 1}, {"id": "b", "total": 2}) == 2
    assert await write(shop, "insert_once", {"id": "b", "total": 9}, {"id": "c", "total": 3}) == 1
    assert await all_of(shop) == [("a", 1, "none"), ("b", 2, "none"), ("c", 3, "none")]


async def test_upsert_counts_only_what_differs(shop: Db) -> None:
    row = {"id": "a", "total": 1.005, "note": None}
    assert await write(shop, "upsert", row) == 1
    [before] = await all_of(shop, "select xmin::text, total from shop.orders")
    assert await write(shop, "upsert", row) == 0
    assert await all_of(shop, "select xmin::text, total from shop.orders") == [before]
    assert await write(shop, "upsert", row | {"total": 2}, {"id": "b"}) == 2
    assert await all_of(shop) == [("a", 2, None), ("b", None, "none")]


async def test_a_column_that_is_not_given_stays(shop: Db) -> None:
    await write(shop, "upsert", {"id": "a", "total": 1, "note": "mine"})
    assert await write(shop, "upsert", {"id": "a", "total": 2}) == 1
    assert await write(shop, "update", {"id": "a", "note": "yours"}) == 1
    assert await all_of(shop) == [("a", 2, "yours")]


async def test_update_of_what_is_not_there_changes_nothing(shop: Db) -> None:
    await write(shop, "insert_once", {"id": "a", "total": 1})
    failed = await refused(shop, "update", {"id": "a", "total": 2}, {"id": "b", "total": 2})
    assert (failed.code, failed.retryable) == ("CONFLICT", False)
    assert str(failed) == 'a row to update is not there, by the key (id): "b"'
    assert await all_of(shop) == [("a", 1, "none")]
    assert await write(shop, "update", {"id": "a", "total": 1}) == 0
    assert await write(shop, "update", {"id": "a"}) == 0


@pytest.mark.parametrize("mode", ["insert_once", "upsert", "update"])
async def test_two_rows_with_one_key(shop: Db, mode: Mode) -> None:
    await write(shop, "insert_once", {"id": "a"})
    failed = await refused(shop, mode, {"id": "a", "total": 1}, {"id": "a", "note": "x"})
    assert failed.code == "CONFLICT"
    assert str(failed) == 'several rows have the same key (id): "a"'
    assert await all_of(shop) == [("a", None, "none")]


async def test_a_conflict_names_a_few_rows_by_their_keys_only(shop: Db) -> None:
    rows = [{"id": f"{n}" * 99 if n else "0", "note": "a secret"} for n in range(6)]
    failed = await refused(shop, "update", *rows)
    said = str(failed)
    assert said.startswith('6 rows to update are not there, by the key (id): "0", "11')
    assert said.endswith(" and 3 more")
    assert "a secret" not in said
    assert len(said) < 300


async def test_a_conflict_of_keys_of_several_columns(db: Db) -> None:
    await db.execute(
        "create table parts (shop uuid, no numeric, name text, primary key (shop, no))"
    )
    table = Table(table="parts", row=True, key=("shop", "no"))
    of = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
    row = {"shop": of.upper(), "no": 1.0, "name": "lamp"}
    missing = await refused(db, "update", row, row | {"no": 2}, table=table)
    assert str(missing) == (
        f'2 rows to update are not there, by the key (shop, no): ["{of}", 1], ["{of}", 2]'
    )
    twice = await refused(db, "upsert", row, row | {"no": 2}, row, row | {"no": 3}, table=table)
    assert str(twice) == f'several rows have the same key (shop, no): ["{of}", 1]'


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "b", "code": "taken"}, "orders_code_key"),
        ({"id": "b", "qty": -77}, "orders_qty_check"),
        ({"id": None}, "id"),
        ({"total": 1}, "id"),
        ({"id": "b", "total": 123456789012}, "NumericValueOutOfRange"),
        ({"id": "b", "qty": 1.5}, "InvalidTextRepresentation"),
        ({"id": "b", "at": "now"}, "RFC 3339"),
        ({"id": "b", "at": "2026-01-01T00:00:00"}, "RFC 3339"),
        ({"id": "b", "at": "2026-02-31T00:00:00Z"}, "DatetimeFieldOverflow"),
        ({"id": "b\0"}, "cannot hold"),
        ({"id": "b\ud800"}, "cannot hold"),
    ],
)
async def test_a_constraint_is_named_and_the_value_is_not(
    shop: Db, row: dict[str, Any], said: str
) -> None:
    await write(shop, "insert_once", {"id": "a", "code": "taken"})
    failed = await refused(shop, "upsert", {"id": "c"}, row)
    assert (failed.code, failed.retryable) == ("CONSTRAINT", False)
    assert said in str(failed)
    assert "-77" not in str(failed) and "taken" not in str(failed)
    assert [id for id, *_ in await all_of(shop)] == ["a"]


async def test_a_constraint_that_waits_for_the_commit_is_held_at_the_write(shop: Db) -> None:
    await shop.execute("create table shop.customer (id text primary key)")
    await shop.execute(
        """alter table shop.orders add constraint known foreign key (code) references shop.customer
            deferrable initially deferred"""
    )
    async with shop.transaction():
        failed = await refused(shop, "upsert", {"id": "a", "code": "nobody"})
    assert (failed.code, failed.retryable) == ("CONSTRAINT", False)
    assert "known" in str(failed) and "nobody" not in str(failed)
    assert await all_of(shop) == []


@pytest.mark.parametrize(
    "table",
    [
        ORDERS.model_copy(update={"table": "none"}),
        ORDERS.model_copy(update={"table": 'orders"; drop table shop.orders; --'}),
        ORDERS.model_copy(update={"key": ("id", "code")}),
        ORDERS.model_copy(update={"key": ("total",)}),
    ],
)
async def test_a_table_that_is_not_as_it_was_said(shop: Db, table: Table) -> None:
    failed = await refused(shop, "upsert", {"id": "a", "code": "c", "total": 1}, table=table)
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)
    assert await all_of(shop) == []


async def test_no_table_of_the_engine_is_written(db: Db) -> None:
    table = Table(schema="tasker", table="event", row=True, key=("task_id", "name"))
    row = {"task_id": "0199a4c0-0000-7000-8000-000000000001", "name": "x", "payload": 1}
    assert (await refused(db, "upsert", row, table=table)).code == "RESOURCE_UNAVAILABLE"
    assert await all_of(db, "select * from tasker.event") == []


@pytest.mark.parametrize("column", ["nothing", "generated_no", 'note") values (1); --', "xmin"])
async def test_a_column_that_cannot_be_written(shop: Db, column: str) -> None:
    failed = await refused(shop, "insert_once", {"id": "a", column: 1})
    assert failed.code == "RESOURCE_UNAVAILABLE"


async def test_a_table_that_changes_is_read_again(shop: Db) -> None:
    shapes: Shapes = {}
    await write_rows(shop, shapes, ORDERS, "upsert", [{"id": "a", "note": "x"}])
    await shop.execute("alter table shop.orders drop column note")
    with pytest.raises(ActionFailed) as raised:
        await write_rows(shop, shapes, ORDERS, "upsert", [{"id": "a", "note": "y"}])
    assert (raised.value.code, raised.value.retryable) == ("RESOURCE_UNAVAILABLE", True)
    await shop.execute("alter table shop.orders add column remark text")
    assert await write_rows(shop, shapes, ORDERS, "upsert", [{"id": "a", "remark": "y"}]) == 1


@pytest.mark.parametrize(
    ("was", "now", "value"),
    [
        ("numeric(10, 2)", "numeric(10, 4)", 1.2345),
        ("varchar(3)", "varchar(30)", "longer"),
        ("integer", "bigint", 2**40),
        ("date", "timestamptz", "2026-01-31T12:00:00+00:00"),
    ],
)
async def test_a_column_of_another_type_than_before_is_written_as_it_is_now(
    db: Db, was: str, now: str, value: Any
) -> None:
    await db.execute("create schema shop")
    await db.execute(f"create table shop.orders (id text primary key, it {was})".encode())
    shapes: Shapes = {}
    await write_rows(db, shapes, ORDERS, "upsert", [{"id": "a", "it": None}])
    await db.execute(f"alter table shop.orders alter column it type {now}".encode())
    assert await write_rows(db, shapes, ORDERS, "upsert", [{"id": "a", "it": value}]) == 1
    [(kept,)] = await all_of(db, "select to_json(it) from shop.orders")
    assert kept == value


async def test_a_column_that_was_missing_is_written_when_it_is_there(shop: Db) -> None:
    shapes: Shapes = {}
    row = {"id": "a", "remark": "y"}
    with pytest.raises(ActionFailed):
        await write_rows(shop, shapes, ORDERS, "upsert", [row])
    await shop.execute("alter table shop.orders add column remark text")
    assert await write_rows(shop, shapes, ORDERS, "upsert", [row]) == 1


@pytest.mark.parametrize("mode", ["upsert", "update"])
@pytest.mark.parametrize(
    ("type", "was", "now"),
    [
        ("box", "(1,1),(0,0)", "(6,6),(5,5)"),  # of one size, and so equal to PostgreSQL
        ("circle", "<(0,0),1>", "<(5,5),1>"),
        ("interval", "30 days", "1 mon"),
        ("numeric", 1.5, 1.25),
        ("json", {"a": 1}, {"a": 2}),
        ("point", "(0,0)", "(1,1)"),
    ],
)
async def test_what_differs_is_written_also_where_its_type_takes_it_for_equal(
    db: Db, mode: Mode, type: str, was: Any, now: Any
) -> None:
    await db.execute("create schema shop")
    await db.execute(f"create table shop.orders (id text primary key, it {type})".encode())
    await write(db, "upsert", {"id": "a", "it": was})
    assert await write(db, mode, {"id": "a", "it": was}) == 0
    assert await write(db, mode, {"id": "a", "it": now}) == 1
    expected = now if isinstance(now, dict) else str(now)
    read = "it" if isinstance(now, dict) else "it::text"
    assert await all_of(db, f"select {read} from shop.orders") == [(expected,)]


async def test_a_row_that_is_too_large_for_an_index_is_refused_for_good(shop: Db) -> None:
    noise = "".join(Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9_000))
    failed = await refused(shop, "upsert", {"id": noise})
    assert (failed.code, failed.retryable) == ("CONSTRAINT", False)


async def test_a_trigger_may_change_a_row_or_skip_it(shop: Db) -> None:
    await shop.execute(
        """create function shop.mind() returns trigger language plpgsql as $$ begin
            if new.id = 'skip' then return null; end if; new.note := upper(new.note); return new; end $$"""
    )
    await shop.execute(
        "create trigger mind before insert or update on shop.orders for each row execute function shop.mind()"
    )
    rows = [{"id": "a", "note": "x"}, {"id": "skip", "note": "x"}]
    assert await write(shop, "upsert", *rows) == 1
    assert await all_of(shop, "select id, note from shop.orders") == [("a", "X")]


async def test_a_partitioned_table(db: Db) -> None:
    await db.execute("create schema shop")
    await db.execute(
        "create table shop.orders (id int, part int, note text, primary key (id, part)) partition by list (part)"
    )
    await db.execute("create table shop.one partition of shop.orders for values in (1)")
    table = ORDERS.model_copy(update={"key": ("id", "part")})
    for mode, note, changed in [("upsert", "x", 1), ("upsert", "x", 0), ("update", "y", 1)]:
        row = {"id": 1, "part": 1, "note": note}
        assert await write(db, mode, row, table=table) == changed
    assert (await refused(db, "upsert", {"id": 1, "part": 2}, table=table)).code == "CONSTRAINT"


async def test_types_of_columns(db: Db) -> None:
    await db.execute("create type mood as enum ('good', 'bad')")
    await db.execute(
        """create table things (k1 bigint, k2 uuid, b boolean, d date, t timestamptz, ts timestamp, j jsonb, js json,
            a text[], n numeric[], m mood, by bytea, f double precision, p point, primary key (k1, k2))"""
    )
    table = Table(table="things", row=True, key=("k2", "k1"))
    key = UUID("0199a4c0-0000-7000-8000-000000000001")
    row = {
        "k1": 2**62, "k2": str(key), "b": True, "d": "2026-11-30", "t": "2026-11-30T10:00:00+02:00",
        "ts": "2026-11-30T10:00:00", "j": {"x": [1.0, None]}, "js": {"y": 1}, "a": ["x", "y"], "n": [1, 2.5],
        "m": "good", "by": "\\xdead", "f": 0.1, "p": "(1,2)",
    }  # fmt: skip
    assert await write(db, "upsert", row, table=table) == 1
    assert await write(db, "upsert", row, table=table) == 0
    assert await write(db, "update", row | {"p": "(1,3)", "js": {"y": 2}}, table=table) == 1
    assert await all_of(db, "select k1, k2, b, d, t, j, a, n, m, by, f from things") == [
        (2**62, key, True, date(2026, 11, 30), datetime(2026, 11, 30, 8, tzinfo=UTC), {"x": [1.0, None]}, ["x", "y"],
         [Decimal(1), Decimal("2.5")], "good", b"\xde\xad", 0.1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("tstzrange", "[now,)"),  # another one each time it is written
        ("datemultirange", "{[2026-01-01,Tomorrow)}"),
        ("numeric", "NaN"),
        ("numeric", " 0x1F "),
        ("float8", "Infinity"),
        ("numeric[]", ["1", "NaN"]),
        ("bytea", "abc"),
        ("date", 20260101),
    ],
)
async def test_what_postgresql_would_read_and_nobody_means(db: Db, type: str, value: Any) -> None:
    await db.execute("create schema shop")
    await db.execute(f"create table shop.orders (id text primary key, it {type})".encode())
    failed = await refused(db, "upsert", {"id": "a", "it": value})
    assert (failed.code, failed.retryable) == ("CONSTRAINT", False)
    assert str(failed).startswith("it is no "), str(failed)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("tstzrange", "[2026-01-01,2026-02-01)"),
        ("numeric", "-1.5e3"),
        ("numeric[]", ["1", 2.5, None]),
        ("bytea", "\\x"),
    ],
)
async def test_what_is_written_well(db: Db, type: str, value: Any) -> None:
    await db.execute("create schema shop")
    await db.execute(f"create table shop.orders (id text primary key, it {type})".encode())
    assert [await write(db, "upsert", {"id": "a", "it": value}) for _ in range(2)] == [1, 0]


async def test_a_trigger_refuses_a_row_for_good(shop: Db) -> None:
    await shop.execute(
        """create function shop.mind() returns trigger language plpgsql as $$ begin
            raise exception 'not %', new.note using errcode = new.note; end $$"""
    )
    await shop.execute(
        "create trigger mind before insert on shop.orders for each row execute function shop.mind()"
    )
    for state in ("P0001", "45000"):
        failed = await refused(shop, "upsert", {"id": "a", "note": state})
        assert (failed.code, failed.retryable) == ("CONSTRAINT", False)


async def test_names_of_any_kind(db: Db) -> None:
    await db.execute('create table "Odd ""name" ("a b" int primary key, "select" text, "ü%s" text)')
    table = Table(table='Odd "name', row=True, key=("a b",))
    assert await write(db, "upsert", {"a b": 1, "select": "x", "ü%s": "{}"}, table=table) == 1
    assert await write(db, "update", {"a b": 1, "select": "y"}, table=table) == 1
    assert await all_of(db, 'select * from "Odd ""name"') == [(1, "y", "{}")]


async def test_all_or_none_in_the_transaction_around(shop: Db) -> None:
    async with shop.transaction():
        await write(shop, "insert_once", {"id": "a"})
        await refused(shop, "insert_once", {"id": "b"}, {"id": "c", "qty": 0})
        await write(shop, "insert_once", {"id": "d"})
    assert [id for id, *_ in await all_of(shop)] == ["a", "d"]


async def test_two_upserts_of_the_same_rows_do_not_block_each_other(
    shop: Db, database: str
) -> None:
    rows = [{"id": f"{n:03}", "total": 0} for n in range(200)]
    failures: list[ActionFailed] = []

    async def writer(order: int, times: int) -> None:
        async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
            for n in range(times):
                given = [row | {"total": n * 2 + (order > 0)} for row in rows[::order]]
                try:
                    await write_rows(connection, {}, ORDERS, "upsert" if n % 2 else "update", given)
                except ActionFailed as failed:
                    failures.append(failed)

    await write(shop, "insert_once", *rows)
    with anyio.fail_after(PATIENCE * 3):
        async with anyio.create_task_group() as tasks:
            for order in (1, -1, 1, -1):
                tasks.start_soon(writer, order, 25)
    assert failures == []


async def test_what_passes_may_be_tried_again(shop: Db, database: str) -> None:
    await write(shop, "insert_once", {"id": "a"})
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        async with shop.transaction():
            await shop.execute("select from shop.orders for update")
            await other.execute("set lock_timeout = '50ms'")
            failed = await refused(other, "upsert", {"id": "a", "total": 5})
            assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)
        await shop.execute("select pg_terminate_backend(%s)", [other.info.backend_pid])
        failed = await refused(other, "upsert", {"id": "a", "total": 5})
        assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)


async def test_a_login_that_may_not(shop: Db, database: str, server: Any) -> None:
    await shop.execute("drop role if exists shop_guest")
    await shop.execute("create role shop_guest")
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as other:
        await other.execute("set role shop_guest")
        failed = await refused(other, "upsert", {"id": "a"})
    assert (failed.code, failed.retryable) == ("RESOURCE_UNAVAILABLE", True)
    assert "login" in str(failed)
    await shop.execute("drop role shop_guest")
