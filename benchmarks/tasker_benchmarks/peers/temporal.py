"""Temporal: workflows are code that its server replays, steps are activities.

Touches the database, processes and ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import anyio
from google.protobuf.duration_pb2 import Duration
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tasker.bench.load import Load, Ready, Unsupported
from tasker.bench.serve import Prepared, serve
from tasker.bench.shapes import Shape, count_steps
from tasker_benchmarks.peers.engine import Counts, Steps, prepared
from tasker_benchmarks.peers.graph import run_shape
from tasker_benchmarks.peers.temporal_server import running_server
from tasker_benchmarks.peers.tools import TEMPORAL, temporal_program

_QUEUE = "bench"
_SHARDS = 64
_CONNECTIONS = 20
_WORKFLOW_TASKS = 20  # each is a thread
_PATIENCE = 60.0  # seconds until its server takes workflows
_ASKED = 20  # workflows whose results are asked for, of all

# What its one workflow looks shapes up in: its SDK takes no classes that are made at run time.
_shapes: dict[str, Shape] = {}


@asynccontextmanager
async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
    """Its server on this PostgreSQL, as one process; a worker here, whose activities are the steps."""
    programs = (temporal_program("server"), temporal_program("sql"))
    if programs[0] is None or programs[1] is None:
        yield Unsupported("its server is not here: run `make setup-benchmarks`, which needs Go")
        return
    _shapes.update({shape.name: shape for shape in load.shapes})
    steps = Steps("x" * load.payload, load.work)
    versions = {"temporalio": version("temporalio"), "temporal-server": TEMPORAL}
    settings: dict[str, str | int | float | bool] = {
        "history_shards": _SHARDS,
        "server_connections": _CONNECTIONS,
    }
    found = (programs[0], programs[1])
    with running_server(url, found, shards=_SHARDS, connections=_CONNECTIONS) as address:
        engine = _Temporal(await _connect(address), load, steps)
        async with prepared(engine, steps, load, Ready(versions, settings)) as run:
            yield run


async def _connect(address: str) -> Client:
    """Connect when the server answers, and make the namespace; it takes a while until all its services know that."""
    with anyio.fail_after(_PATIENCE):
        while True:
            try:
                client = await Client.connect(address)
                break
            except RuntimeError:
                await anyio.sleep(0.1)
        kept = RegisterNamespaceRequest(
            namespace="default", workflow_execution_retention_period=Duration(seconds=86400)
        )
        await _until_taken(lambda: client.workflow_service.register_namespace(kept))
        await _until_taken(lambda: client.count_workflows())
    return client


async def _until_taken(call: Any) -> None:
    while True:
        try:
            await call()
            return
        except RPCError as error:
            if error.status is RPCStatusCode.ALREADY_EXISTS:
                return
            await anyio.sleep(0.1)


@workflow.defn(name="bench")
class _Bench:
    @workflow.run
    async def run(self, shape: str, number: int, note: str) -> int:
        async def step(no: int, parents: int) -> Any:
            return await workflow.execute_activity(
                "step", args=[number, no, parents], start_to_close_timeout=timedelta(minutes=1)
            )

        return await run_shape(_shapes[shape], number, step)


class _Temporal:
    def __init__(self, client: Client, load: Load, steps: Steps) -> None:
        self.client = client
        self.steps = steps
        self.slots = load.slots
        self.note = "x" * load.payload
        self.handles: dict[int, Any] = {}
        self.expected: dict[int, int] = {}

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        handles = await asyncio.gather(
            *(
                self.client.start_workflow(
                    "bench",
                    args=[shape.name, number, self.note],
                    id=f"task-{number}",
                    task_queue=_QUEUE,
                )
                for number in numbers
            )
        )
        self.handles.update(zip(numbers, handles, strict=True))
        self.expected |= dict.fromkeys(numbers, count_steps(shape))

    async def result(self, number: int) -> None:
        if await self.handles[number].result() != self.expected[number]:
            raise RuntimeError(f"task {number} has another result than it should")

    async def count(self) -> Counts:
        """Completed workflows. The steps are in their histories, which only answer one by one: some are asked."""
        tasks = (await self.client.count_workflows("ExecutionStatus = 'Completed'")).count
        if tasks < len(self.handles):
            return Counts(tasks, 0)
        for number in list(self.handles)[-_ASKED:]:
            await self.result(number)
        return Counts(tasks, self.steps.ends)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        async def step(number: int, no: int, parents: int) -> dict[str, Any]:
            return await self.steps.run(number, no, parents)

        async with Worker(
            self.client,
            task_queue=_QUEUE,
            workflows=[_Bench],
            activities=[activity.defn(name="step")(step)],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_activities=self.slots,
            max_concurrent_workflow_tasks=_WORKFLOW_TASKS,
            max_cached_workflows=10_000,
        ):
            yield


if __name__ == "__main__":
    anyio.run(serve, prepare)
