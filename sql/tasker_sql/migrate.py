"""Brings a database to the version of this code, in one transaction. Touches the database.

Tables change by migrations, applied once each and recorded. Functions and views are replaced whole whenever any of
them has changed, so no migration ever repeats a function's body.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Connection

from tasker_sql.loader import Migration, SqlFile, checksum, migrations, pgmq_sql, read_folder

__all__ = ["MigrationError", "Plan", "migrate", "plan"]

_OLDEST_SERVER = 15
_LOCK = 0x7461736B6572  # "tasker"
_LACKS_GRANTS = """
    select coalesce(bool_or(case
        when r.oid is null then me.rolsuper or me.rolcreaterole
        else not has_schema_privilege(r.oid, n.oid, 'usage') end), true)
    from pg_namespace n
    cross join unnest(%s::text[]) as wanted(name)
    join pg_roles me on me.rolname = current_user
    left join pg_roles r on r.rolname = wanted.name
    where n.nspname = 'tasker'
"""
_ROLES = ("tasker_client", "tasker_worker", "tasker_operator", "tasker_reader")


class MigrationError(Exception):
    """The database cannot be brought to this version; nothing was changed. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What migrating changes: whether pgmq is installed, which migrations, whether functions are replaced.

    `grant`: a role of ours is there that may not use the schema yet, such as one made after the last migration.
    """

    install_pgmq: bool
    pending: tuple[Migration, ...]
    replace_functions: bool
    grant: bool

    def __bool__(self) -> bool:
        return self.install_pgmq or bool(self.pending) or self.replace_functions or self.grant

    def describe(self) -> list[str]:
        """A line for each change; none when there is nothing to do."""
        lines = ["install pgmq"] if self.install_pgmq else []
        lines += [f"apply migration {one.version:04} {one.name}" for one in self.pending]
        lines += ["replace functions"] if self.replace_functions else []
        return lines + (["grant the functions to the roles"] if self.grant else [])


def plan(connection: Connection) -> Plan:
    """What `migrate` would do. Raises MigrationError when it would refuse."""
    with _privileges_explained(connection):
        return _plan(connection)


def migrate(connection: Connection) -> Plan:
    """Bring the database up to date, all or nothing, and return what was done. Two at once take turns.

    The connection's role must own the database, or at least be allowed to create schemas in it. Raises MigrationError.
    """
    with _privileges_explained(connection), connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        todo = _plan(connection)
        if todo:
            _apply(connection, todo)
    return todo


def _plan(connection: Connection) -> Plan:
    server = connection.info.server_version // 10000
    if server < _OLDEST_SERVER:
        raise MigrationError(
            f"PostgreSQL {server} is too old: Tasker needs {_OLDEST_SERVER} or newer"
        )
    known = migrations()
    applied = _applied(connection)
    if len(applied) > len(known):
        raise MigrationError(
            f"the database is at version {len(applied)}, newer than this Tasker's {len(known)}: update Tasker"
        )
    for migration, applied_checksum in zip(known, applied, strict=False):
        if migration.checksum != applied_checksum:
            raise MigrationError(
                f"migration {migration.version:04} {migration.name} was applied with other content: "
                "this Tasker was not built from the release that made the database"
            )
    return Plan(
        install_pgmq=not _has_table(connection, "pgmq", "meta"),
        pending=tuple(known[len(applied) :]),
        replace_functions=_functions_checksum(connection) != checksum(_functions()),
        grant=_lacks_grants(connection),
    )


@contextmanager
def _privileges_explained(connection: Connection) -> Generator[None]:
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"the role {connection.info.user} may not do this: {error.diag.message_primary}. Migrate as the database's "
            f"owner, or grant it create on database {connection.info.dbname}"
        ) from error


def _apply(connection: Connection, todo: Plan) -> None:
    if todo.install_pgmq:
        _install_pgmq(connection)
    if not _exists(connection, "tasker"):
        connection.execute("create schema tasker")
    connection.execute(b"""
        set local client_min_messages = warning;
        set local check_function_bodies = off;
        create table if not exists tasker.migration (
            version integer primary key, name text not null, checksum text not null,
            applied_at timestamptz not null default now(), applied_by text not null default current_user);
        create table if not exists tasker.installed (
            what text primary key, version text not null, changed_at timestamptz not null default now());
    """)
    for migration in todo.pending:
        connection.execute(migration.text)
        connection.execute(
            "insert into tasker.migration (version, name, checksum) values (%s, %s, %s)",
            [migration.version, migration.name, migration.checksum],
        )
    for file in _functions():
        connection.execute(file.text)
    connection.execute(
        "insert into tasker.installed (what, version) values ('functions', %s) "
        "on conflict (what) do update set version = excluded.version, changed_at = now()",
        [checksum(_functions())],
    )


def _install_pgmq(connection: Connection) -> None:
    """The extension where this role may create it, else the SQL that pgmq's Python package ships."""
    row = connection.execute(
        "select exists (select from pg_available_extensions where name = 'pgmq') and "
        "(select rolsuper from pg_roles where rolname = current_user)"
    ).fetchone()
    if row is not None and row[0]:
        connection.execute("create extension pgmq")
    else:
        connection.execute(pgmq_sql())


def _functions() -> list[SqlFile]:
    return read_folder("functions") + read_folder("roles")


def _exists(connection: Connection, schema: str) -> bool:
    return (
        connection.execute("select from pg_namespace where nspname = %s", [schema]).fetchone()
        is not None
    )


def _applied(connection: Connection) -> list[str]:
    if not _has_table(connection, "tasker", "migration"):
        return []
    rows = connection.execute("select checksum from tasker.migration order by version").fetchall()
    return [row[0] for row in rows]


def _functions_checksum(connection: Connection) -> str | None:
    if not _has_table(connection, "tasker", "installed"):
        return None
    row = connection.execute(
        "select version from tasker.installed where what = 'functions'"
    ).fetchone()
    return row[0] if row else None


def _lacks_grants(connection: Connection) -> bool:
    row = connection.execute(_LACKS_GRANTS, [list(_ROLES)]).fetchone()
    return row is None or row[0]


def _has_table(connection: Connection, schema: str, name: str) -> bool:
    """Whether there is one. Asks the catalog, so that no privilege on the schema is needed."""
    query = "select from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = %s and relname = %s"
    return connection.execute(query, [schema, name]).fetchone() is not None
