"""What a test holds: tasks run on the real engine, on a clock that the test moves. Touches the test's database, and
runs handlers.

Model: nothing runs by itself. `settle` runs a real worker until nothing is left that can run now; everything that asks
what has become of a task settles first. Only moving the clock lets time pass.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Unpack
from uuid import UUID

from tasker.actions.invoking import invocable_of
from tasker.binding import Handler, handler_of
from tasker.client import Client, OnConflict, Submission, SubmitOptions
from tasker.durations import Duration
from tasker.given import Given, handlers_by_name, resources_of, split_actions, templates_of
from tasker.requests import request_errors
from tasker.seams import Seams
from tasker.template import Template
from tasker.testing.calls import (
    Call,
    calls_of,
    handlers_named,
    replace_actions,
    replace_handlers,
)
from tasker.testing.clock import AsyncClock
from tasker.testing.faults import Faults
from tasker.testing.task import AsyncTask
from tasker.testing.work import Work, working
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_grammar.resources import Resources
from tasker_sql.connection import Database
from tasker_sql.session import Session

__all__ = ["PATIENCE", "AsyncTasker"]

PATIENCE = 30.0
"""Seconds that handlers may take until all is at rest."""


class AsyncTasker:
    """The engine in a database of the test's own, for async tests. The fixture `async_tasker` gives one.

    `database_url` leads to the database; a Client or SyncClient of it does what there is no method for here.
    `patience`: how many real seconds the handlers may take until all is at rest. `faults`: what shall go wrong.
    """

    def __init__(self, database_url: str, *, patience: float = PATIENCE) -> None:
        self.database_url = database_url
        self.patience = patience
        self.faults = Faults()
        self.clock = AsyncClock(self)
        self._given: dict[tuple[str, ...], Given] = {}
        self._replacements: dict[str, Callable[..., Any]] = {}
        self._calls: list[Call] = []
        self._resources: Resources | None = None

    async def register(self, *given: Given, resources: Resources | None = None) -> None:
        """Register workflows and templates, and know what else a worker may be given: handlers and actions.

        `resources`: what compositions may name, from now on, in place of what the workflows say.
        """
        self._resources = self._resources if resources is None else resources
        for one in given:
            self._given[_key(one)] = one
        templates = [one for one in given if isinstance(one, Workflow | Template)]
        if templates:
            async with Client(self.database_url) as client:
                await client.register(*templates)

    async def submit(
        self, template: str | Workflow, input: Any = None, **options: Unpack[SubmitOptions]
    ) -> AsyncTask:
        """Submit a task, with the options of Client.submit. A workflow is registered first. Nothing runs yet."""
        if isinstance(template, Workflow) and self._given.get(_key(template)) is not template:
            await self.register(template)
        async with Client(self.database_url) as client:
            handle = await client.submit(template, input, **options)
        return AsyncTask(handle.id, template, self)

    async def submit_many(
        self,
        template: str | Workflow,
        submissions: Sequence[Submission],
        *,
        version: str | None = None,
        on_conflict: OnConflict = "reject",
    ) -> list[AsyncTask]:
        """Submit tasks at once, as Client.submit_many. Nothing runs yet."""
        if isinstance(template, Workflow) and self._given.get(_key(template)) is not template:
            await self.register(template)
        async with Client(self.database_url) as client:
            handles = await client.submit_many(
                template, submissions, version=version, on_conflict=on_conflict
            )
        return [AsyncTask(handle.id, template, self) for handle in handles]

    async def run(
        self,
        template: str | Workflow,
        input: Any = None,
        *,
        within: Duration = "366d",
        **options: Unpack[SubmitOptions],
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
        """Have `function` run in place of an action of this name; or of a handler, named by its step,
        `namespace/template/step`, or itself.

        It is given those of the arguments that it names (a mock: all), and what it returns must be what the annotation
        says. A name that nothing has is an error when the next task runs.
        """
        self._replacements[name] = function

    def calls(self, name: str | None = None) -> list[Call]:
        """The calls of a step's handler so far, or of all, in the order in which they began.

        `name`: a step, with a batch's number or without, `namespace/template/step`, or a handler. Raises
        DefinitionError when nothing that was registered has it.
        """
        return list(self._calls) if name is None else calls_of(name, self._calls, self._templates)

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Work]:
        """A worker, held at rest, for as long as the block lasts."""
        actions, others = split_actions(self._given.values())
        resources = resources_of(others) if self._resources is None else self._resources
        templates = self._templates
        functions, left = replace_actions(actions, self._replacements)
        handlers = replace_handlers(handlers_by_name(others), templates, left)
        for fault in self.faults.armed:
            if fault.step is not None and templates:
                handlers_named(fault.step.partition("/")[0], templates)
        async with self.session() as session:
            queues = await session.ask("select array_agg(name) from tasker.queue")

            def make(seams: Seams) -> Worker:
                return Worker(
                    *templates,
                    *handlers.values(),
                    *functions,
                    url=self.database_url,
                    queues=queues or ["default"],
                    name="test",
                    resources=resources,
                    seams=seams,
                )

            work = Work(session.ask, make, self.faults, self._calls, self.patience)
            async with working(work):
                yield work

    @property
    def _templates(self) -> list[Template]:
        return templates_of(self._given.values())

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Session]:
        """A connection to the test's database."""
        with request_errors():
            async with Session(Database(self.database_url).connect_async, self.patience) as session:
                yield session


def _key(given: Given) -> tuple[str, ...]:
    """What a later registration takes the place of."""
    match given:
        case Workflow() | Template():
            return given.full_name, given.version
        case Handler():
            return (given.name,)
        case _:
            action = invocable_of(given)
            return (handler_of(given).name,) if action is None else ("action", action.name, "")
