"""What became of everything, as the database has it when all is at rest. Touches the database, and only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from tests.engine.support import broken

_TASKS = """
    select jsonb_build_object('task', t.task_id, 'kind', p.name, 'key', t.idempotency_key, 'state', t.state,
        'parent', c.parent_id, 'child', c.name, 'input', t.input)
    from tasker.task t join tasker.template p using (template_id) left join tasker.child c on c.child_id = t.task_id
"""
_STEPS = """
    select jsonb_build_object('task', s.task_id, 'no', s.step_no, 'name', tasker.step_name(d.name, s.instance),
        'state', s.state, 'attempt', s.attempt, 'result', s.result, 'completed_at', s.completed_at)
    from tasker.step s join tasker.step_definition d using (definition_id) order by s.task_id, s.step_no
"""
_EFFECTS = (
    "select jsonb_build_object('task', task_id, 'no', step_no, 'run', run) from public.effect"
)
_LOST = """
    select jsonb_build_object('task', task_id, 'no', step_no, 'attempt', attempt, 'at', ended_at,
        'child_died', error ->> 'type' = 'ChildDied')
    from tasker.attempt where outcome = 'lost'
"""
_ATTEMPTS = "select outcome, count(*) from tasker.attempt group by 1"


@dataclass(frozen=True)
class Outcome:
    """Tasks, steps and effects as mappings, and the sentences of what is unsound."""

    tasks: Sequence[Mapping[str, Any]]
    steps: Sequence[Mapping[str, Any]]
    effects: Sequence[Mapping[str, Any]]
    broken: Sequence[str] = ()
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Attempts that did not succeed, by what became of them."""
    lost: Sequence[Mapping[str, Any]] = ()
    """Attempts whose lease ran out, or whose bridge child died, and when that was recorded."""


def read_outcome(url: str) -> Outcome:
    with psycopg.connect(url, autocommit=True) as connection:

        def read(query: str) -> list[Any]:
            return [row[0] for row in connection.execute(query.encode()).fetchall()]

        return Outcome(
            read(_TASKS),
            read(_STEPS),
            read(_EFFECTS),
            broken(connection),
            dict(connection.execute(_ATTEMPTS).fetchall()),
            read(_LOST),
        )
