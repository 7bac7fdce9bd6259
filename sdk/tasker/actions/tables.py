"""`persist`: writes rows to a table, all or none, so that writing them again changes nothing. Touches the database.

Whatever is written is one statement for each set of columns that rows have, with the names from the resources, found
in the database before; the values travel as one JSON document, which PostgreSQL reads as the columns' types. Rows are
locked in the order of their keys, so that two writes of the same rows wait for each other and do not block each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, sql

from tasker.actions.table_shape import OURS, Shape, Shapes, find_shape
from tasker.actions.table_values import encode_rows
from tasker_grammar.resources import Table
from tasker_grammar.world import ActionFailed
from tasker_sql.session import passes

__all__ = ["Mode", "write_rows"]

Mode = Literal["insert_once", "upsert", "update"]
Row = Mapping[str, Any]

# An undefined or ambiguous column, table, schema; another type than was known.
_STALE = frozenset({"42703", "42P01", "3F000", "42804", "42P10", "42883"})
_NOT_ALLOWED = "42501"
# Constraints that wait for the commit would fail it where nobody expects it: behind the write, or with the completion.
_CHECK_NOW = "set constraints all immediate"

_MOST_NAMED = 3
"""How many rows a message names."""
_LONGEST_KEY = 60  # characters


async def write_rows(
    connection: AsyncConnection, shapes: Shapes, table: Table, mode: Mode, rows: Sequence[Row]
) -> int:
    """Write rows, and give how many were changed. In the connection's transaction, if it is in one.

    insert_once: a row whose key is there stays as it is. upsert: it is changed where it differs. update: it is changed
    where it differs, and one that is not there is a CONFLICT. A column that a row does not have keeps its value, or
    gets the table's default. Raises ActionFailed: CONFLICT (also for two rows with one key), CONSTRAINT,
    RESOURCE_UNAVAILABLE. Nothing is written then.
    """
    if not rows:
        return 0
    try:
        async with connection.transaction():
            shape = await _known_shape(connection, shapes, table)
            _check_rows(shape, table, rows)
            await _check_keys(connection, shape, table, rows)
            groups = groupby(sorted(rows, key=_columns_of), _columns_of)
            changed = [
                await _write(connection, shape, table, mode, columns, list(group))
                for columns, group in groups
            ]
            await connection.execute(_CHECK_NOW)
            return sum(changed)
    except psycopg.Error as error:
        raise _failure(error, table) from None


async def _known_shape(connection: AsyncConnection, shapes: Shapes, table: Table) -> Shape:
    shape = None if table.schema_name in OURS else await find_shape(connection, shapes, table)
    if shape is None:
        raise _unavailable(table, "is not there")
    if frozenset(table.key) not in shape.keys:
        raise _unavailable(table, f"has no unique index over ({', '.join(table.key)})")
    return shape


def _check_rows(shape: Shape, table: Table, rows: Sequence[Row]) -> None:
    for column in frozenset[str]().union(*rows):
        if column not in shape.columns or not shape.columns[column].writable:
            raise _unavailable(table, f"has no column {column} that can be written")
    for column in table.key:
        if any(row.get(column) is None for row in rows):
            raise ActionFailed("CONSTRAINT", f"a row has no {column}, which is in the table's key")


async def _check_keys(
    connection: AsyncConnection, shape: Shape, table: Table, rows: Sequence[Row]
) -> None:
    if len(rows) == 1:
        return
    data = encode_rows(shape, [{name: row[name] for name in table.key} for row in rows])
    given = _given(shape, sorted(table.key))
    query = sql.SQL("select count(*) from (select distinct {} from {}) as given").format(
        _list("r", table.key), given
    )
    if await _count(connection, query, data) < len(rows):
        twice = sql.SQL("{} group by {} having count(*) > 1").format(given, _list("r", table.key))
        told = await _name_rows(connection, table, twice, data)
        raise ActionFailed("CONFLICT", f"several rows have the same key {told}")


async def _write(
    connection: AsyncConnection,
    shape: Shape,
    table: Table,
    mode: Mode,
    columns: tuple[str, ...],
    rows: Sequence[Row],
) -> int:
    """Write rows that have the same columns."""
    data = encode_rows(shape, rows)
    if mode == "update":
        found = await _count(connection, _lock(shape, table, columns), data)
        if found < len(rows):
            absent = sql.SQL("{} where not exists (select from {} as t where {})").format(
                _given(shape, columns), _name(shape), _same_key(table)
            )
            told = await _name_rows(connection, table, absent, data)
            missing = len(rows) - found
            what = "a row to update is" if missing == 1 else f"{missing} rows to update are"
            raise ActionFailed("CONFLICT", f"{what} not there, by the key {told}")
    statement = _statement(shape, table, mode, columns)
    return 0 if statement is None else (await connection.execute(statement, [data])).rowcount


def _statement(
    shape: Shape, table: Table, mode: Mode, columns: tuple[str, ...]
) -> sql.Composed | None:
    others = [name for name in columns if name not in table.key]
    if mode == "update":
        return None if not others else sql.SQL("update {} as t set {} from {} where {} and {}").format(
            _name(shape), _set("r", others), _given(shape, columns), _same_key(table), _differ("r", others)
        )  # fmt: skip
    if mode == "insert_once" or not others:
        action = sql.SQL("nothing")
    else:
        action = sql.SQL("update set {} where {}").format(
            _set("excluded", others), _differ("excluded", others)
        )
    return sql.SQL(
        "insert into {} as t ({}) select {} from {} order by {} on conflict ({}) do {}"
    ).format(
        _name(shape),
        sql.SQL(", ").join(map(_id, columns)),
        _list("r", columns),
        _given(shape, columns),
        _list("r", sorted(table.key)),
        sql.SQL(", ").join(map(_id, table.key)),
        action,
    )


def _lock(shape: Shape, table: Table, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(
        "select count(*) from (select from {} as t join {} on {} order by {} for update of t) as locked"
    ).format(_name(shape), _given(shape, columns), _same_key(table), _list("t", sorted(table.key)))


def _given(shape: Shape, columns: Sequence[str]) -> sql.Composed:
    """The rows that are written, as a table r."""
    types = [
        sql.SQL("{} {}").format(_id(name), _type(shape.columns[name].type)) for name in columns
    ]
    return sql.SQL("jsonb_to_recordset(%s::jsonb) as r({})").format(sql.SQL(", ").join(types))


def _type(text: str) -> sql.SQL:
    """A type as the catalog writes it, with its own quotes."""
    return sql.SQL(cast("LiteralString", text.replace("%", "%%")))


def _id(*names: str) -> sql.Identifier:
    return sql.Identifier(*(name.replace("%", "%%") for name in names))


def _name(shape: Shape) -> sql.Identifier:
    return _id(shape.schema, shape.name)


def _list(source: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(_id(source, name) for name in columns)


def _set(source: str, columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} = {}").format(_id(name), _id(source, name)) for name in columns
    )


def _same_key(table: Table) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(_id("t", name), _id("r", name)) for name in table.key
    )


def _differ(source: str, columns: Sequence[str]) -> sql.Composed:
    """Whether some column would change. What is stored is compared, and not what it means: to PostgreSQL boxes of one
    size are equal, 30 days are a month, and some types know no equality.
    """
    return sql.SQL("row({})::record *<> row({})::record").format(
        _list("t", columns), _list(source, columns)
    )


async def _name_rows(
    connection: AsyncConnection, table: Table, given: sql.Composed, data: str
) -> str:
    """Rows r as messages name them: the columns of their key, a few of their keys, and how many more there are."""
    keys = _list("r", table.key)
    key = sql.SQL("to_json({})" if len(table.key) == 1 else "json_build_array({})").format(keys)
    query = sql.SQL(
        "select {}::text, count(*) over () from {} order by {} limit {}"
    ).format(key, given, keys, _MOST_NAMED)  # fmt: skip
    found = await (await connection.execute(query, [data])).fetchall()
    named = ", ".join(
        text if len(text) <= _LONGEST_KEY else f"{text[:_LONGEST_KEY]}…" for text, _ in found
    )
    more = max((total - len(found) for _, total in found), default=0)
    return f"({', '.join(table.key)}): {named}{f' and {more} more' if more else ''}"


async def _count(connection: AsyncConnection, query: sql.Composed, data: str) -> int:
    row = await (await connection.execute(query, [data])).fetchone()
    assert row is not None
    return row[0]


def _columns_of(row: Row) -> tuple[str, ...]:
    return tuple(sorted(row))


def _failure(error: psycopg.Error, table: Table) -> ActionFailed:
    """What a database's error means to the step. What the server says of values is left out."""
    state = error.sqlstate or ""
    if passes(error):
        return _unavailable(
            table, f"could not be written just now ({state or type(error).__name__})"
        )
    if state == _NOT_ALLOWED:
        return _unavailable(table, "may not be written by the worker's login")
    if state in _STALE:
        return _unavailable(table, f"is not what it was known to be ({state})")
    if state.startswith("23"):
        what = error.diag.constraint_name or error.diag.column_name or state
        return ActionFailed(
            "CONSTRAINT", f"{table.schema_name}.{table.table} refuses a row: {what}"
        )
    if state == "21000":
        return ActionFailed("CONFLICT", f"two rows have the same key ({', '.join(table.key)})")
    if state.startswith(("22", "45", "54", "P0")):
        kind = type(error).__name__
        message = f"{table.schema_name}.{table.table} cannot hold a row: {kind} ({state})"
        return ActionFailed("CONSTRAINT", message)
    return _unavailable(table, f"could not be written ({state or type(error).__name__})")


def _unavailable(table: Table, what: str) -> ActionFailed:
    message = f"the table {table.schema_name}.{table.table} {what}"
    return ActionFailed("RESOURCE_UNAVAILABLE", message, retryable=True)
