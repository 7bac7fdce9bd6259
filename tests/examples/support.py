"""Running the examples on a database, and the penguins without the pipeline."""

import csv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from uuid import uuid4

import anyio

from tasker.client import Client
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_orchestration.service import OrchestratorSettings, orchestrate
from tasker_sql.connection import Database
from tasker_sql.session import Session

DATA = files("tasker.examples.pipeline") / "data"
MEASUREMENTS = (
    "Culmen Length (mm)",
    "Culmen Depth (mm)",
    "Flipper Length (mm)",
    "Body Mass (g)",
)


def measured(species: str | None = None) -> list[tuple[float, ...]]:
    """Read the complete rows straight from the file."""
    rows = csv.DictReader((DATA / "penguins_raw.csv").read_text(encoding="utf-8").splitlines())
    return [
        tuple(float(row[name]) for name in MEASUREMENTS)
        for row in rows
        if (species is None or row["Species"].startswith(species))
        and "NA" not in [row[name] for name in MEASUREMENTS]
    ]


@asynccontextmanager
async def serving(url: str, workflow: Workflow) -> AsyncIterator[Client]:
    """Run a worker and an orchestrator on a database, and give a client of it."""

    async def run_orchestrator() -> None:
        async with Session(Database(url).connect_async, patience=None) as session:
            await orchestrate(
                session.ask,
                orchestrator_id=uuid4(),
                name="test",
                settings=OrchestratorSettings(),
            )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_orchestrator)
        async with Worker(workflow, url=url), Client(url) as client:
            yield client
        tasks.cancel_scope.cancel()
