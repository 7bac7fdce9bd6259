"""Runs a scenario through the SDK: a client and a worker in this process, as a user's program would.

Touches the database. The worker that a client on the embedded database would start by itself is not used, so that the
number of slots is known.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread

from tasker.bench.history import write_history
from tasker.bench.raw_pgmq import run_raw_pgmq
from tasker.bench.report import Report, percentiles
from tasker.bench.workflows import NAMESPACE, Job, batch, chain, fanout
from tasker.client import Client, Submission
from tasker.context import StepContext
from tasker.database import resolve_database
from tasker.handle import TaskHandle
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_sql.connection import Database
from tasker_sql.session import Session

__all__ = ["describe_server", "run_batch", "run_chain", "run_fanout", "run_latency"]


async def run_chain(
    url: str | None, *, steps: int, tasks: int, slots: int, history: int = 0
) -> Report:
    """Many chains at once: the rate of steps from the first submission to the last result.

    `history` finished tasks of the same template are written before it is measured.
    """
    workflow = chain(steps, lambda _context, _ended: None)
    if history:
        database = await resolve_database(url)
        async with Client(database.conninfo) as client:
            await client.register(workflow)
        await anyio.to_thread.run_sync(write_history, database, workflow, history)
    return await _measure_rate(url, "chain", workflow, steps, tasks, slots, {"steps": steps})


async def run_fanout(url: str | None, *, width: int, tasks: int, slots: int) -> Report:
    """1 -> width -> 1: the rate of steps from the first submission to the last result."""
    return await _measure_rate(
        url, "fanout", fanout(width), width + 2, tasks, slots, {"width": width}
    )


async def run_batch(url: str | None, *, width: int, tasks: int, slots: int) -> Report:
    """1 -> width -> 1, where a batch says how many: the rate of steps from the first submission to the last result."""
    return await _measure_rate(
        url, "batch", batch(width), width + 2, tasks, slots, {"width": width}
    )


async def run_latency(url: str | None, *, steps: int, tasks: int) -> Report:
    """One chain at a time on an idle system: how long from a handler's end to the next one's start."""
    times = _Times()
    workflow = chain(steps, times.note)
    database = await resolve_database(url)
    server = await describe_server(database)
    submitted: list[float] = []
    results: list[float] = []
    async with (
        Worker(workflow, url=database.conninfo, slots=10),
        Client(database.conninfo) as client,
    ):
        for number in range(tasks + 1):
            began = time.perf_counter()
            handle = await client.submit(workflow, Job(number=number))
            await handle.result()
            if number:  # the first warms up
                results.append(time.perf_counter() - began)
                submitted.append(times.started[handle.id][1] - began)
            else:
                times.ended.clear()
    gaps = times.gaps()
    return Report(
        scenario="latency",
        tasks=tasks,
        steps=steps * tasks,
        seconds=sum(results),
        rate=round(steps * tasks / sum(results), 1),
        settings={"steps": steps},
        step_to_step_ms=percentiles(gaps),
        submit_to_start_ms=percentiles(submitted),
        submit_to_result_ms=percentiles(results),
        **server,
    )


@dataclass(slots=True)
class _Times:
    """When each handler of each task started and ended, by step number."""

    started: dict[UUID, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    ended: dict[UUID, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, context: StepContext, ended: bool) -> None:
        times = self.ended if ended else self.started
        times[context.task_id][context.step_no] = time.perf_counter()

    def gaps(self) -> list[float]:
        return [
            self.started[task_id][step_no + 1] - end
            for task_id, ends in self.ended.items()
            for step_no, end in ends.items()
            if step_no + 1 in self.started[task_id]
        ]


async def _measure_rate(
    url: str | None,
    scenario: str,
    workflow: Workflow,
    steps: int,
    tasks: int,
    slots: int,
    settings: dict[str, Any],
) -> Report:
    database = await resolve_database(url)
    server = await describe_server(database)
    async with (
        Worker(workflow, url=database.conninfo, slots=slots),
        Client(database.conninfo) as client,
        Session(database.connect_async, patience=10) as session,
    ):
        await _run_tasks(client, session, workflow, tasks=min(tasks, 10))  # warms up
        seconds = await _run_tasks(client, session, workflow, tasks)
    rate = steps * tasks / seconds
    batch = -(-slots // 2)  # what one exchange takes at most
    raw = await anyio.to_thread.run_sync(run_raw_pgmq, database, min(steps * tasks, 20_000), batch)
    return Report(
        scenario=scenario,
        tasks=tasks,
        steps=steps * tasks,
        seconds=round(seconds, 4),
        rate=round(rate, 1),
        settings={**settings, "slots": slots, "workers": 1, "raw_pgmq_batch": batch},
        raw_pgmq_rate=round(raw, 1),
        ratio=round(rate / raw, 3),
        **server,
    )


async def _run_tasks(client: Client, session: Session, workflow: Workflow, tasks: int) -> float:
    """Submit the tasks, wait until none is open, and return the seconds from the first to the last of it."""
    handles: list[TaskHandle] = []
    began = time.perf_counter()
    for first in range(0, tasks, 500):
        jobs = [Submission(Job(number=number)) for number in range(first, min(first + 500, tasks))]
        handles = await client.submit_many(workflow, jobs)
    await handles[-1].result()  # the last to be submitted is among the last to end
    counting = "select tasker.count_open_tasks(%s, %s)"
    while await session.ask(counting, [NAMESPACE, workflow.name]):
        await anyio.sleep(0.01)
    return time.perf_counter() - began


async def describe_server(database: Database) -> dict[str, Any]:
    """What a report says of the server."""
    async with Session(database.connect_async, patience=10) as session:
        return {
            "server": await session.ask("select current_setting('server_version')"),
            "fsync": await session.ask("select current_setting('fsync')"),
            "finished_tasks_before": await session.ask(
                "select greatest(reltuples, 0)::bigint from pg_class where oid = 'tasker.task'::regclass"
            ),
        }
