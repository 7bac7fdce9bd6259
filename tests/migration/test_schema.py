"""What is installed: the same on both ways there, with comments and closed functions, and every query fits it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from tests.migration.catalog import describe

from tasker_sql.loader import pgmq_sql, read_folder
from tasker_sql.migrate import migrate


def build_directly(connection: psycopg.Connection) -> None:
    """Make the schema from its readable truth, without the migrations."""
    connection.execute(pgmq_sql())
    connection.execute("create schema tasker")
    for file in read_folder("schema"):
        connection.execute(file.text)
    connection.execute("create table tasker.migration (); create table tasker.installed ()")
    connection.execute("set check_function_bodies = off")
    for file in read_folder("functions") + read_folder("roles"):
        connection.execute(file.text)


def test_the_migrations_come_to_the_schema_as_it_is_written(
    any_database: str, any_empty: str
) -> None:
    with psycopg.connect(any_empty, autocommit=True) as connection:
        build_directly(connection)
        built = describe(connection)
    with psycopg.connect(any_database) as connection:
        migrated = describe(connection)
    assert {kind for kind, found in built.items() if found} >= {
        "relations", "columns", "constraints", "indexes", "sequences", "types", "functions",
    }  # fmt: skip
    for kind, found in built.items():
        assert migrated[kind] == found, kind


def test_every_function_and_view_has_a_comment(database: str) -> None:
    with psycopg.connect(database) as connection:
        silent = connection.execute(
            """
            select oid::regprocedure::text from pg_proc
            where pronamespace = 'tasker'::regnamespace and obj_description(oid, 'pg_proc') is null
            union all
            select relname from pg_class
            where relnamespace = 'tasker'::regnamespace and relkind in ('v', 'm')
                and obj_description(oid, 'pg_class') is null
            """
        ).fetchall()
    assert silent == []


def test_no_function_is_open_to_everybody(any_database: str) -> None:
    with psycopg.connect(any_database) as connection:
        open_to_all = connection.execute(
            """
            select p.oid::regprocedure::text from pg_proc p
            cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
            where p.pronamespace = 'tasker'::regnamespace and a.grantee = 0
            """
        ).fetchall()
    assert open_to_all == []


def test_a_function_that_lends_its_owner_s_rights_has_a_fixed_search_path(database: str) -> None:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "select oid::regprocedure::text, proconfig from pg_proc "
            "where pronamespace = 'tasker'::regnamespace and prosecdef"
        ).fetchall()
    assert len(rows) > 20
    # pg_temp comes last: else a temporary table of the caller's would be found before ours.
    fixed = "search_path=pg_catalog, tasker, pg_temp"
    assert [name for name, settings in rows if fixed not in (settings or [])] == []


def test_every_body_is_valid_and_shadows_nothing(any_database: str) -> None:
    """The migrator checks no bodies, because functions call each other; once all are there they can be checked."""
    with psycopg.connect(any_database, autocommit=True) as connection:
        connection.execute("set check_function_bodies = on")
        connection.execute("set plpgsql.extra_errors = 'shadowed_variables'")
        for file in read_folder("functions"):
            try:
                connection.execute(file.text)
            except psycopg.Error as error:
                pytest.fail(f"{file.name}: {error}")


def test_every_view_can_be_read(any_database: str) -> None:
    with psycopg.connect(any_database, autocommit=True) as connection:
        views = connection.execute(
            "select relname from pg_class where relnamespace = 'tasker'::regnamespace and relkind = 'v'"
        ).fetchall()
        assert views
        for (view,) in views:
            connection.execute(sql.SQL("select * from tasker.{}").format(sql.Identifier(view)))


def test_the_server_s_own_functions_are_not_replaced_by_ours_of_the_same_name(
    database: str,
) -> None:
    """uuidv7 is PostgreSQL 18's too; whoever has tasker on the path must still get one, not an ambiguity."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("set search_path = pg_catalog, tasker")
        assert connection.execute("select uuidv7() is not null").fetchone() == (True,)


def test_migrating_leaves_the_session_as_it_was(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("do 'begin end'")  # loads plpgsql and its settings
        before = connection.execute("select name, setting from pg_settings order by 1").fetchall()
        migrate(connection)
        after = connection.execute("select name, setting from pg_settings order by 1").fetchall()
    assert after == before
