"""Finished tasks behind what is measured. Touches the database, as the role that owns the schema."""

from __future__ import annotations

from importlib.resources import files

from tasker.workflow import Workflow
from tasker_sql.connection import Database

__all__ = ["write_history"]

_PAGE = 20_000


def write_history(database: Database, workflow: Workflow, tasks: int) -> None:
    """Write `tasks` finished tasks of a registered workflow, and bring the tables' statistics up to date."""
    statement = (files("tasker.bench") / "history.sql").read_bytes()
    with database.connect() as connection:
        # Real rows grow after they were inserted, by their results, and leave no page with room for just one more.
        connection.execute("alter table tasker.step set (fillfactor = 65)")
        for first in range(0, tasks, _PAGE):
            page = {
                "namespace": workflow.namespace,
                "name": workflow.name,
                "tasks": min(_PAGE, tasks - first),
            }
            connection.execute(statement, page)
        connection.execute("alter table tasker.step set (fillfactor = 60)")
        connection.execute("vacuum (analyze) tasker.task, tasker.step")
