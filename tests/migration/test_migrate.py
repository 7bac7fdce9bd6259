"""The migrator: all or nothing, once, by whoever owns the database, and refusals that say what to do."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from tests.engine import support
from tests.fix_postgres import Server
from tests.migration.catalog import describe
from tests.migration.conftest import empty_on

from tasker_sql import migrate as migrator
from tasker_sql.loader import Migration, SqlFile, migrations
from tasker_sql.migrate import MigrationError, Plan, migrate, plan

ROLES = ("tasker_client", "tasker_worker", "tasker_operator", "tasker_reader")


def connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)


def migrate_url(url: str) -> bool:
    """Migrate on a connection of its own; whether there was anything to do."""
    with connect(url) as connection:
        return bool(migrate(connection))


def schemas(connection: Connection) -> set[str]:
    rows = connection.execute(
        "select nspname from pg_namespace where nspname in ('pgmq', 'tasker')"
    ).fetchall()
    return {name for (name,) in rows}


def records(connection: Connection) -> list[Any]:
    """All that the migrator writes down, and when it did."""
    query = "select * from tasker.{} order by 1"
    return [
        connection.execute(sql.SQL(query).format(sql.Identifier(table))).fetchall()
        for table in ("migration", "installed")
    ]


# Two at once


def test_of_many_migrators_at_once_one_migrates(empty: str) -> None:
    together = threading.Barrier(4)

    def act(_: int) -> bool:
        together.wait(60)
        return migrate_url(empty)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(act, range(4))) == [False, False, False, True]
    with connect(empty) as connection:
        assert len(records(connection)[0]) == len(migrations())


def test_so_it_is_with_processes(any_empty: str) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as processes:
        assert sorted(processes.map(migrate_url, [any_empty] * 3)) == [False, False, True]


@contextmanager
def without_roles(make_server: Callable[..., Server]) -> Iterator[tuple[str, str]]:
    """Two empty databases of a server on which nobody has ever migrated."""
    server = make_server(18)
    with empty_on(server) as first, empty_on(server) as second:
        yield first, second


def test_migrators_of_two_databases_may_both_want_to_make_the_roles(
    make_server: Callable[..., Server],
) -> None:
    """Roles belong to the server, but the migrators' lock to a database."""
    with (
        without_roles(make_server) as (first, second),
        connect(first) as holder,
        connect(first) as watcher,
        ThreadPoolExecutor(1) as threads,
    ):
        with holder.transaction():
            assert migrate(holder)
            other = threads.submit(migrate_url, second)
            until(lambda: other.done() or waits_for(watcher, holder.info.backend_pid))
        assert other.result(60)
        with connect(second) as connection:
            assert granted(connection) == set(ROLES)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server shows but does not announce."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waits_for(connection: Connection, pid: int) -> bool:
    """Whether somebody waits for a lock of that process."""
    query = "select exists (select from pg_stat_activity where %s = any (pg_blocking_pids(pid)))"
    return bool(support.one(connection, query, pid))


# Again


def test_migrating_again_changes_nothing(any_empty: str) -> None:
    with connect(any_empty) as connection:
        assert migrate(connection)
        written, made = records(connection), describe(connection)
        done = migrate(connection)
        assert not done
        assert done.describe() == []
        assert (records(connection), describe(connection)) == (written, made)


def test_a_plan_changes_nothing_and_says_what_migrating_does(empty: str) -> None:
    with connect(empty) as connection:
        planned = plan(connection)
        assert schemas(connection) == set()
        assert planned == migrate(connection)
        assert planned.describe()[:2] == ["install pgmq", "apply migration 0001 initial"]


def test_changed_functions_are_replaced_and_tables_left_alone(database: str) -> None:
    with connect(database) as connection:
        made = describe(connection)
        connection.execute("update tasker.installed set version = 'older'")
        connection.execute(
            "create or replace function tasker.get_task(task_id uuid) returns json language sql as 'select null::json'"
        )
        assert migrate(connection).describe() == ["replace functions"]
        assert describe(connection) == made


# Interrupted


def with_a_second_migration(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    known = [*migrations(), Migration(2, "second", text.encode())]
    monkeypatch.setattr(migrator, "migrations", lambda: known)


def test_a_migration_with_an_error_leaves_nothing(
    any_empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_second_migration(monkeypatch, "create table tasker.more (); select 1 / 0")
    with connect(any_empty) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(connection)
        assert schemas(connection) == set()
        assert not connection.info.transaction_status
        monkeypatch.undo()
        assert migrate(connection)


def test_an_upgrade_with_an_error_leaves_what_was_there(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_second_migration(monkeypatch, "drop function tasker.get_task; select 1 / 0")
    with connect(database) as connection:
        written, made = records(connection), describe(connection)
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(connection)
        assert (records(connection), describe(connection)) == (written, made)


def test_an_upgrade_applies_only_what_is_new(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_second_migration(monkeypatch, "create table tasker.more ()")
    with connect(database) as connection:
        assert migrate(connection).describe() == ["apply migration 0002 second"]
        assert [row[:2] for row in records(connection)[0]] == [(1, "initial"), (2, "second")]
        assert not migrate(connection)


def test_a_migrator_whose_backend_is_killed_leaves_nothing(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_second_migration(monkeypatch, "select pg_advisory_xact_lock(4711)")
    with connect(empty) as holder, connect(empty) as watcher, ThreadPoolExecutor(1) as threads:
        with holder.transaction():
            holder.execute("select pg_advisory_xact_lock(4711)")
            migrating = threads.submit(migrate_url, empty)
            until(lambda: migrating.done() or waits_for(watcher, holder.info.backend_pid))
            killed = watcher.execute(
                "select pg_terminate_backend(pid, 60000) from pg_stat_activity where %s = any (pg_blocking_pids(pid))",
                [holder.info.backend_pid],
            ).fetchall()
            assert killed == [(True,)]
            with pytest.raises(psycopg.OperationalError):
                migrating.result(60)
        assert schemas(watcher) == set()
        monkeypatch.undo()
        assert migrate(watcher)


# Whoever owns the database


@contextmanager
def plain_role(url: str, *privileges: str) -> Iterator[str]:
    """The URL with a login that is no superuser and may create neither roles nor databases."""
    with connect(url) as owner:
        owner.execute("create role tasker_test_plain login")
        for privilege in privileges:
            statement = sql.SQL("grant {} to tasker_test_plain")
            owner.execute(statement.format(sql.SQL(cast(Any, privilege))))
        try:
            yield make_conninfo(url, user="tasker_test_plain")
        finally:
            owner.execute("drop owned by tasker_test_plain cascade")
            owner.execute("drop role tasker_test_plain")


def may_create_in(url: str) -> str:
    return f"create on database {psycopg.conninfo.conninfo_to_dict(url)['dbname']}"


def test_a_plain_role_may_migrate_and_run_the_engine(any_empty: str) -> None:
    with plain_role(any_empty, may_create_in(any_empty)) as url, connect(url) as connection:
        assert not support.one(
            connection, "select rolsuper or rolcreaterole from pg_roles where rolname = user"
        )
        migrate(connection)
        assert not migrate(connection)
        support.register(connection, support.template("plain", support.step("a")))
        task = support.submit(connection, "plain")
        worker = support.register_worker(connection, "t")
        lease = support.claim_one(worker)
        support.hand_in(worker, support.complete(lease, {"n": 1}))
        assert support.task_state(connection, task) == "complete"


def test_a_role_without_privileges_is_told_what_it_needs(any_empty: str) -> None:
    with plain_role(any_empty) as url, connect(url) as connection:
        with pytest.raises(MigrationError, match=r"_plain may not .* grant it create on"):
            migrate(connection)
        assert schemas(connection) == set()


def test_so_is_a_stranger_on_a_database_that_is_migrated(database: str) -> None:
    with plain_role(database) as url, connect(url) as connection:
        for act in (plan, migrate):
            with pytest.raises(MigrationError, match="tasker_test_plain may not"):
                act(connection)


def test_and_a_login_that_may_only_read_it(database: str) -> None:
    with connect(database) as owner:
        owner.execute("update tasker.installed set version = 'older'")
    with plain_role(database, "tasker_reader") as url, connect(url) as connection:
        assert plan(connection).describe() == ["replace functions"]
        with pytest.raises(MigrationError, match="tasker_test_plain may not"):
            migrate(connection)


def test_schemas_that_were_made_before_but_are_empty_are_filled(empty: str) -> None:
    with connect(empty) as connection:
        connection.execute("create schema pgmq; create schema tasker")
        assert migrate(connection).describe()[0] == "install pgmq"
        support.register(connection, support.template("plain", support.step("a")))


# Roles that come later


def granted(connection: Connection) -> set[str]:
    """Which of the four roles may use the schema and call what all of them may."""
    rows = connection.execute(
        """
        select rolname from pg_roles where rolname = any (%s) and has_schema_privilege(oid, 'tasker', 'usage')
        and has_function_privilege(oid, 'tasker.get_task(uuid)', 'execute')
        and has_table_privilege(oid, 'tasker.dead_letter', 'select')
        """,
        [list(ROLES)],
    ).fetchall()
    return {name for (name,) in rows}


def test_roles_that_are_made_later_are_granted_when_one_migrates_again(
    make_server: Callable[..., Server],
) -> None:
    with (
        without_roles(make_server) as (url, _),
        connect(url) as admin,
        plain_role(url, may_create_in(url)) as plain_url,
        connect(plain_url) as plain,
    ):
        migrate(plain)
        assert granted(admin) == set()
        assert not migrate(plain)
        for role in ROLES:
            admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        assert plan(plain).describe() == ["grant the functions to the roles"]
        assert migrate(plain)
        assert granted(admin) == set(ROLES)
        assert not migrate(plain)


# Refusals


def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    with connect(database) as connection:
        connection.execute(
            "insert into tasker.migration (version, name, checksum) values (2, 'later', 'x')"
        )
        made = records(connection)
        with pytest.raises(
            MigrationError, match=r"version 2, newer than this Tasker's 1: update Tasker"
        ):
            migrate(connection)
        assert records(connection) == made


def test_a_migration_that_was_applied_with_other_content_is_refused(database: str) -> None:
    with connect(database) as connection:
        connection.execute("update tasker.migration set checksum = 'x'")
        with pytest.raises(MigrationError, match="0001 initial was applied with other content"):
            migrate(connection)


def test_a_server_that_is_too_old_is_refused() -> None:
    old = cast(Any, SimpleNamespace(info=SimpleNamespace(server_version=140011)))
    with pytest.raises(MigrationError, match="PostgreSQL 14 is too old: Tasker needs 15 or newer"):
        plan(old)


# Files


def test_migrations_count_without_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasker_sql import loader

    for names in (["0001_a.sql", "0003_c.sql"], ["0002_b.sql"], ["1_a.sql"], ["0001_A.sql"]):
        monkeypatch.setattr(
            loader, "read_folder", lambda _, names=names: [SqlFile(n, b"") for n in names]
        )
        with pytest.raises(ValueError, match=r"expected 000[12]_some_name.sql"):
            loader.migrations()


def test_the_first_migration_is_what_the_schema_says() -> None:
    from tasker_sql.initial import main

    assert main(["--check"]) == 0


def test_a_plan_without_changes_is_false() -> None:
    assert not Plan(False, (), False, False)
    assert Plan(False, (), False, True)
