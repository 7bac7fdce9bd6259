"""Holds resources against the databases that they name. Touches them, and changes nothing."""

from __future__ import annotations

from psycopg import AsyncConnection

from tasker.actions.databases import Databases
from tasker.actions.secrets import Secrets
from tasker.actions.table_contracts import check_table
from tasker.actions.table_shape import find_shape
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Resources, Table
from tasker_grammar.world import ActionFailed

__all__ = ["check_tables"]


async def check_tables(
    resources: Resources, connection: AsyncConnection, secrets: Secrets
) -> list[Finding]:
    """Whether each table is there as its entry says, and may be written by this login."""
    found: list[Finding] = []
    async with Databases(secrets) as databases:
        for name, table in resources.tables.items():
            found += [
                f.below(f"/tables/{name}") for f in await _check(table, connection, databases)
            ]
    return found


async def _check(table: Table, connection: AsyncConnection, databases: Databases) -> list[Finding]:
    if table.database is None:
        return list(check_table(table, await find_shape(connection, {}, table)))
    try:
        async with databases.connect(table.database) as (other, shapes):
            return list(check_table(table, await find_shape(other, shapes, table)))
    except ActionFailed as error:
        return [
            Finding("R506", "warning", str(error), "So the table was not looked at.", "/database")
        ]
