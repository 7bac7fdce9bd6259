"""Server processes that die in the middle of what they write. Touches the database it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from tests.engine.support import Connection, Engine, queue_tables

# Kills the backend in the middle of the n-th statement that writes, counted over all tables.
CRASH = """
create function public.crash() returns trigger language plpgsql as $$
begin
    perform set_config('test.statements', (current_setting('test.statements')::integer + 1)::text, false);
    if current_setting('test.statements') = current_setting('test.crash_at') then
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(10);
    end if;
    return null;
end $$;
"""


def install_crash(db: Connection) -> None:
    """Have sessions that set test.crash_at die there."""
    db.execute(CRASH)
    db.execute("select tasker.ensure_queue('t')")
    for table in _tables(db):
        trigger = f"""create trigger crash after insert or update or delete on {table}
            for each statement when (current_setting('test.crash_at', true) <> '') execute function public.crash()"""
        db.execute(trigger)  # pyright: ignore[reportArgumentType, reportCallIssue]


def everything(db: Connection) -> list[Any]:
    """Return all rows that there are."""
    return [
        sorted(row[0] for row in db.execute(f"select t::text from {table} t").fetchall())  # pyright: ignore[reportArgumentType, reportCallIssue]
        for table in _tables(db)
    ]


def dies_at(engine: Engine, at: int, work: Callable[[Connection], object]) -> bool:
    """Do some work over a connection that dies at its n-th statement; whether it did."""
    with engine.connect() as connection:
        connection.execute("select set_config('test.statements', '0', false)")
        connection.execute("select set_config('test.crash_at', %s, false)", [str(at)])
        try:
            work(connection)
        except psycopg.OperationalError:
            return True
    return False


def _tables(db: Connection) -> list[str]:
    """All tables that hold anything of tasks, and the test's own."""
    found = db.execute(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('tasker', 'public') and c.relkind = 'r' order by 1"
    ).fetchall()
    return [row[0] for row in found] + [table for _, table in queue_tables(db)]
