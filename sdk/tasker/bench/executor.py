"""This engine's executor: a client and a worker in one process, as a user's program would have them.

    python -m tasker.bench.executor [python | ruby | typescript]

Touches the database, and with another language than Python a child. A database without the engine gets it.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from uuid import UUID

import anyio
import anyio.to_thread

from tasker.bench.languages import build_template, is_timed, make_bridge, noting
from tasker.bench.load import (
    Backlog,
    Done,
    Idle,
    Load,
    OneByOne,
    Ready,
    Steady,
    Together,
    Unsupported,
)
from tasker.bench.serve import Prepare, Prepared, serve
from tasker.bench.shapes import Shape
from tasker.bench.workflows import NAMESPACE, Job, build_workflow
from tasker.client import Client, Submission
from tasker.collector import spare_collector
from tasker.context import StepContext
from tasker.handle import TaskHandle
from tasker.template import Template
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate
from tasker_sql.session import Session

_PAGE = 500
_WATCHED_A_SECOND = 100  # results waited for one by one; more would measure the client


def prepare_in(language: str) -> Prepare:
    """Bring the database up to date, register a workflow for each shape, and start a worker for all of them."""

    @asynccontextmanager
    async def prepare(url: str, load: Load) -> AsyncGenerator[Prepared | Unsupported]:
        times = _Times()
        workflows = _build(language, load, times)
        if workflows is None:
            yield Unsupported(f"graphs found at run time are not measured in {language}")
            return
        async with _prepared(url, load, language, workflows, times) as engine:
            yield engine

    return prepare


def _build(language: str, load: Load, times: _Times) -> dict[Shape, Workflow | Template] | None:
    workflows: dict[Shape, Workflow | Template] = {}
    for shape in dict.fromkeys(load.shapes):
        if language == "python":
            workflows[shape] = build_workflow(
                shape, payload=load.payload, work=load.work, observe=times.note
            )
            continue
        template = build_template(shape, load)
        if template is None:
            return None
        workflows[shape] = template
    return workflows


@asynccontextmanager
async def _prepared(
    url: str,
    load: Load,
    language: str,
    workflows: dict[Shape, Workflow | Template],
    times: _Times,
) -> AsyncGenerator[Prepared]:
    database = Database(url)
    await anyio.to_thread.run_sync(_install, database)
    async with (
        Client(url) as client,
        Session(database.connect_async, patience=10) as session,
    ):
        system = _System(url, load, language, client, session, workflows, times)
        await client.register(*workflows.values())
        if load.warm_up:
            async with system.working():
                await system.submit_all(load.warm_up)
                await system.drain()
        times.forget()
        ready = Ready({"tasker-pg": version("tasker-pg")}, {"workers": 1, "language": language})
        if isinstance(load.arrival, Backlog):
            await system.submit_all(load.tasks)
            yield Prepared(ready, system.run_backlog)
        else:
            async with system.working():
                yield Prepared(ready, system.run)


def _install(database: Database) -> None:
    with database.connect() as connection:
        migrate(connection)


@dataclass(slots=True)
class _Times:
    """When each handler of each task started and ended, by step number."""

    started: dict[UUID, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    ended: dict[UUID, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))

    def note(self, context: StepContext, ended: bool) -> None:
        times = self.ended if ended else self.started
        times[context.task_id][context.step_no] = time.perf_counter()

    def note_both(self, task: UUID, step_no: int, started: float, ended: float) -> None:
        self.started[task][step_no] = started
        self.ended[task][step_no] = ended

    def forget(self) -> None:
        self.started.clear()
        self.ended.clear()

    def first_start(self, task_id: UUID) -> float:
        return min(self.started[task_id].values())

    def gaps(self) -> tuple[float, ...]:
        """From a handler's end to the next one's start; of chains."""
        return tuple(
            self.started[task_id][step_no + 1] - end
            for task_id, ends in self.ended.items()
            for step_no, end in ends.items()
            if step_no + 1 in self.started[task_id]
        )


@dataclass(frozen=True, slots=True)
class _System:
    """A client with what it measures."""

    url: str
    load: Load
    language: str
    client: Client
    session: Session
    workflows: dict[Shape, Workflow | Template]
    times: _Times

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        foreign = self.language != "python"
        async with Worker(
            *self.workflows.values(),
            url=self.url,
            slots=self.load.slots,
            bridges=[make_bridge(self.language, self.load.slots)] if foreign else [],
            seams=noting(self.times.note_both) if foreign and is_timed(self.load) else None,
        ):
            yield

    async def run(self) -> Done:
        match self.load.arrival:
            case Together():
                began = time.perf_counter()
                last = await self.submit_all(self.load.tasks)
                await last.result()  # among the last to end
                await self.drain()
                return Done(time.perf_counter() - began)
            case OneByOne():
                return await self._run_one_by_one()
            case Steady(rate):
                return await self._run_steady(rate)
            case Idle(seconds):
                await anyio.sleep(seconds)
                return Done(seconds)
            case Backlog():
                return await self.run_backlog()

    async def run_backlog(self) -> Done:
        began = time.perf_counter()
        async with self.working():
            await self.drain()
            return Done(time.perf_counter() - began)

    async def submit_all(self, tasks: int) -> TaskHandle:
        """Submit tasks, the shapes in turn, a page of one shape at a time; the last one's handle."""
        waiting: dict[Shape, list[Submission]] = defaultdict(list)
        handles: list[TaskHandle] = []
        for number in range(tasks):
            shape = self.load.shapes[number % len(self.load.shapes)]
            waiting[shape].append(self._submission(number))
            if len(waiting[shape]) == _PAGE:
                handles = await self.client.submit_many(self._name(shape), waiting.pop(shape))
        for shape, left in waiting.items():
            handles = await self.client.submit_many(self._name(shape), left)
        return handles[-1]

    async def drain(self) -> None:
        """Wait until no task is open."""
        counting = "select tasker.count_open_tasks(%s, %s)"
        for workflow in self.workflows.values():
            while await self.session.ask(counting, [NAMESPACE, workflow.name]):
                await anyio.sleep(0.01)

    async def _run_one_by_one(self) -> Done:
        starts: list[float] = []
        results: list[float] = []
        began = time.perf_counter()
        for number in range(self.load.tasks):
            submitted = time.perf_counter()
            name = self._name(self.load.shapes[number % len(self.load.shapes)])
            handle = await self.client.submit(name, self._submission(number).input)
            await handle.result()
            results.append(time.perf_counter() - submitted)
            starts.append(self.times.first_start(handle.id) - submitted)
        seconds = time.perf_counter() - began
        return Done(seconds, tuple(starts), tuple(results), self.times.gaps())

    async def _run_steady(self, rate: float) -> Done:
        """Submit what is due, all at once; tasks that a stall held up count from when they were due."""
        due: dict[UUID, float] = {}
        results: list[float] = []
        began = time.perf_counter()
        each = max(1, round(rate / _WATCHED_A_SECOND))

        async def watch(handle: TaskHandle, since: float) -> None:
            await handle.result()
            results.append(time.perf_counter() - since)

        (shape,) = self.workflows
        async with anyio.create_task_group() as watching:
            number = 0
            while number < self.load.tasks:
                await anyio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                until = min(self.load.tasks, int((time.perf_counter() - began) * rate) + 1)
                numbers = range(number, max(until, number + 1))
                submissions = [self._submission(n) for n in numbers]
                handles = await self.client.submit_many(self._name(shape), submissions)
                for n, handle in zip(numbers, handles, strict=True):
                    due[handle.id] = began + n / rate
                    if n % each == 0:
                        watching.start_soon(watch, handle, due[handle.id])
                number = numbers.stop
        await self.drain()
        starts = tuple(self.times.first_start(task) - at for task, at in due.items())
        return Done(time.perf_counter() - began, starts, tuple(results), self.times.gaps())

    def _name(self, shape: Shape) -> str:
        """What the client calls the workflow of a shape."""
        return self.workflows[shape].full_name

    def _submission(self, number: int) -> Submission:
        return Submission(Job(number=number, note="x" * self.load.payload))


if __name__ == "__main__":
    spare_collector()  # as `tasker worker` does
    anyio.run(serve, prepare_in(sys.argv[1] if sys.argv[1:] else "python"))
