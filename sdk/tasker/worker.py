"""The process that runs handlers: one claimer feeding slots, with a heartbeat and a listener beside it.

Model: a slot is a running handler. Async handlers run on the event loop, sync ones on threads. Stopping drains: no more
is claimed, what runs may finish within the grace period, and what is left then is given back uncounted. A handler that
does not let itself be interrupted is left behind, so that it keeps nobody from stopping.
Touches the database, and runs handlers.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus

from tasker import telemetry
from tasker.binding import BoundHandler, Handler
from tasker.claimer import Claimer
from tasker.database import resolve_database
from tasker.durations import Duration, to_seconds
from tasker.errors import DefinitionError
from tasker.executor import Running, commit, execute
from tasker.foreign import ForeignHandler, ForeignStep
from tasker.foreign_run import ForeignRun
from tasker.given import (
    Given,
    default_name,
    handlers_by_name,
    queues_of,
    resources_of,
    split_actions,
    templates_of,
)
from tasker.grant import Grant
from tasker.heartbeat import Heartbeat
from tasker.notifier import notify
from tasker.outcome import Completed, Outcome
from tasker.registry import register
from tasker.requests import request_errors
from tasker.running_steps import RunningSteps
from tasker.seams import RunStep, Seams
from tasker.starting import Starter
from tasker.transactions import Pools
from tasker.worker_handlers import WorkerHandlers
from tasker_ffi_bridge import Bridge
from tasker_sql.connection import Database
from tasker_sql.session import Session

if TYPE_CHECKING:
    from tasker.actions.outside import Outside
    from tasker.actions.secrets import Secrets
    from tasker_grammar.resources import Resources

__all__ = ["Worker"]

_log = logging.getLogger(__name__)


class Worker:
    """Runs the handlers it is given, for every queue their steps go to.

    `slots`: how many steps run at once. `lease`: how soon the steps of a worker that died are granted again (and a
    second), in seconds or as "15s". `grace`: how long a stopping worker waits for running handlers. `queues`: which
    queues to serve, by default those of the workflows and templates given. `url`: the database, by default
    TASKER_DATABASE_URL, else the embedded one. `bridges`: children with handlers in other languages, which the worker
    starts and stops. `resources`: what compositions may name, by default those of the workflows given; `secrets`: where
    their secrets are found, by default in the environment. `seams`: for tests, what stands between the worker and its
    calls. Workflows and templates are registered when the worker starts. Functions that compositions may invoke
    (`@action`) are given beside the handlers.
    Raises DefinitionError when two handlers have one name, or no queue is known; ConflictError when it starts and a
    template is registered under the same version with another definition.

        worker = Worker(orders)     # or Worker(template, handler, another)
        await worker.run()          # until stop() is called, or
        async with worker: ...      # beside other work
    """

    def __init__(
        self,
        *handlers: Given,
        url: str | None = None,
        queues: Sequence[str] = (),
        slots: int = 100,
        lease: Duration = "15s",
        grace: Duration = "30s",
        name: str | None = None,
        bridges: Sequence[Bridge] = (),
        resources: Resources | None = None,
        secrets: Secrets | None = None,
        seams: Seams | None = None,
    ) -> None:
        if slots < 1:
            raise DefinitionError("a worker needs at least one slot")
        self.worker_id: UUID = uuid4()
        self.name = name or default_name()
        self._url = url
        self._templates = templates_of(handlers)
        self._actions, others = split_actions(handlers)
        self._resources = resources_of(others) if resources is None else resources
        self._secrets = secrets
        known: dict[str, Handler | ForeignHandler] = {**handlers_by_name(others)}
        self._handlers = WorkerHandlers(self.name, known, tuple(bridges))
        self._queues = tuple(queues) or queues_of(self._templates)
        if not self._queues:
            raise DefinitionError("no queue is known: give the worker templates, or name queues")
        self._slots = slots
        self._lease = to_seconds(lease)
        if not 0.1 <= self._lease <= 86_400:
            raise DefinitionError(f"lease is {self._lease:g} s; it must be 0.1 s to a day")
        self._grace = to_seconds(grace)
        self._running = RunningSteps()
        self._broken: BaseException | None = None
        self._seams = seams or Seams()
        self._pools: Pools | None = None
        self._threads = anyio.CapacityLimiter(slots)
        self._stopping = anyio.Event()
        self._stopped = anyio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(self.stop)
        try:
            await self._tasks.start(self.run)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if isinstance(error, Exception):
            # The task group is not told of it: it would hand it on in an exception group.
            self._tasks.cancel_scope.cancel()
            await self._stack.__aexit__(None, None, None)
            return None
        return await self._stack.__aexit__(kind, error, trace)

    def stop(self) -> None:
        """Stop: claim no more, let running handlers end within the grace period, give back the rest."""
        self._stopping.set()

    @property
    def left_behind(self) -> tuple[str, ...]:
        """The handlers that still run although nobody waits for them, as "step of task ID".

        They keep the event loop, or a thread, and so the process from ending by itself.
        """
        return self._running.left_behind

    async def stopped(self) -> None:
        """Wait until the worker has stopped."""
        await self._stopped.wait()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until stopped. Lost connections are opened again; what can't be mended is raised."""
        async with AsyncExitStack() as stack:
            await self._handlers.open_bridges(stack)
            database = await resolve_database(self._url)
            session = await stack.enter_async_context(
                Session(database.connect_async, patience=None)
            )
            self._pools = Pools(database)
            stack.push_async_callback(self._pools.close)
            self._handlers.outside = await stack.enter_async_context(self._open_outside())
            with request_errors():
                await register(session, self._templates)
                queue_ids = await self._register(session)
            stack.push_async_callback(self._running.dismiss)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            claimer = self._claimer(
                session, queue_ids, tasks, poll=0.25 if database.pooled else 0.75
            )
            heartbeat = self._heartbeat(database, session, claimer, tasks)
            heartbeat.start()
            stack.callback(heartbeat.stop)
            if not database.pooled:
                channels = [f"tasker_queue_{queue_id}" for queue_id in queue_ids]
                tasks.start_soon(notify, database.connect_async, channels, claimer.wake)
            tasks.start_soon(self._drain_when_stopped, claimer)
            _log.info(
                "worker %s serves %s with %s slots", self.name, ", ".join(self._queues), self._slots
            )
            self._tell_missing()
            task_status.started()
            await claimer.run()
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await session.ask("select tasker.leave(%s)", [self.worker_id])
        self._stopped.set()
        if self._broken is not None:
            raise self._broken

    def _tell_missing(self) -> None:
        from tasker.actions.secret_checks import tell_secrets

        self._handlers.tell_missing(self._templates)
        outside = self._handlers.outside
        if outside is not None:
            tell_secrets(outside.resources, outside.secrets)

    def _open_outside(self) -> AbstractAsyncContextManager[Outside]:
        from tasker.actions.outside import open_outside
        from tasker.actions.secrets import read_secrets
        from tasker_grammar.resources import Resources

        secrets = read_secrets() if self._secrets is None else self._secrets
        return open_outside(self._resources or Resources(), secrets, self._actions)

    async def _register(self, session: Session) -> list[int]:
        answer = await session.ask(
            "select tasker.register_worker(%s, %s, %s, %s, %s, %s)",
            [
                self.worker_id,
                self.name,
                list(self._queues),
                self._slots,
                self._handlers.names,
                importlib.metadata.version("tasker-pg"),
            ],
        )
        return [queue["queue_id"] for queue in answer]

    def _claimer(
        self, session: Session, queue_ids: Sequence[int], tasks: TaskGroup, poll: float
    ) -> Claimer:
        async def exchange(outcomes: bytes, want: int) -> Mapping[str, Any]:
            return await session.ask(
                "select tasker.exchange(%s, %s, %s::jsonb, %s, %s)",
                [self.worker_id, queue_ids, outcomes.decode(), want, self._lease],
            )

        async def get_definitions(ids: Sequence[int]) -> Sequence[Mapping[str, Any]]:
            return await session.ask("select tasker.get_definitions(%s)", [list(ids)])

        run = self._seams.run(partial(execute, threads=self._threads))
        save = self._seams.save(partial(_save, session))
        start_child = self._seams.start(Starter(session).start)

        outside = self._handlers.outside
        resources = None if outside is None else outside.resources

        def start(grants: Sequence[Grant]) -> None:
            traced = telemetry.tracing()

            def running(grant: Grant) -> Running:
                saving, starting = partial(save, grant), partial(start_child, grant)
                return Running(grant, saving, starting, self._pools, traced, resources)

            for grant in grants:
                match self._handlers.bound_to(grant.definition):
                    case BoundHandler() as handler:
                        step = self._run_step(claimer, running(grant), handler, run)
                        self._running.begin(step, broken)
                    case ForeignStep() as step:
                        foreign = ForeignRun(grant, step, save, start_child, settle)
                        self._running.add(foreign)
                        foreign.begin(traced)
                    case outcome:
                        claimer.settle(grant, outcome)

        def settle(grant: Grant, outcome: Outcome) -> None:
            self._running.remove(grant)
            claimer.settle(grant, outcome)

        def broken(error: BaseException) -> None:
            self._broken = self._broken or error
            tasks.cancel_scope.cancel()

        claimer = Claimer(self._seams.exchange(exchange), get_definitions, start, self._slots, poll)
        return claimer

    def _heartbeat(
        self, database: Database, session: Session, claimer: Claimer, tasks: TaskGroup
    ) -> Heartbeat:
        loop = asyncio.get_running_loop()

        def leases() -> list[tuple[Grant, Mapping[str, Any] | None]]:
            held = list(claimer.leases.values())
            return [(grant, self._running.reported(grant)) for grant in held]

        def lost(grant: Grant, cancelled: bool) -> None:
            loop.call_soon_threadsafe(self._running.revoke, grant, cancelled)

        def register_again() -> None:
            if not tasks.cancel_scope.cancel_called:  # a worker that has left is not to come back
                tasks.start_soon(self._register, session)

        def forgotten() -> None:
            loop.call_soon_threadsafe(register_again)

        return Heartbeat(database, self.worker_id, self._lease, leases, lost, forgotten)

    async def _run_step(
        self, claimer: Claimer, running: Running, handler: BoundHandler, run: RunStep
    ) -> None:
        grant = running.grant
        self._running.add(running)
        try:
            outcome = await run(running, handler)
            if running.transaction.is_open and isinstance(outcome, Completed):
                outcome = await self._seams.commit(commit)(running, outcome)
        finally:
            if running.transaction.is_open:
                await running.transaction.rollback()
            waited_for = self._running.remove(grant)
            if running.busy:
                self._running.leave(running)
        if waited_for:
            claimer.settle(grant, outcome)

    async def _drain_when_stopped(self, claimer: Claimer) -> None:
        await self._stopping.wait()
        await self._running.drain(claimer, self._grace)


async def _save(session: Session, grant: Grant, name: str, data: bytes, replace: bool) -> bool:
    """Save a checkpoint under the grant's lease; whether that was still good."""
    lease = grant.lease()
    return await session.ask(
        "select tasker.save_checkpoint(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        [*lease.values(), name, data.decode(), replace],
    )
