"""Tables and their contracts held against each other: what a column takes, as a JSON Schema. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasker.actions.table_shape import Column, Shape
from tasker.names import did_you_mean
from tasker_grammar.contracts import No, Undecided, Yes, fits
from tasker_grammar.findings import Finding, Severity
from tasker_grammar.resources import Table
from tasker_grammar.telling import pointer

__all__ = ["check_table", "column_schema", "describe_table"]

Schema = dict[str, Any]

_INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_FORMATS = {"date": "date", "timestamptz": "date-time", "uuid": "uuid"}
_RIGHTS: Mapping[str, frozenset[str]] = {
    "insert_once": frozenset({"insert"}),
    "upsert": frozenset({"insert", "update"}),
    "update": frozenset({"update"}),
}
_BYTES = r"^\\x([0-9a-fA-F]{2})*$"


def describe_table(shape: Shape, key: tuple[str, ...]) -> dict[str, Any]:
    """What stands in a file of resources for a table: its columns that can be written, with their types."""
    columns = [column for column in shape.columns.values() if column.writable]
    needed = [c.name for c in columns if c.name in key or not (c.nullable or c.has_default)]
    row = {
        "type": "object",
        "properties": {column.name: column_schema(column) for column in columns},
        "required": needed,
        "additionalProperties": False,
    }
    return {"schema": shape.schema, "table": shape.name, "key": list(key), "row": row}


def column_schema(column: Column) -> Schema:
    """The values that a column takes, as JSON has them."""
    kind = _narrow(column)
    if column.is_array:
        kind = {"type": "array", "items": kind}
    return _or_null(kind) if column.nullable else kind


def check_table(table: Table, shape: Shape | None) -> Iterator[Finding]:
    """What the database says to a table's entry; None: there is no such table. Paths lead into the entry."""
    if shape is None:
        what = f"there is no table {table.schema_name}.{table.table}"
        yield Finding("R506", "error", what, "Create it, or mend its name.", "/table")
        return
    yield from _check_key(table, shape)
    yield from _check_columns(table, shape)
    needed = frozenset({"select"}).union(*(_RIGHTS[mode] for mode in table.modes))
    if missing := sorted(needed - shape.rights):
        verbs, name = ", ".join(missing), f"{table.schema_name}.{table.table}"
        hint = f"For the worker's login: grant {verbs} on {name}."
        yield Finding("R507", "error", f"this login may not {verbs} on {name}", hint, "/table")


def _check_key(table: Table, shape: Shape) -> Iterator[Finding]:
    if frozenset(table.key) not in shape.keys:
        known = ", ".join(f"({', '.join(sorted(key))})" for key in shape.keys)
        hint = f"There are: {known}." if known else "Create one, or give the table a primary key."
        what = f"there is no unique index over ({', '.join(table.key)})"
        yield Finding("R506", "error", what, hint, "/key")


def _check_columns(table: Table, shape: Shape) -> Iterator[Finding]:
    if not isinstance(table.row, dict):
        return
    properties: Mapping[str, Any] = table.row.get("properties", {})
    for name, schema in properties.items():
        at, column = pointer(["row", "properties", name]), shape.columns.get(name)
        if column is None:
            hint = did_you_mean(name, shape.columns) or f"There are: {', '.join(shape.columns)}."
            yield Finding("R506", "error", f"there is no column {name}", hint, at)
        elif not column.writable:
            hint = "Take it out of row: PostgreSQL computes it."
            yield Finding("R506", "error", f"the column {name} cannot be written", hint, at)
        else:
            yield from _check_column(column, schema, at)
    if set(table.modes) & {"insert_once", "upsert"}:
        given = table.row.get("required", [])
        for column in shape.columns.values():
            if (
                column.writable
                and not (column.nullable or column.has_default)
                and column.name not in given
            ):
                what = f"the column {column.name} has no default, and not every row has it"
                hint = (
                    f"Add {column.name} to row and its `required`, or leave only the mode update."
                )
                yield Finding("R506", "error", what, hint, "/row")


def _check_column(column: Column, schema: Any, at: str) -> Iterator[Finding]:
    """An error where the column takes no values of that type; a warning where it may refuse some."""
    ways: list[tuple[Schema, Severity]] = [
        (_wide(column), "error"),
        (column_schema(column), "warning"),
    ]
    for taken, severity in ways:
        match fits(schema, taken):
            case Yes():
                continue
            case No(path, why) | Undecided(path, why):
                what = f"{column.name} is {column.type}, and may be given what that does not take: {path}: {why}"
                hint = (
                    "Such a row fails with CONSTRAINT."
                    if severity == "warning"
                    else "Mend the type."
                )
                yield Finding("R506", severity, what, hint, at)
                return


def _narrow(column: Column) -> Schema:
    if column.values is not None:
        return {"enum": list(column.values)}
    if column.kind in _INTEGERS:
        bound = _INTEGERS[column.kind]
        return {"type": "integer", "minimum": -bound, "maximum": bound - 1}
    if column.kind in _FORMATS:
        return {"type": "string", "format": _FORMATS[column.kind]}
    if column.kind == "bytea":
        return {"type": "string", "pattern": _BYTES}
    kind = _type(column.kind)
    return kind if column.length is None else {**kind, "maxLength": column.length}


def _wide(column: Column) -> Schema:
    if column.kind == "numeric":
        kind: Schema = {"type": ["number", "string"]}
    else:
        kind = _type(column.kind)
    if column.is_array:
        kind = {"type": "array", "items": _or_null(kind)}
    return _or_null(kind) if column.nullable else kind


def _type(kind: str) -> Schema:
    match kind:
        case "bool":
            return {"type": "boolean"}
        case "int2" | "int4" | "int8":
            return {"type": "integer"}
        case "numeric" | "float4" | "float8":
            return {"type": "number"}
        case "json" | "jsonb":
            return {}
        case _:
            return {"type": "string"}


def _or_null(schema: Schema) -> Schema:
    match schema:
        case {"type": str(name)}:
            return {**schema, "type": [name, "null"]}
        case {"type": [*names]}:
            return {**schema, "type": [*names, "null"]}
        case {"enum": [*values]}:
            return {"enum": [*values, None]}
        case _:
            return schema
