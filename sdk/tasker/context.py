"""What a handler can know about the attempt that it is. Reads the clock, nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload
from uuid import UUID

from psycopg import AsyncConnection, Connection

from tasker.approvals import Approval
from tasker.cancellation import Cancellation
from tasker.children import ChildTask, OnBlocked, OnParentEnd, new_child
from tasker.durable import Checkpoint, Durable, SyncDurable
from tasker.durations import Duration
from tasker.errors import PermanentError
from tasker.names import PLACES
from tasker.priority import Priority
from tasker.schedules import Scheduled, read_scheduled
from tasker.step_log import StepLogger
from tasker.transactions import Transaction

if TYPE_CHECKING:
    from tasker.expansion import Expansion
    from tasker.workflow import Workflow
    from tasker_grammar.resources import Resources

__all__ = ["Progress", "StepContext", "SyncContext", "UndoneStep"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a handler has come: `done` of `total` (None: unknown), and a note for people."""

    done: float
    total: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class UndoneStep:
    """The step that a compensation undoes."""

    name: str
    idempotency_key: str
    """The key that its own handler had: outside systems know by it what it has done."""
    completed: bool = True
    """False when it was started and did not complete, so that nobody knows what it has done."""


class SyncContext(SyncDurable):
    """What a context offers to handlers that are not async."""

    __slots__ = ("_database",)

    def __init__(self, durable: Durable, database: Transaction) -> None:
        super().__init__(durable)
        self._database = database

    def transaction(self) -> AbstractContextManager[Connection]:
        """As `StepContext.transaction`."""
        return self._database.enter_here()


def _forget(_: Progress) -> None:
    """Progress outside a worker, as in a unit test, goes nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """The attempt that a handler is running: which step of which task, and how much time is left.

    A handler gets it through a parameter annotated `StepContext`, or named `ctx` or `context`. A
    unit test makes one by hand; only the fields without default are needed then.
    `task_input`, `results`, `config` and `task_context` are shared with other steps: read them,
    do not change them.
    """

    task_id: UUID
    namespace: str
    template: str
    version: str
    step_name: str
    step_no: int = 1
    attempt: int = 1
    """Which attempt this is, from 1."""
    max_attempts: int = 1
    deadline: datetime | None = None
    """When the attempt is ended, if it is limited. Always with a time zone."""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The step's configuration: `config=` in code, `handler.initialization` in YAML."""
    task_input: Any = None
    """The task's input, as parsed JSON."""
    task_context: Any = None
    """What the client gave as the task's context, as parsed JSON."""
    results: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The results of the step's parents by name, as parsed JSON."""
    undoes: UndoneStep | None = None
    """The step that is undone, in a compensation; None elsewhere."""
    correlation_id: UUID | None = None
    tags: tuple[str, ...] = ()
    cancellation: threading.Event = field(default_factory=Cancellation, repr=False)
    """Set by the worker when the attempt should stop; handlers read `cancelled` or wait on it."""
    report: Callable[[Progress], None] = field(default=_forget, repr=False)
    """Where `progress` goes; the worker's."""

    durable: Durable = field(default_factory=lambda: Durable({}), repr=False)
    """What earlier runs of the step have saved; the worker's.

    A unit test may give what came of a wait: `Durable({"event:paid": {"event": 7}})`.
    """

    database: Transaction = field(default_factory=Transaction, repr=False)
    """What `transaction` opens; the worker's."""

    resources: Resources | None = field(default=None, repr=False)
    """What compositions and fragments may name, in this worker; the worker's."""

    kind: str = "standard"
    """What kind of step it is, as templates name them."""

    async def run(self, name: str, function: Callable[[], Awaitable[T] | T]) -> T:
        """Call `function` once: what it returned is saved under `name`, and later runs get that.

        A run is later when the handler was retried, its worker died, or it has waited. `function` runs again only
        if the worker dies before the result is saved, so hand an idempotency key to what it calls. Its result must be
        JSON by its annotation, as a handler's. A name is used once in a handler.
        """
        return await self.durable.run(name, function)

    async def checkpoint(self, cursor: Any, partial: Any = None) -> None:
        """Save how far the handler has come and what it has by then, both JSON, in place of the last checkpoint.

        The next run, after a retry or on another worker, finds it in `last_checkpoint` and goes on from there.
        """
        await self.durable.checkpoint(cursor, partial)

    @property
    def last_checkpoint(self) -> Checkpoint | None:
        """What an earlier run of the step saved last; None on a first run, or when it saved nothing."""
        return self.durable.last

    async def sleep(self, duration: Duration, name: str | None = None) -> None:
        """Give the slot back for this long; then the handler runs again, and goes on from here.

        Sleeps are told apart by their order, or by `name`. Raises what leaves the handler, which is no `Exception`.
        """
        await self.durable.sleep(duration, name)

    async def wait_event(self, event: str, timeout: Duration | None = None) -> Any:
        """The payload of an event that was or will be sent to the task, as parsed JSON. Waiting takes no slot.

        Raises `EventTimedOut` when it has not come in time.
        """
        return await self.durable.wait_event(event, timeout)

    async def start_task(
        self,
        template: str | Workflow,
        input: Any = None,
        *,
        name: str | None = None,
        version: str | None = None,
        on_parent_end: OnParentEnd = "cancel",
        priority: Priority | None = None,
        tags: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
    ) -> ChildTask:
        """Start a task of a template, "namespace/name" or a workflow, as a child of this one.

        It is started once: later runs of the step find the same child by its `name`, which is used once in a handler,
        and by default the template's. It has this task's correlation id, and its priority unless another is given. When
        this task is cancelled, ends in an error or is undone, the child is cancelled too (or undone), unless
        `on_parent_end` is "leave"; when this task completes, the child goes on. `version` is the workflow's, or the one
        registered last. Raises PermanentError when there is no such template, or this task is 32 children deep already;
        ContractError when the input does not fit.
        """
        child = new_child(template, input, name, version, on_parent_end, priority, tags, context)
        return await self.durable.start_task(child)

    @overload
    async def wait_task(
        self,
        task: ChildTask | UUID | str,
        type_: None = None,
        *,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any: ...
    @overload
    async def wait_task(
        self,
        task: ChildTask | UUID | str,
        type_: type[T],
        *,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> T: ...
    async def wait_task(
        self,
        task: ChildTask | UUID | str,
        type_: type[Any] | None = None,
        *,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any:
        """The result of a task, a child or any other by its id, when it has ended. Waiting takes no slot.

        With `type_` the result is validated to it; without, to what the workflow that the child was started from
        returns, and else it is plain JSON. Raises TaskFailed when the task ended with an error, TaskCancelled when it
        was cancelled, TaskTimedOut when it did not end in time (it goes on); PermanentError when there is no such task.
        A task that is blocked by failures has not ended, and may be mended: the wait goes on, unless `on_blocked` is
        "raise"; then it raises TaskFailed.
        """
        return self.durable.await_task(task, type_, timeout, on_blocked)

    @overload
    async def run_task(
        self,
        template: str | Workflow,
        input: Any = None,
        type_: None = None,
        *,
        name: str | None = None,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any: ...
    @overload
    async def run_task(
        self,
        template: str | Workflow,
        input: Any,
        type_: type[T],
        *,
        name: str | None = None,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> T: ...
    async def run_task(
        self,
        template: str | Workflow,
        input: Any = None,
        type_: type[Any] | None = None,
        *,
        name: str | None = None,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any:
        """Start a child and wait for its result: `start_task` and `wait_task` in one."""
        child = await self.start_task(template, input, name=name)
        return self.durable.await_task(child, type_, timeout, on_blocked)

    async def ask(
        self,
        name: str,
        title: str | None = None,
        *,
        data: Any = None,
        form: type[T] | None = None,
        who: Sequence[str] = (),
        timeout: Duration | None = None,
        default: bool | None = None,
    ) -> Approval[T]:
        """Ask people, and give the slot back until one of them has answered.

        `title` and `data` (JSON) are what they see, `form` is the type that they fill in (a pydantic model, for
        example), `who` names the people or roles that may answer; nobody named: anybody. When the time is up, `default`
        holds; without one, raises `ApprovalTimedOut`. The first answer counts.
        """
        return self.durable.ask_people(name, title, data, form, who, timeout, default)

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection to the worker's database whose writes commit with the step's completion, or not at all.

        They are undone if the handler raises, waits, is interrupted or loses its lease, and the next attempt makes them
        anew: so each takes effect once. They are seen by others when the step is complete, and what they lock is locked
        until then. The `async with` block may be left and entered again; the connection is psycopg's. The worker
        needs the rights to the tables. Raises `DatabaseUnavailable`.
        """
        return self.database.enter()

    def propose(
        self,
        place: str,
        fragment: Any,
        result: T = None,
        *,
        given: Mapping[str, Any] | None = None,
    ) -> Expansion[T]:
        """What a handler returns to have the steps of a fragment done, with its own result: an `Expansion`.

        `place` is where the workflow lets fragments grow (`Workflow.fragment`), `fragment` a `Fragment` or its JSON.
        `given` are values by name that its expressions see beside `.input`; they are kept with it. It is checked here,
        before anything exists, for just these values. Raises FragmentRejected with everything that is wrong with it (or
        FragmentRefused, where the place says that another attempt may be made), and PermanentError for a name that
        cannot be given.
        """
        from tasker.actions.fragments import grow, propose, read_place
        from tasker_grammar.resources import Resources

        places: Mapping[str, Any] = self.config.get(PLACES, {})
        if place not in places:
            known = ", ".join(places) or "none"
            raise PermanentError(f"no fragment may grow at {place} by this step; places: {known}")
        known_here = self.resources or Resources()
        proposed = propose(fragment, given or {})
        return grow(place, proposed, read_place(places[place]), known_here, result)

    @property
    def sync(self) -> SyncContext:
        """All that is awaited here, for handlers that are not async: `ctx.sync.run(...)`, and so on."""
        return SyncContext(self.durable, self.database)

    @property
    def scheduled(self) -> Scheduled | None:
        """The fire of a schedule that the task was submitted for, with its nominal time; None when it was none."""
        return read_scheduled(self.task_context)

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt of this step, and of no other: for outside systems."""
        return f"{self.task_id}:{self.step_no}"

    @property
    def cancelled(self) -> bool:
        """Whether the attempt should stop: cancelled, out of time, or its lease lost.

        Async handlers are interrupted anyway. A long sync handler looks here now and then, and
        returns or raises; what it returns is not used any more.
        """
        return self.cancellation.is_set()

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry the task, the step and the attempt as extra fields, beside those in `extra=`."""
        template = f"{self.namespace}/{self.template}"
        return StepLogger(str(self.task_id), template, self.step_name, self.attempt)

    def remaining(self) -> float | None:
        """Seconds until the attempt is ended, at least 0, or None when it is not limited."""
        if self.deadline is None:
            return None
        return max(0.0, (self.deadline - datetime.now(UTC)).total_seconds())

    def progress(self, done: float, total: float | None = None, note: str | None = None) -> None:
        """Say how far the handler has come, for operators. Cheap: it goes with a heartbeat."""
        self.report(Progress(done, total, note))
