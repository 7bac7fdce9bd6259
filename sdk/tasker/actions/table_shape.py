"""What a table looks like in the database: columns with their types, and what its rows are unique by. Touches the
database.

A table is named in resources, and its columns by a contract; nothing of that goes into SQL before it was found here.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import LiteralString

from psycopg import AsyncConnection

from tasker_grammar.resources import Table

__all__ = ["OURS", "Column", "Shape", "Shapes", "find_shape", "read_shape"]

OURS = frozenset({"tasker", "pgmq", "pg_catalog", "information_schema"})
"""Schemas that no resource may name: who writes there breaks the engine."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `type` is as SQL writes it, `kind` the name of the type without its length, of an array that of its
    items. `values`: those of an enum. `length`: the most characters, where that is limited.
    """

    name: str
    type: str
    kind: str
    is_array: bool
    nullable: bool
    has_default: bool
    writable: bool
    values: Sequence[str] | None
    length: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A table. `keys`: the columns of each of its unique indexes, those of the primary key first. `rights`: what the
    login may do, with some columns of it at least: select, insert, update. `version`: another one when its columns or
    indexes have changed.
    """

    schema: str
    name: str
    columns: Mapping[str, Column]
    keys: tuple[frozenset[str], ...]
    rights: frozenset[str]
    version: str


Shapes = MutableMapping[tuple[str, str], Shape]
"""The shapes that are known of one database, by schema and name."""

_TABLE: LiteralString = """
    select c.oid, array(select p.name from pg_catalog.unnest('{select,insert,update}'::text[]) as p(name)
        where pg_catalog.has_table_privilege(c.oid, p.name) or pg_catalog.has_any_column_privilege(c.oid, p.name)),
        pg_catalog.concat(c.oid,
            array(select a.xmin from pg_catalog.pg_attribute a where a.attrelid = c.oid order by a.attnum),
            array(select i.xmin from pg_catalog.pg_index i where i.indrelid = c.oid order by i.indexrelid))
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %s and c.relname = %s and c.relkind in ('r', 'p')
"""
_COLUMNS: LiteralString = """
    select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
        coalesce(i.typname, b.typname, t.typname), e.oid is not null,
        not (a.attnotnull or t.typnotnull), a.atthasdef or a.attidentity <> '',
        a.attgenerated = '' and a.attidentity <> 'a',
        (select array_agg(v.enumlabel::text order by v.enumsortorder) from pg_catalog.pg_enum v
            where v.enumtypid = coalesce(i.oid, t.oid)),
        case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_type b on b.oid = t.typbasetype
    left join pg_catalog.pg_type e on e.oid = t.oid and t.typcategory = 'A'
    left join pg_catalog.pg_type i on i.oid = e.typelem
    where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
_KEYS: LiteralString = """
    select array(select a.attname::text from pg_catalog.pg_attribute a
        where a.attrelid = i.indrelid and a.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1]))
    from pg_catalog.pg_index i
    where i.indrelid = %s and i.indisunique and i.indisvalid and i.indimmediate
        and i.indpred is null and i.indexprs is null
    order by i.indisprimary desc, i.indexrelid
"""


async def find_shape(connection: AsyncConnection, shapes: Shapes, table: Table) -> Shape | None:
    """A table as it is now, or None; what is known of it is read again when it has changed."""
    name = (table.schema_name, table.table)
    shape = await read_shape(connection, *name, shapes.get(name))
    if shape is not None:
        shapes[name] = shape
    return shape


async def read_shape(
    connection: AsyncConnection, schema: str, name: str, known: Shape | None = None
) -> Shape | None:
    """A table as it is now, which may be as it was known, or None. Ordinary and partitioned tables are looked for, no
    views.
    """
    row = await (await connection.execute(_TABLE, [schema, name])).fetchone()
    if row is None:
        return None
    oid, rights, version = row
    if known is not None and known.version == version:
        return known
    columns = await (await connection.execute(_COLUMNS, [oid])).fetchall()
    keys = await (await connection.execute(_KEYS, [oid])).fetchall()
    return Shape(
        schema,
        name,
        {column.name: column for column in starmap(Column, columns)},
        tuple(frozenset(key) for (key,) in keys),
        frozenset(rights),
        version,
    )
