"""What every rival's executor does alike: submits a load, waits for its end, and checks that all was done. Pure."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from tasker.bench.load import Backlog, Done, Idle, Load, OneByOne, Ready, Steady, Together, Work
from tasker.bench.serve import Prepared
from tasker.bench.shapes import Shape, Static, count_steps

__all__ = ["Counts", "Engine", "Steps", "prepared"]

_PAGE = 500
_WATCHED_A_SECOND = 100  # results waited for one by one; more would measure the client


@dataclass(frozen=True, slots=True)
class Counts:
    """What an engine's own tables say is done: tasks, and the steps whose results (or ends) it keeps."""

    tasks: int
    steps: int


class Engine(Protocol):
    """A rival behind the few verbs that a load needs. `number` identifies a task."""

    async def submit(self, shape: Shape, numbers: Sequence[int]) -> None:
        """Submit tasks of a shape, in the fastest way that its client has."""
        ...

    async def result(self, number: int) -> None:
        """Wait for the result of a task, in the client's own way."""
        ...

    async def count(self) -> Counts:
        """Count in the engine's tables what is done."""
        ...

    def working(self) -> AbstractAsyncContextManager[None]:
        """Run the workers."""
        ...


@dataclass(slots=True)
class Steps:
    """The handlers' body, with when each started and ended, by task and step."""

    note: str
    work: Work
    started: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    ended: dict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    ends: int = 0

    async def run(self, number: int, step: int, parents: int) -> dict[str, Any]:
        """Do the work of one step of a task, and return its result: `parents` results went in."""
        self.started[number][step] = time.perf_counter()
        match self.work.kind:
            case "nothing":
                pass
            case "sleep":
                await anyio.sleep(self.work.ms / 1000)
            case "spin":
                until = time.perf_counter() + self.work.ms / 1000
                while time.perf_counter() < until:
                    pass
            case "compose":
                raise NotImplementedError("compositions are this engine's own")
        self.ended[number][step] = time.perf_counter()
        self.ends += 1
        return {"number": parents, "note": self.note}

    def first_start(self, number: int) -> float:
        """When the first step of a task started."""
        return min(self.started[number].values())

    def gaps(self, shape: Shape, numbers: Sequence[int]) -> tuple[float, ...]:
        """From the end of a step's last parent to its own start."""
        if not isinstance(shape, Static):
            return ()
        return tuple(
            self.started[number][step] - max(self.ended[number][parent] for parent in parents)
            for number in numbers
            for step, parents in enumerate(shape.parents)
            if parents
        )


@asynccontextmanager
async def prepared(
    engine: Engine, steps: Steps, load: Load, ready: Ready
) -> AsyncGenerator[Prepared]:
    """Warm the engine up, and give what runs the load: with workers on, or (a backlog) with all tasks submitted."""
    run = _Run(engine, steps, load)
    async with engine.working():
        await run.submit_all(range(load.warm_up))
        await run.drain(load.warm_up)
        if not isinstance(load.arrival, Backlog):
            yield Prepared(ready, run.measure)
            return
    await run.submit_all(run.numbers)
    yield Prepared(ready, run.backlog)


@dataclass(slots=True)
class _Run:
    """A load on an engine. The tasks of the warm-up have the first numbers."""

    engine: Engine
    steps: Steps
    load: Load

    @property
    def numbers(self) -> range:
        return range(self.load.warm_up, self.load.warm_up + self.load.tasks)

    def shape(self, number: int) -> Shape:
        place = number if number < self.load.warm_up else number - self.load.warm_up
        return self.load.shapes[place % len(self.load.shapes)]

    async def submit_all(self, numbers: range) -> None:
        """Submit tasks, the shapes in turn, a page of one shape at a time."""
        waiting: dict[Shape, list[int]] = defaultdict(list)
        for number in numbers:
            shape = self.shape(number)
            waiting[shape].append(number)
            if len(waiting[shape]) == _PAGE:
                await self.engine.submit(shape, waiting.pop(shape))
        for shape, left in waiting.items():
            await self.engine.submit(shape, left)

    async def drain(self, tasks: int) -> None:
        """Wait until the engine's tables say that the first so many tasks are done; see that they say no more."""
        expected = sum(count_steps(self.shape(number)) for number in range(tasks))
        while self.steps.ends < expected:
            await anyio.sleep(0.005)
        while True:
            counts = await self.engine.count()
            if counts.tasks >= tasks and counts.steps >= expected:
                break
            await anyio.sleep(0.01)
        if (counts.tasks, counts.steps, self.steps.ends) != (tasks, expected, expected):
            raise RuntimeError(
                f"{tasks} tasks of {expected} steps were submitted, {self.steps.ends} handlers ended, "
                f"and the tables say {counts}"
            )

    async def measure(self) -> Done:
        match self.load.arrival:
            case Together():
                return await self._done(lambda: self.submit_all(self.numbers))
            case OneByOne():
                return await self._run_one_by_one()
            case Steady(rate):
                return await self._run_steady(rate)
            case Idle(seconds):
                await anyio.sleep(seconds)
                return Done(seconds)
            case Backlog():
                return await self.backlog()

    async def backlog(self) -> Done:
        async def nothing() -> None:
            pass

        began = time.perf_counter()
        async with self.engine.working():
            return await self._done(nothing, began)

    async def _done(
        self, submit: Callable[[], Awaitable[None]], began: float | None = None
    ) -> Done:
        began = time.perf_counter() if began is None else began
        await submit()
        await self.drain(self.numbers.stop)
        return Done(time.perf_counter() - began)

    async def _run_one_by_one(self) -> Done:
        starts: list[float] = []
        results: list[float] = []
        began = time.perf_counter()
        for number in self.numbers:
            submitted = time.perf_counter()
            await self.engine.submit(self.shape(number), [number])
            await self.engine.result(number)
            results.append(time.perf_counter() - submitted)
            starts.append(self.steps.first_start(number) - submitted)
        seconds = time.perf_counter() - began
        await self.drain(self.numbers.stop)
        return Done(seconds, tuple(starts), tuple(results), self._gaps())

    async def _run_steady(self, rate: float) -> Done:
        """Submit what is due, all at once; tasks that a stall held up count from when they were due."""
        results: list[float] = []
        first, end = self.numbers.start, self.numbers.stop
        each = max(1, round(rate / _WATCHED_A_SECOND))
        (shape,) = set(self.load.shapes)
        began = time.perf_counter()

        def due(number: int) -> float:
            return began + (number - first) / rate

        async def watch(number: int) -> None:
            await self.engine.result(number)
            results.append(time.perf_counter() - due(number))

        async with anyio.create_task_group() as watching:
            number = first
            while number < end:
                await anyio.sleep(max(0.0, due(number) - time.perf_counter()))
                until = min(end, first + int((time.perf_counter() - began) * rate) + 1)
                page = range(number, max(until, number + 1))
                await self.engine.submit(shape, page)
                for submitted in page:
                    if (submitted - first) % each == 0:
                        watching.start_soon(watch, submitted)
                number = page.stop
        await self.drain(end)
        starts = tuple(self.steps.first_start(number) - due(number) for number in self.numbers)
        return Done(time.perf_counter() - began, starts, tuple(results), self._gaps())

    def _gaps(self) -> tuple[float, ...]:
        return tuple(
            gap for number in self.numbers for gap in self.steps.gaps(self.shape(number), [number])
        )
