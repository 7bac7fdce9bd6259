"""Holds resources against the databases and secrets that they name. Touches them, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import AsyncConnection

from tasker.actions.databases import Databases
from tasker.actions.secrets import SecretError, Secrets
from tasker.actions.table_contracts import check_table
from tasker.actions.table_shape import find_shape
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Resources, Secret, Table
from tasker_grammar.world import ActionFailed

__all__ = ["check_secrets", "check_tables"]


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


def check_secrets(resources: Resources, secrets: Secrets) -> Iterator[Finding]:
    """Which secrets cannot be found here. Paths lead into the file of resources."""
    for path, secret in _secrets_of(resources):
        try:
            secrets(secret.name)
        except SecretError as error:
            hint = "Workers need it; set it where they run."
            yield Finding("R508", "warning", str(error), hint, path)


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


def _secrets_of(resources: Resources) -> Iterator[tuple[str, Secret]]:
    for name, endpoint in resources.endpoints.items():
        texts = {"base_url": endpoint.base_url}
        texts |= {f"headers/{header}": text for header, text in endpoint.headers.items()}
        for field, text in texts.items():
            if isinstance(text, Secret):
                yield f"/endpoints/{name}/{field}", text
    for name, table in resources.tables.items():
        if table.database is not None:
            yield f"/tables/{name}/database", table.database
