"""What an idle system costs, without tasks and with 100,000 that sleep. Touches databases and processes."""

from __future__ import annotations

from collections.abc import Iterator

import anyio

from tasker.bench.databases import fresh_database
from tasker.bench.idle import IdleReport, run_idle
from tasker_benchmarks.results import Figure
from tasker_sql.migrate import migrate

__all__ = ["idle"]


def idle(server: str, sleeping: int = 100_000, seconds: float = 30) -> Iterator[Figure]:
    """CPU of the server, the orchestrator and a worker with nothing to do, in percent of one core."""

    async def measure(url: str) -> IdleReport:
        return await run_idle(url, sleeping=sleeping, seconds=seconds, tasks=50)

    with fresh_database(server, "idle") as database:
        with database.connect() as connection:
            migrate(connection)
        report = anyio.run(measure, database.conninfo)
    for series, found in (
        ("no tasks", report.without),
        (f"{sleeping:,} asleep", report.with_sleepers),
    ):
        parts = {
            "server": found.postgres_cpu,
            "orchestrator": found.orchestrator_cpu,
            "worker": found.worker_cpu,
        }
        for name, used in parts.items():
            share = 100 * used / seconds
            yield Figure("idle", f"{series}, {name}", None, share, "% of a core", {})
        yield Figure(
            "idle", f"{series}, step to step p50", None, found.step_to_step_ms.p50, "ms", {}
        )
