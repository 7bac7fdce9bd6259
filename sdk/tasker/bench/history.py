"""Finished tasks behind what is measured. Touches the database, as the role that owns the schema."""

from __future__ import annotations

from importlib.resources import files

from tasker.bench.load import NO_OP
from tasker.bench.shapes import Shape
from tasker.bench.workflows import NAMESPACE, build_workflow
from tasker.sync_client import SyncClient
from tasker_sql.connection import Database

__all__ = ["write_history"]

_PAGE = 20_000


def write_history(database: Database, shape: Shape, tasks: int) -> None:
    """Write `tasks` finished tasks of a shape, and bring the tables' statistics up to date."""
    workflow = build_workflow(shape, payload=0, work=NO_OP, observe=lambda _context, _ended: None)
    with SyncClient(database.conninfo) as client:
        client.register(workflow)
    statement = (files("tasker.bench") / "sql" / "history.sql").read_bytes()
    with database.connect() as connection:
        # Real rows grow after they were inserted, by their results, and leave no page with room for just one more.
        connection.execute("alter table tasker.step set (fillfactor = 65)")
        for first in range(0, tasks, _PAGE):
            page = {
                "namespace": NAMESPACE,
                "name": workflow.name,
                "tasks": min(_PAGE, tasks - first),
            }
            connection.execute(statement, page)
        connection.execute("alter table tasker.step set (fillfactor = 40)")
        connection.execute("vacuum (analyze) tasker.task, tasker.step")
