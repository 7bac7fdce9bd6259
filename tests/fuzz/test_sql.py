"""Every function of the SQL API with arguments that nobody should send: it answers, or refuses with an error of its
own, and leaves all that is there sound. Which functions there are is read from their files, so a new one is covered.
"""

from __future__ import annotations

from random import Random
from typing import Any, cast

import psycopg
import pytest
from checks.sql_reference import read_functions
from hypothesis import given, note
from hypothesis import strategies as st
from tests.engine.support import Connection, broken
from tests.fuzz.calls import call, draw_arguments, fault_of, list_functions
from tests.fuzz.scale import bounded
from tests.fuzz.world import World

PUBLIC = sorted(function.name for function in read_functions() if function.roles)


def contents(db: Connection) -> dict[str, str]:
    """A digest of each table."""
    tables = db.execute(
        """select c.oid::regclass::text from pg_class c
        where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('tasker', 'pgmq')"""
    ).fetchall()
    digest = "md5(string_agg(md5(t::text), '' order by md5(t::text)))"
    query = " union all ".join(f"select '{name}', {digest} from {name} t" for (name,) in tables)
    return dict(db.execute(cast("Any", query)).fetchall())


@pytest.mark.parametrize("name", PUBLIC)
def test_it_answers_or_refuses_and_nothing_breaks(world: World, name: str) -> None:
    [function] = [each for each in list_functions(world.db) if each.name == name]
    before = contents(world.db)

    @bounded(25 if function.writes else 10)
    @given(st.randoms(use_true_random=False))
    def hostile_call(random: Random) -> None:
        arguments = draw_arguments(random, function, world)
        note(f"{name}: {arguments}")
        with world.db.transaction(force_rollback=True):
            try:
                with world.db.transaction():
                    call(world.db, function, arguments)
            except psycopg.Error as error:
                assert fault_of(error) is None, fault_of(error)
            else:
                assert not function.writes or broken(world.db) == []

    hostile_call()
    assert contents(world.db) == before


def test_the_world_is_sound_and_reaches_every_function(world: World) -> None:
    """Hostile calls of what cannot succeed would prove little: each function can, with arguments of this world."""
    assert broken(world.db) == []
    random = Random(7)
    unreached = {function.name: function for function in list_functions(world.db)}
    for function in list(unreached.values()):
        for _ in range(200):
            with world.db.transaction(force_rollback=True):
                try:
                    with world.db.transaction():
                        call(world.db, function, draw_arguments(random, function, world))
                except psycopg.Error:
                    continue
            del unreached[function.name]
            break
    assert sorted(unreached) == []
