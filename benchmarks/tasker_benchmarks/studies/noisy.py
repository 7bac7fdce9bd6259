"""What 99 quiet tenants feel of a noisy one, with turns and without. Touches databases, and runs a worker here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import anyio

from tasker import Client, Limit, Worker, Workflow
from tasker.bench.databases import fresh_database
from tasker.bench.record import percentiles
from tasker.client import Submission
from tasker_benchmarks.results import Figure
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

__all__ = ["noisy_neighbour"]

_NOISY = 20_000
_PAGE = 5_000
_QUIET = 99
_SLOTS = 50


def noisy_neighbour(server: str) -> Iterator[Figure]:
    """20,000 tasks of one tenant stand in front; then each of 99 others submits one, 20 ms apart."""
    kinds: Sequence[tuple[str, list[Limit]]] = [
        ("keys take turns", [Limit(key="$.tenant")]),
        ("no limits: first come, first served", []),
    ]
    for series, limits in kinds:
        with fresh_database(server, "noisy") as database:
            with database.connect() as connection:
                migrate(connection)
            waited = anyio.run(_measure, database, limits)
        times = percentiles(waited)
        assert times is not None
        for name in ("p50", "p95", "p99"):
            yield Figure(
                "noisy neighbour", f"{series}, {name}", None, getattr(times, name), "ms", {}
            )


async def _measure(database: Database, limits: list[Limit]) -> list[float]:
    workflow = Workflow("mail", namespace="tasker_bench", input=dict[str, str], limits=limits)
    started: dict[str, float] = {}

    @workflow.step
    async def send(input: dict[str, str]) -> None:
        started.setdefault(input["tenant"], time.perf_counter())
        await anyio.sleep(0.005)

    submitted: dict[str, float] = {}
    async with Client(database.conninfo) as client:
        await client.register(workflow)
        noisy = [Submission({"tenant": "noisy"})] * _PAGE
        for _ in range(_NOISY // _PAGE):
            await client.submit_many(workflow, noisy)
        async with (
            Worker(workflow, url=database.conninfo, slots=_SLOTS),
            anyio.create_task_group() as waiting,
        ):
            await anyio.sleep(1)
            for number in range(_QUIET):
                tenant = f"quiet {number}"
                submitted[tenant] = time.perf_counter()
                task = await client.submit(workflow, {"tenant": tenant})
                waiting.start_soon(task.result)
                await anyio.sleep(0.02)
    return [started[tenant] - at for tenant, at in submitted.items()]
