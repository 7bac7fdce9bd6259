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
import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID, uuid4

import anyio
from anyio.abc import TaskGroup, TaskStatus

from tasker import telemetry
from tasker.binding import ACTION, BoundHandler, Handler, bind_handler, handler_of
from tasker.claimer import Claimer
from tasker.database import resolve_database
from tasker.durations import Duration, to_seconds
from tasker.errors import DefinitionError
from tasker.executor import Running, commit, execute
from tasker.foreign import ForeignHandler, ForeignStep, foreign_handlers
from tasker.foreign_run import ForeignRun
from tasker.grant import Definition, Grant, describe_failure
from tasker.heartbeat import Heartbeat
from tasker.names import COMPOSITION, OWN_HANDLERS, did_you_mean
from tasker.notifier import notify
from tasker.outcome import Completed, Failed, Outcome, Released
from tasker.registry import register
from tasker.requests import request_errors
from tasker.seams import RunStep, Seams
from tasker.starting import Starter
from tasker.template import StepDefinition, Template
from tasker.transactions import Pools
from tasker.workflow import Workflow
from tasker_ffi_bridge import Bridge, BridgeError
from tasker_sql.connection import Database
from tasker_sql.session import Session

if TYPE_CHECKING:
    from tasker.actions.invoking import Invocable
    from tasker.actions.outside import Outside
    from tasker.actions.secrets import Secrets
    from tasker_grammar.resources import Resources

__all__ = ["Worker", "default_name", "handlers_by_name", "queues_of", "split_actions"]

_log = logging.getLogger(__name__)

_MISSING_HANDLER_DELAY = (
    5.0  # seconds until a step that this worker cannot run is granted again, to whoever
)


_LAST_WAIT = 3.0  # seconds that an interrupted handler has to clean up, before it is left behind


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
        *handlers: Workflow | Template | Handler | Callable[..., Any],
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
        self._templates = [
            given.template if isinstance(given, Workflow) else given
            for given in handlers
            if isinstance(given, Workflow | Template)
        ]
        actions, others = split_actions(handlers)
        self._actions = actions
        self._resources = _resources_of(others) if resources is None else resources
        self._secrets = secrets
        self._outside: Outside | None = None
        self._handlers: dict[str, Handler | ForeignHandler] = {**handlers_by_name(others)}
        self._bridges = tuple(bridges)
        self._queues = tuple(queues) or queues_of(self._templates)
        if not self._queues:
            raise DefinitionError("no queue is known: give the worker templates, or name queues")
        self._slots = slots
        self._lease = to_seconds(lease)
        if not 0.1 <= self._lease <= 86_400:
            raise DefinitionError(f"lease is {self._lease:g} s; it must be 0.1 s to a day")
        self._grace = to_seconds(grace)
        self._bound: dict[int, BoundHandler | ForeignStep | Outcome] = {}
        self._running: dict[int, Running | ForeignRun] = {}
        self._steps: set[asyncio.Task[None]] = set()
        self._left: list[Running] = []
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
        return tuple(_describe(running) for running in self._left if running.busy)

    async def stopped(self) -> None:
        """Wait until the worker has stopped."""
        await self._stopped.wait()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Work until stopped. Lost connections are opened again; what can't be mended is raised."""
        async with AsyncExitStack() as stack:
            for bridge in self._bridges:
                await self._open_bridge(stack, bridge)
            database = await resolve_database(self._url)
            session = await stack.enter_async_context(
                Session(database.connect_async, patience=None)
            )
            self._pools = Pools(database)
            stack.push_async_callback(self._pools.close)
            self._outside = await stack.enter_async_context(self._open_outside())
            with request_errors():
                await register(session, self._templates)
                queue_ids = await self._register(session)
            stack.push_async_callback(self._dismiss)
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

    def _open_outside(self) -> AbstractAsyncContextManager[Outside]:
        from tasker.actions.outside import open_outside
        from tasker.actions.secrets import read_secrets
        from tasker_grammar.resources import Resources

        secrets = read_secrets() if self._secrets is None else self._secrets
        return open_outside(self._resources or Resources(), secrets, self._actions)

    async def _open_bridge(self, stack: AsyncExitStack, bridge: Bridge) -> None:
        """Start a bridge's child, and know its handlers until the worker stops."""
        try:
            await stack.enter_async_context(bridge)
        except BridgeError as error:
            raise DefinitionError(
                f"the handlers of {bridge.name} cannot be run: it {error}"
            ) from error
        for handler in foreign_handlers(bridge):
            if handler.name in self._handlers:
                raise DefinitionError(
                    f"two handlers are named {handler.name}; one is of {bridge.name}"
                )
            self._handlers[handler.name] = handler
            stack.callback(self._handlers.pop, handler.name)

    def _tell_missing(self) -> None:
        """Warn of steps of the given templates that this worker cannot run: that may be meant, or a name left out."""
        for template in self._templates:
            for handler, name in template.handlers:
                if handler not in self._handlers and handler not in OWN_HANDLERS:
                    _log.warning(
                        "no handler %s here, for step %s of %s: another worker must have it. %s",
                        handler,
                        name,
                        template.full_name,
                        self._hint(handler) or f"(A handler class has a name: name = {handler!r})",
                    )

    def _hint(self, handler: str) -> str:
        """What helps whoever expected a handler here: a name that is near, and the children that have others."""
        children = ", ".join(f"{bridge.name} ({bridge.origin})" for bridge in self._bridges)
        asked = f"Neither Python nor these children have it: {children}" if children else ""
        return " ".join(part for part in (did_you_mean(handler, self._handlers), asked) if part)

    async def _register(self, session: Session) -> list[int]:
        answer = await session.ask(
            "select tasker.register_worker(%s, %s, %s, %s, %s, %s)",
            [
                self.worker_id,
                self.name,
                list(self._queues),
                self._slots,
                sorted({*self._handlers, *OWN_HANDLERS}),
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

        resources = None if self._outside is None else self._outside.resources

        def start(grants: Sequence[Grant]) -> None:
            traced = telemetry.tracing()

            def running(grant: Grant) -> Running:
                saving, starting = partial(save, grant), partial(start_child, grant)
                return Running(grant, saving, starting, self._pools, traced, resources)

            for grant in grants:
                match self._bound_to(grant.definition):
                    case BoundHandler() as handler:
                        # Not in the task group: that would wait for a handler that cannot be interrupted.
                        step = asyncio.create_task(
                            self._run_step(claimer, running(grant), handler, run)
                        )
                        self._steps.add(step)
                        step.add_done_callback(ended)
                    case ForeignStep() as step:
                        foreign = ForeignRun(grant, step, save, start_child, settle)
                        self._running[id(grant)] = foreign
                        foreign.begin(traced)
                    case outcome:
                        claimer.settle(grant, outcome)

        def settle(grant: Grant, outcome: Outcome) -> None:
            self._running.pop(id(grant), None)
            claimer.settle(grant, outcome)

        def ended(step: asyncio.Task[None]) -> None:
            self._steps.discard(step)
            if not step.cancelled() and (error := step.exception()) is not None:
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
            running = (self._running.get(id(grant)) for grant in held)
            return [
                (grant, one.reported if one else None)
                for grant, one in zip(held, running, strict=True)
            ]

        def lost(grant: Grant, cancelled: bool) -> None:
            loop.call_soon_threadsafe(self._revoke, grant, cancelled)

        def register_again() -> None:
            if not tasks.cancel_scope.cancel_called:  # a worker that has left is not to come back
                tasks.start_soon(self._register, session)

        def forgotten() -> None:
            loop.call_soon_threadsafe(register_again)

        return Heartbeat(database, self.worker_id, self._lease, leases, lost, forgotten)

    def _revoke(self, grant: Grant, cancelled: bool) -> None:
        running = self._running.get(id(grant))
        if running is not None:
            why = "its step was cancelled" if cancelled else "its lease was lost"
            _log.warning(
                "interrupting %s of task %s: %s", grant.definition.name, grant.task.task_id, why
            )
            running.revoke("cancelled" if cancelled else "lease_lost")

    async def _run_step(
        self, claimer: Claimer, running: Running, handler: BoundHandler, run: RunStep
    ) -> None:
        grant = running.grant
        self._running[id(grant)] = running
        try:
            outcome = await run(running, handler)
            if running.transaction.is_open and isinstance(outcome, Completed):
                outcome = await self._seams.commit(commit)(running, outcome)
        finally:
            if running.transaction.is_open:
                await running.transaction.rollback()
            waited_for = self._running.pop(id(grant), None)
            if running.busy:
                self._left.append(running)
        if waited_for is not None:
            claimer.settle(grant, outcome)

    def _bound_to(self, definition: Definition) -> BoundHandler | ForeignStep | Outcome:
        found = self._bound.get(definition.definition_id)
        if found is None:
            found = self._bound[definition.definition_id] = self._bind(definition)
        return found

    def _bind(self, definition: Definition) -> BoundHandler | ForeignStep | Outcome:
        """Join a step to its handler; where that can't be, what each attempt of it comes to in this worker."""
        handler = self._handlers.get(definition.handler)
        if handler is None and definition.handler not in OWN_HANDLERS:
            _log.warning("no handler %s here, for step %s", definition.handler, definition.name)
            missing = f"worker {self.name} has no handler {definition.handler}"
            if hint := self._hint(definition.handler):
                missing = f"{missing}. {hint}"
            return Released(describe_failure("HandlerMissing", missing), _MISSING_HANDLER_DELAY)
        step = StepDefinition(
            definition.name,
            definition.handler,
            "standard" if definition.kind == "compensation" else definition.kind,
            depends_on=tuple(name for _, name in definition.parents),
            input_schema=definition.input_schema,
            result_schema=definition.result_schema,
        )
        try:
            if handler is None:
                return self._bind_own(definition, step)
            if isinstance(handler, ForeignHandler):
                return handler.bind(step)
            return bind_handler(handler, step, definition.task_input_schema)
        except DefinitionError as error:
            return Failed(describe_failure("DefinitionError", str(error)))

    def _bind_own(self, definition: Definition, step: StepDefinition) -> BoundHandler | Outcome:
        """Join a step that is a composition, or of a fragment, to what runs it."""
        from tasker.actions.fragment_steps import bind_fragment_step
        from tasker.actions.running import bind_composition

        assert self._outside is not None
        if definition.handler != COMPOSITION:
            return bind_fragment_step(definition, step, self._outside, self.name)
        bound = bind_composition(definition, step, self._outside, self.name)
        if not isinstance(bound, BoundHandler):
            _log.warning("step %s cannot run here: %s", definition.name, bound.failure.message)
        return bound

    async def _drain_when_stopped(self, claimer: Claimer) -> None:
        await self._stopping.wait()
        claimer.drain()
        await anyio.sleep(self._grace)
        for running in list(self._running.values()):
            running.revoke("stopping")
        await anyio.sleep(_LAST_WAIT)
        for running in self._leave_behind():
            stuck = describe_failure(
                "Interrupted", "the handler does not let itself be interrupted"
            )
            claimer.settle(running.grant, Released(stuck, delay=0))

    async def _dismiss(self) -> None:
        """See to it that no handler is waited for any more: those that still run are interrupted, or left behind."""
        for running in list(self._running.values()):
            running.revoke("stopping")
        for step in self._steps:
            step.cancel()
        if self._steps:
            with anyio.CancelScope(shield=True):
                await asyncio.wait(self._steps, timeout=_LAST_WAIT if self._running else 0)
        self._leave_behind()
        for name in self.left_behind:
            _log.warning("left behind, because it does not end: %s", name)

    def _leave_behind(self) -> list[Running]:
        stuck = [one for one in self._running.values() if isinstance(one, Running)]
        self._running.clear()
        self._left.extend(stuck)
        return stuck


def default_name() -> str:
    """What a worker of this process is called when nobody names it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _describe(running: Running) -> str:
    return f"{running.grant.step_name} of task {running.grant.task.task_id}"


async def _save(session: Session, grant: Grant, name: str, data: bytes, replace: bool) -> bool:
    """Save a checkpoint under the grant's lease; whether that was still good."""
    lease = grant.lease()
    return await session.ask(
        "select tasker.save_checkpoint(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        [*lease.values(), name, data.decode(), replace],
    )


def queues_of(templates: Iterable[Template]) -> tuple[str, ...]:
    """The queues that the templates' steps go to, by default each namespace's own."""
    queues: dict[str, None] = {}
    for template in templates:
        own = template.namespace.lower().replace("-", "_")
        for step in template.steps:
            queues[step.queue or own] = None
            if step.compensate is not None:
                queues[step.compensate.queue or step.queue or own] = None
    return tuple(queues)


def split_actions(
    given: Iterable[Workflow | Template | Handler | Callable[..., Any]],
) -> tuple[dict[str, Invocable], list[Workflow | Template | Handler | Callable[..., Any]]]:
    """What compositions may invoke, by name, and what else a worker is given. Raises DefinitionError."""
    actions: dict[str, Invocable] = {}
    others: list[Workflow | Template | Handler | Callable[..., Any]] = []
    for one in given:
        own = one.actions if isinstance(one, Workflow) else (one,)
        found = [getattr(each, ACTION) for each in own if hasattr(each, ACTION)]
        if not found or isinstance(one, Workflow):
            others.append(one)
        for each in found:
            if actions.setdefault(each.name, each) is not each:
                raise DefinitionError(f"two actions are named {each.name}")
    return actions, others


def _resources_of(given: Iterable[object]) -> Resources | None:
    """The resources of the workflows among what a worker is given. Raises DefinitionError when there are several."""
    own = [one.resources for one in given if isinstance(one, Workflow)]
    different = [each for n, each in enumerate(own) if each is not None and each not in own[:n]]
    if len(different) > 1:
        raise DefinitionError(
            "the workflows have different resources: give the worker those to use"
        )
    return different[0] if different else None


def handlers_by_name(
    given: Iterable[Workflow | Template | Handler | Callable[..., Any]],
) -> dict[str, Handler]:
    """The handlers among what a worker is given. Raises DefinitionError when two have one name."""
    handlers: dict[str, Handler] = {}
    for one in given:
        match one:
            case Workflow():
                named = dict(one.handlers)
            case Template():
                named = {}
            case Handler():
                named = {one.name: one}
            case _:
                named = {handler_of(one).name: handler_of(one)}
        for name, handler in named.items():
            if handlers.setdefault(name, handler) is not handler:
                raise DefinitionError(f"two handlers are named {name}")
    return handlers
