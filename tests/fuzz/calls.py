"""Hostile calls of every function that a role may call, as the catalogue has them. Touches the database it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from tests.engine.support import Connection
from tests.fuzz import hostile
from tests.fuzz.world import World

ROLES = ("tasker_client", "tasker_worker", "tasker_operator", "tasker_reader")
LEASE = ("queue_id", "msg_id", "read_ct", "task_id", "step_no")


@dataclass(frozen=True)
class Function:
    """A function of the API. `arguments` are names and types; the last `defaults` of them may be left out. `writes`:
    whether it may.
    """

    name: str
    role: str
    arguments: Sequence[tuple[str, str]]
    defaults: int
    writes: bool


def list_functions(db: Connection) -> list[Function]:
    """What at least one role may call, each with the first of them."""
    found = db.execute(
        """select p.proname, r.role,
            array(select format_type(t, null) from unnest(p.proargtypes) with ordinality as a(t, n) order by n),
            p.proargnames[:p.pronargs], p.pronargdefaults, p.provolatile = 'v'
        from pg_proc p cross join lateral (select r as role from unnest(%s::text[]) with ordinality as u(r, n)
            where has_function_privilege(r, p.oid, 'execute') order by n limit 1) as r
        where p.pronamespace = 'tasker'::regnamespace order by 1""",
        [list(ROLES)],
    )
    return [
        Function(name, role, list(zip(names or [], types, strict=True)), defaults, writes)
        for name, role, types, names, defaults, writes in found
    ]


def draw_arguments(random: Random, function: Function, world: World) -> dict[str, Any]:
    """Arguments of a call: most good, so that it gets far, and some hostile."""
    chance = random.choice((0.0, 0.6, 0.85, 0.95))
    required = len(function.arguments) - function.defaults
    drawn = {
        name: hostile.argument(random, name, kind, world.good, chance)
        for at, (name, kind) in enumerate(function.arguments)
        if at < required or random.random() < 0.6
    }
    if kinds_of(function).keys() >= set(LEASE) and random.random() < 0.7:
        lease = random.choice(world.good["leases"][0])
        spoilt = random.choice((*LEASE, None, None, None))
        drawn |= {key: lease[key] for key in LEASE if key != spoilt}
    if (whole := world.calls.get(function.name)) and random.random() < 0.6:
        spoilt = random.choice((None, *kinds_of(function)))
        drawn |= {key: each for key, each in random.choice(whole).items() if key != spoilt}
    return drawn


def kinds_of(function: Function) -> dict[str, str]:
    """The types of a function's arguments, by name."""
    return dict(function.arguments)


def call(db: Connection, function: Function, arguments: Mapping[str, Any]) -> list[Any]:
    """Make a call as the role that may, and read all it returns."""
    kinds = kinds_of(function)
    given = sql.SQL(", ").join(
        sql.SQL("{} => {}::{}").format(
            sql.Identifier(name),
            sql.Placeholder(name),
            sql.SQL(kinds[name]),  # type: ignore[arg-type]
        )
        for name in arguments
    )
    db.execute(sql.SQL("set local role {}").format(sql.Identifier(function.role)))
    query = sql.SQL("select * from tasker.{}({})").format(sql.Identifier(function.name), given)
    found = db.execute(query, arguments).fetchall()
    db.execute("reset role")
    return found


def fault_of(error: psycopg.Error) -> str | None:
    """What is wrong with an error, or None when it is one that callers are promised."""
    said = error.diag
    if error.sqlstate in ("TK001", "TK002", "TK003", "TK004"):
        if not said.message_hint or not said.message_primary:
            return f"{error.sqlstate} without a hint: {said.message_primary}"
        return None
    return f"{error.sqlstate} {said.message_primary} in {(said.context or '')[:300]}"
