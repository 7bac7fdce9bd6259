"""Each role tries all that it may not do, as the catalogue has it: what is new and was given to nobody is tried too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString, cast

import psycopg
import pytest
from tests.engine.support import (
    Connection,
    claim,
    complete,
    fail,
    hand_in,
    register,
    register_worker,
    rows,
    step,
    submit,
    task_state,
    template,
)
from tests.engine.test_privileges import MAY, acting_as

STRANGER = "tasker_test_trespasser"
ROLES = (*MAY, STRANGER)
VIEW = "tasker.dead_letter"
READABLE = {VIEW, "tasker.migration", "tasker.installed"}

# Functions of the engine, and of PostgreSQL, that a caller makes anew, in its schema and among its temporary ones.
SHADOWED = [
    "now", "jsonb_typeof", "length", "left", "array_position", "cardinality", "isfinite", "clock_timestamp", "lower",
    "jsonb_array_length", "regexp_replace", "pg_notify", "hashtextextended", "make_interval",
]  # fmt: skip
SHADOWED_FUNCTIONS = """
    select distinct format('create function %%I.%%I(%%s) returns %%s language plpgsql as
            $f$ begin perform evil.caught(); return null; end $f$', s.name, p.proname,
            pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid))
    from pg_proc p cross join unnest('{evil,pg_temp}'::text[]) as s(name)
    where p.prokind = 'f' and not p.proretset and p.prorettype <> 'void'::regtype
        and (p.pronamespace = 'tasker'::regnamespace and not p.prosecdef and p.pronargs > 0 and p.proargmodes is null
            or p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (%s) and p.provariadic = 0
                and not p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
                and p.prorettype <> all ('{anyelement,anyarray,anycompatible,anycompatiblearray}'::regtype[]))
"""
_OF_OPERATORS = """
    from pg_operator o where o.oprname in ('=', '<>', '->', '->>', '@?', '?', '||', '&&', '<', '-')
        and o.oprleft = any ('{uuid,jsonb,integer,timestamptz,text}'::regtype[])
        and o.oprright = any ('{uuid,jsonb,integer,text,interval}'::regtype[])
"""
SHADOWED_BEHIND = (
    """select format('create function evil.%I(%s, %s) returns %s language plpgsql as
        $f$ begin perform evil.caught(); return null; end $f$', 'op_' || o.oid, o.oprleft::regtype,
        o.oprright::regtype, o.oprresult::regtype)"""
    + _OF_OPERATORS
)
SHADOWED_OPERATORS = (
    """select format('create operator evil.%s (leftarg = %s, rightarg = %s, function = evil.%I)', o.oprname,
        o.oprleft::regtype, o.oprright::regtype, 'op_' || o.oid)"""
    + _OF_OPERATORS
)


@pytest.fixture
def filled(db: Connection) -> Iterator[Connection]:
    """A database with a task, a dead letter and a queue in it, and a role that nobody granted anything."""
    register(db, template("one", step("a"), step("b", queue="other")))
    submit(db, "one")
    worker = register_worker(db, "t", "other")
    first, second = claim(worker)
    hand_in(worker, complete(first), fail(second))
    db.execute(f"create role {STRANGER}")
    yield db
    db.execute(f"drop role {STRANGER}")


def ask(db: Connection, query: LiteralString, *values: Any) -> list[Any]:
    return [row[0] for row in db.execute(query, values or None).fetchall()]


def allowed(db: Connection, role: str, statements: list[str]) -> list[str]:
    """Which of some statements a role may run, and which fail for another reason than that it may not."""
    found: list[str] = []
    for statement in statements:
        with db.transaction(force_rollback=True):
            db.execute(cast("LiteralString", f'set local role "{role}"'))
            try:
                with db.transaction():
                    db.execute(cast("LiteralString", statement))
                found.append(statement)
            except psycopg.errors.InsufficientPrivilege:
                pass
            except psycopg.Error as error:
                found.append(f"{statement}: {error}")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_role_calls_no_function_that_it_was_not_given(filled: Connection, role: str) -> None:
    mine = list(MAY.get(role, ()))
    calls = ask(
        filled,
        """select format('select %%I.%%I(%%s)', n.nspname, p.proname, (
                select string_agg('null::' || format_type(t, null), ', ' order by o)
                from unnest(p.proargtypes) with ordinality as a(t, o)))
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('tasker', 'pgmq') and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
            and not (n.nspname = 'tasker' and p.proname = any (%s))""",
        mine,
    )
    assert len(calls) > 150
    assert allowed(filled, role, calls) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reads_and_writes_no_table_that_it_was_not_given(
    filled: Connection, role: str
) -> None:
    tables = ask(
        filled,
        """select c.oid::regclass::text from pg_class c
        where c.relkind in ('r', 'v', 'm', 'p', 'f') and c.relnamespace::regnamespace::text in ('tasker', 'pgmq')""",
    )
    sequences = ask(
        filled,
        """select c.oid::regclass::text from pg_class c
        where c.relkind = 'S' and c.relnamespace::regnamespace::text in ('tasker', 'pgmq')""",
    )
    assert "pgmq.q_tasker_other" in tables, "queues that came later are tried too"
    mine = READABLE if role in MAY else set[str]()
    tries = [f"select from {each}" for each in tables if each not in mine]
    tries += [f"select * from {each} for update" for each in tables]
    for each in set(tables) - {VIEW}:
        tries += [f"insert into {each} default values", f"delete from {each}", f"truncate {each}"]
        tries += [f"drop table {each}", f"lock table {each} in exclusive mode"]
    tries += ask(
        filled,
        """select format('update %s set %I = null', c.oid::regclass, (select a.attname from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and a.attidentity = '' and a.attgenerated = ''
            order by a.attnum limit 1))
        from pg_class c where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('tasker', 'pgmq')""",
    )
    for each in sequences:
        tries += [f"select nextval('{each}')", f"select setval('{each}', 1)", f"table {each}"]
    assert allowed(filled, role, tries) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_makes_changes_and_becomes_nothing(filled: Connection, role: str) -> None:
    tries = [
        f"{make} {schema}.{what}"
        for schema in ("tasker", "pgmq")
        for make, what in (
            ("create table", "mine ()"),
            ("create view", "mine as select 1"),
            ("create sequence", "mine"),
            ("create type", "mine as enum ()"),
            ("create function", "mine() returns void language sql as ''"),
        )
    ]
    tries += [
        "drop schema tasker cascade",
        "alter schema tasker rename to ours",
        "alter schema pgmq owner to current_user",
        "grant tasker_operator to current_user",
        "create schema mine",
        "create role mine",
        "alter table tasker.task disable trigger all",
        "alter function tasker.verify(uuid) security invoker",
        "drop function tasker.verify(uuid)",
        "create or replace function tasker.verify(uuid) returns setof text language sql as 'select null::text'",
        "comment on table tasker.task is 'mine'",
        "create index on tasker.task (state)",
        "create trigger mine before insert on tasker.task execute function suppress_redundant_updates_trigger()",
        "create policy mine on tasker.task",
        "copy tasker.task to stdout",
        "copy tasker.task to program 'true'",
    ]
    assert allowed(filled, role, tries) == []


def test_a_member_of_a_role_becomes_no_other(filled: Connection) -> None:
    """A login with one role takes none of the others, nor the owner's."""
    owner = ask(filled, "select current_user::text")
    for role in MAY:
        filled.execute(cast("LiteralString", f"grant {role} to {STRANGER}"))
        filled.execute(cast("LiteralString", f"set session authorization {STRANGER}"))
        try:
            others = [each for each in MAY if each != role]
            assert allowed(filled, role, [f"set role {each}" for each in (*others, *owner)]) == []
        finally:
            filled.execute("reset session authorization")
            filled.execute(cast("LiteralString", f"revoke {role} from {STRANGER}"))


def test_each_function_that_runs_as_its_owner_has_a_path_of_its_own(db: Connection) -> None:
    found = ask(
        db,
        """select p.proname from pg_proc p
        where p.pronamespace = 'tasker'::regnamespace and p.prosecdef
            and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, tasker, pg_temp']""",
    )
    assert found == []
    assert ask(db, "select count(*) from pg_proc where prosecdef and proname = 'exchange'") == [1]


def test_what_a_caller_shadows_is_not_found(filled: Connection) -> None:
    """Functions and operators in the caller's schemas, of the names that the engine uses: none of them is called by the
    functions that run as their owner, even where the caller's path has them first.
    """
    filled.execute("create schema evil; grant all on schema evil to public")
    filled.execute(
        """create function evil.caught() returns void language plpgsql set search_path = pg_catalog as
        $$ begin raise exception using errcode = 'EV001', message = 'caught by ' || current_user; end $$"""
    )
    names = ask(filled, SHADOWED_FUNCTIONS, SHADOWED)
    behind, operators = ask(filled, SHADOWED_BEHIND), ask(filled, SHADOWED_OPERATORS)
    tables = ask(
        filled,
        """select format('create temp table %I ()', c.relname) from pg_class c
        where c.relkind = 'r' and c.relnamespace = 'tasker'::regnamespace""",
    )
    assert len(names) > 50
    assert len(operators) > 20
    assert len(tables) > 20
    with acting_as(filled, "tasker_client"):
        for statement in names + behind + operators + tables:
            filled.execute(cast("LiteralString", statement))
    filled.execute("set search_path = evil, pg_temp, pg_catalog, tasker")
    try:
        with acting_as(filled, "tasker_client"):
            with pytest.raises(psycopg.Error) as caught:
                filled.execute("select 'x'::text = 'x'::text")
            assert caught.value.sqlstate == "EV001", "the trap works"
            register(filled, template("two", step("a"), step("b", "a")))
            task_id = submit(filled, "two", {"x": 1}, tags=["y"], idempotency_key="k")
        with acting_as(filled, "tasker_worker"):
            worker = register_worker(filled, "t")
            for _ in range(2):
                hand_in(worker, *map(complete, claim(worker)))
        with acting_as(filled, "tasker_operator"):
            assert rows(filled, "verify", task_id=task_id) == []
            assert rows(filled, "list_tasks")[0]["task_id"] == str(task_id)
    finally:
        filled.execute("reset search_path")
    assert task_state(filled, task_id) == "complete"


def test_whoever_may_read_reads_every_namespace(filled: Connection) -> None:
    """Roles are not of a namespace: docs/deployment.md says so, and this is what it means."""
    register(filled, {**template("far", step("a")), "namespace": "abroad"})
    task_id = submit(filled, "far", namespace="abroad")
    with acting_as(filled, "tasker_reader"):
        assert {t["namespace"] for t in rows(filled, "list_tasks")} == {"t", "abroad"}
        assert rows(filled, "get_task", task_id=task_id)
