"""What a test holds: tasks run on the real engine, on a clock that the test moves. Touches the test's database, and
runs handlers.

Model: nothing runs by itself. `settle` runs a real worker until nothing is left that can run now; everything that asks
what has become of a task settles first. Only moving the clock lets time pass.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, overload
from uuid import UUID

from tasker.binding import Handler, handler_of
from tasker.client import Client, Submission
from tasker.durations import Duration, to_seconds
from tasker.errors import StepFailure, TaskFailed
from tasker.handle import ENDED
from tasker.requests import request_errors
from tasker.seams import Seams
from tasker.template import Template
from tasker.testing.calls import Call, replace_handlers, steps_named
from tasker.testing.faults import Faults
from tasker.testing.graph import draw_graph
from tasker.testing.work import Work, working
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_sql.connection import Database
from tasker_sql.session import Session

__all__ = ["AsyncClock", "AsyncTask", "AsyncTasker", "TaskNotEnded"]

T = TypeVar("T")
Json = Any

_BLOCKED = "blocked_by_failures"
_PATIENCE = 30.0  # seconds that a worker may take to come to rest


class TaskNotEnded(AssertionError):
    """A task was expected to have ended, and can go no further by itself. The message says what each step waits for."""


class AsyncTasker:
    """The engine in a database of the test's own, for async tests. The fixture `async_tasker` gives one.

    `database_url` leads to the database; a Client or SyncClient of it does what there is no method for here.
    `patience`: how many real seconds the handlers may take until all is at rest. `faults`: what shall go wrong.
    """

    def __init__(self, database_url: str, *, patience: float = _PATIENCE) -> None:
        self.database_url = database_url
        self.patience = patience
        self.faults = Faults()
        self.clock = AsyncClock(self)
        self._templates: dict[tuple[str, str], Template] = {}
        self._workflows: dict[str, Workflow] = {}
        self._handlers: dict[str, Handler] = {}
        self._replacements: dict[str, Callable[..., Any]] = {}
        self._calls: list[Call] = []

    async def register(self, *given: Workflow | Template | Handler | Callable[..., Any]) -> None:
        """Register workflows and templates, and know the handlers of workflows, and those given by themselves."""
        for one in given:
            match one:
                case Workflow():
                    self._templates[one.full_name, one.version] = one.template
                    self._workflows[one.full_name] = one
                    self._handlers.update(one.handlers)
                case Template():
                    self._templates[one.full_name, one.version] = one
                case Handler():
                    self._handlers[one.name] = one
                case _:
                    handler = handler_of(one)
                    self._handlers[handler.name] = handler
        templates = [one for one in given if isinstance(one, Workflow | Template)]
        if templates:
            async with Client(self.database_url) as client:
                await client.register(*templates)

    async def submit(
        self, template: str | Workflow, input: Any = None, **options: Any
    ) -> AsyncTask:
        """Submit a task, with the options of Client.submit. A workflow is registered first. Nothing runs yet."""
        if (
            isinstance(template, Workflow)
            and self._workflows.get(template.full_name) is not template
        ):
            await self.register(template)
        async with Client(self.database_url) as client:
            handle = await client.submit(template, input, **options)
        return AsyncTask(handle.id, template, self)

    async def submit_many(
        self, template: str | Workflow, submissions: Sequence[Submission], **options: Any
    ) -> list[AsyncTask]:
        """Submit tasks at once, as Client.submit_many. Nothing runs yet."""
        if isinstance(template, Workflow):
            await self.register(template)
        async with Client(self.database_url) as client:
            handles = await client.submit_many(template, submissions, **options)
        return [AsyncTask(handle.id, template, self) for handle in handles]

    async def run(
        self,
        template: str | Workflow,
        input: Any = None,
        *,
        within: Duration = "366d",
        **options: Any,
    ) -> Any:
        """Submit a task, let as much time pass as it needs, at most `within`, and return its result.

        Raises TaskFailed and TaskCancelled as AsyncTask.result, and TaskNotEnded when time alone does not end it.
        """
        task = await self.submit(template, input, **options)
        await task.finish(within)
        return await task.result()

    async def settle(self) -> None:
        """Run workers until nothing is left that can run now. Raises TimeoutError when that takes too long."""
        async with self.work() as work:
            await work.rest()

    def task(self, task_id: UUID | str) -> AsyncTask:
        """A task that something else has submitted, such as a handler."""
        return AsyncTask(UUID(str(task_id)), None, self)

    def replace(self, name: str, function: Callable[..., Any]) -> None:
        """Have `function` run in place of a handler, named by its step, `namespace/template/step`, or itself.

        It is given those of the handler's arguments that it names (a mock: all), and what it returns must be what the
        handler's annotation says. A name that no step has is an error when the next task runs.
        """
        self._replacements[name] = function

    def calls(self, name: str | None = None) -> list[Call]:
        """The calls of a step's handler so far, or of all, in the order in which they began."""
        return [one for one in self._calls if name in (None, one.step, one.step.partition("/")[0])]

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Work]:
        """A worker, held at rest, for as long as the block lasts."""
        templates = list(self._templates.values())
        handlers = replace_handlers(self._handlers, templates, self._replacements)
        for fault in self.faults.armed:
            if fault.step is not None and templates:
                steps_named(fault.step.partition("/")[0], templates)
        async with self.session() as session:
            queues = await session.ask("select array_agg(name) from tasker.queue")

            def make(seams: Seams) -> Worker:
                return Worker(
                    *templates,
                    *handlers.values(),
                    url=self.database_url,
                    queues=queues or ["default"],
                    name="test",
                    seams=seams,
                )

            work = Work(session.ask, make, self.faults, self._calls, self.patience)
            async with working(work):
                yield work

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """A connection to the test's database."""
        with request_errors():
            async with Session(Database(self.database_url).connect_async, self.patience) as session:
                yield session


@dataclass(frozen=True, slots=True)
class AsyncClock:
    """The clock of the test's database. What handlers read themselves, such as `datetime.now()`, is not on it."""

    _tasker: AsyncTasker

    async def now(self) -> datetime:
        """The time there, in UTC."""
        async with self._tasker.session() as session:
            now: datetime = await session.ask("select tasker_testing.clock_timestamp()")
            return now.astimezone(UTC)

    async def advance(self, duration: Duration) -> None:
        """Let time pass: everything that becomes due meanwhile runs, in its order, each until at rest.

        What a task waits for one after the other may add up to `duration`. Raises ValueError for what is no duration.
        """
        seconds = to_seconds(duration)
        async with self._tasker.work() as work:
            end = await work.moved() + timedelta(seconds=seconds)
            await work.rest()
            while (left := end - await work.moved()) > timedelta():
                await work.move(left)
                await work.rest()

    async def advance_to(self, moment: datetime) -> None:
        """Let time pass until a moment. Raises ValueError when it is over, or has no time zone."""
        if moment.utcoffset() is None:
            raise ValueError(f"{moment!r} has no time zone: give it one, as in tzinfo=UTC")
        left = moment - await self.now()
        if left < timedelta():
            raise ValueError(f"{moment} is over: a clock does not go back")
        await self.advance(left)


@dataclass(frozen=True, slots=True)
class AsyncTask:
    """A task under test."""

    id: UUID
    _template: str | Workflow | None
    _tasker: AsyncTasker

    @overload
    async def result(self, type_: None = None) -> Any: ...
    @overload
    async def result(self, type_: type[T]) -> T: ...
    async def result(self, type_: type[Any] | None = None) -> Any:
        """Settle, and return the task's result, as TaskHandle.result.

        Raises TaskFailed and TaskCancelled; tracebacks of what failed, and the graph, are among the error's notes.
        Raises TaskNotEnded when the task has not ended and waits; it does not let time pass.
        """
        await self._tasker.settle()
        if (await self._state()) not in ENDED | {_BLOCKED}:
            raise TaskNotEnded(await self._explain())
        async with Client(self._tasker.database_url) as client:
            if self._template is None:
                handle = client.handle(self.id)
            else:
                [handle] = client.handles(self._template, [self.id])
            try:
                return await handle.result(type_, timeout=self._tasker.patience)
            except TaskFailed as failed:
                for note in await self._notes(failed.errors):
                    failed.add_note(note)
                raise

    async def finish(self, within: Duration = "366d") -> None:
        """Let as much time pass as the task needs to end, or to be blocked by a failure; at most `within`.

        Raises TaskNotEnded when time alone does not end it.
        """
        async with self._tasker.work() as work:
            end = await work.moved() + timedelta(seconds=to_seconds(within))
            await work.rest()
            while (await self._state()) not in ENDED | {_BLOCKED}:
                next_stop = await work.ask("select tasker_testing.next_stop()", [])
                left = end - await work.moved()
                if next_stop is None or left <= timedelta():
                    raise TaskNotEnded(await self._explain())
                await work.move(left)
                await work.rest()

    async def status(self) -> Mapping[str, Json]:
        """The task as it is now, as TaskHandle.status; nothing runs."""
        return await self._ask("select tasker.get_task(%s)", self.id)

    async def steps(self) -> list[Mapping[str, Json]]:
        """Its steps as they are now, as TaskHandle.steps; nothing runs."""
        query = "select coalesce(json_agg(s), '[]') from tasker.list_steps(%s) as s"
        return await self._ask(query, self.id)

    async def graph(self) -> str:
        """Settle, and draw the task and its steps as text without ids and times: a line each, in the template's order.

        A step's line has its state, its attempts when there was more than one, its parents, and what brought it.
        """
        await self._tasker.settle()
        return await self._draw()

    async def send_event(self, name: str, payload: Any = None) -> bool:
        """As TaskHandle.send_event; nothing runs yet."""
        async with Client(self._tasker.database_url) as client:
            return await client.handle(self.id).send_event(name, payload)

    async def cancel(self, reason: str) -> None:
        """As TaskHandle.cancel."""
        async with Client(self._tasker.database_url) as client:
            await client.handle(self.id).cancel(reason, actor="test")

    async def _ask(self, statement: Any, *parameters: Any) -> Any:
        async with self._tasker.session() as session:
            return await session.ask(statement, parameters)

    async def _state(self) -> str:
        return (await self.status())["state"]

    async def _draw(self) -> str:
        task = await self.status()
        template = await self._ask(
            "select tasker.get_template(%s, %s, %s)",
            task["namespace"], task["template"], task["version"],
        )  # fmt: skip
        names = [step["name"] for step in template["definition"]["steps"]]
        return draw_graph(task, await self.steps(), names)

    async def _explain(self) -> str:
        task = await self.status()
        lines = [f"{task['namespace']}/{task['template']} has not ended, and nothing can run now:"]
        for step in await self.steps():
            if step["state"] in ("waiting", "waiting_for_retry", "enqueued", "in_progress"):
                why = await self._ask("select tasker.explain_step(%s, %s)", self.id, step["name"])
                lines.append(f"  {step['name']}: {why['reason']}")
        now = await self._tasker.clock.now()
        lines.append(f"Now it is {now:%Y-%m-%d %H:%M:%S} UTC there; clock.advance lets time pass.")
        return "\n".join([*lines, "", await self._draw()])

    async def _notes(self, failures: Sequence[StepFailure]) -> list[str]:
        """The tracebacks of what failed, and the graph."""
        failed = {failure.step for failure in failures}
        traces = [
            f"{step['name']}, attempt {step['attempt']}:\n{step['error']['traceback']}"
            for step in await self.steps()
            if step["name"] in failed and step["error"] and step["error"].get("traceback")
        ]
        return [*traces, await self._draw()]
