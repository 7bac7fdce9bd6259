"""The client for programs without an event loop: the same client, on a loop of its own in another thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload
from uuid import UUID

from anyio.from_thread import BlockingPortal, start_blocking_portal
from psycopg import Connection

from tasker.client import SUBMIT, Client, OnConflict, Submission
from tasker.durations import Duration
from tasker.emitted import EmittedEvent
from tasker.handle import TaskHandle
from tasker.priority import Priority
from tasker.requests import request_errors
from tasker.schedules import Schedule
from tasker.sync_operations import SyncOperations, iterate
from tasker.sync_schedule_handle import SyncScheduleHandle
from tasker.template import Template
from tasker.workflow import Workflow

__all__ = ["SyncClient", "SyncTaskHandle"]

T = TypeVar("T")
Json = Any


@dataclass(frozen=True, slots=True)
class SyncTaskHandle:
    """A submitted task, as TaskHandle, for programs without an event loop."""

    _handle: TaskHandle
    _portal: BlockingPortal

    @property
    def id(self) -> UUID:
        """The task's id."""
        return self._handle.id

    @overload
    def result(self, type_: None = None, *, timeout: float | None = None) -> Any: ...
    @overload
    def result(self, type_: type[T], *, timeout: float | None = None) -> T: ...
    def result(self, type_: type[Any] | None = None, *, timeout: float | None = None) -> Any:
        """As TaskHandle.result."""
        return self._portal.call(lambda: self._handle.result(type_, timeout=timeout))

    def status(self) -> Mapping[str, Json]:
        """As TaskHandle.status."""
        return self._portal.call(self._handle.status)

    def steps(self) -> Sequence[Mapping[str, Json]]:
        """As TaskHandle.steps."""
        return self._portal.call(self._handle.steps)

    def watch(self) -> Iterator[Mapping[str, Json]]:
        """As TaskHandle.watch."""
        return iterate(self._portal, self._handle.watch())

    def cancel(
        self, reason: str, *, actor: str = "client", compensate: bool = False
    ) -> Mapping[str, Json]:
        """As TaskHandle.cancel."""
        call = partial(self._handle.cancel, reason, actor=actor, compensate=compensate)
        return self._portal.call(call)

    def pause(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """As TaskHandle.pause."""
        return self._portal.call(partial(self._handle.pause, reason, actor=actor))

    def resume(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """As TaskHandle.resume."""
        return self._portal.call(partial(self._handle.resume, reason, actor=actor))

    def rerun(
        self,
        reason: str,
        *,
        actor: str = "client",
        from_steps: Sequence[str] | str | None = None,
        input: Any = None,
        version: str | None = None,
    ) -> SyncTaskHandle:
        """As TaskHandle.rerun."""
        call = partial(
            self._handle.rerun, reason,
            actor=actor, from_steps=from_steps, input=input, version=version,
        )  # fmt: skip
        return SyncTaskHandle(self._portal.call(call), self._portal)

    def plan_rerun(
        self, *, from_steps: Sequence[str] | str | None = None, version: str | None = None
    ) -> Mapping[str, Json]:
        """As TaskHandle.plan_rerun."""
        call = partial(self._handle.plan_rerun, from_steps=from_steps, version=version)
        return self._portal.call(call)

    def send_event(self, name: str, payload: Any = None) -> bool:
        """As TaskHandle.send_event."""
        return self._portal.call(self._handle.send_event, name, payload)

    def children(self) -> list[Mapping[str, Json]]:
        """As TaskHandle.children."""
        return self._portal.call(self._handle.children)

    def approvals(self) -> list[Mapping[str, Json]]:
        """As TaskHandle.approvals."""
        return self._portal.call(self._handle.approvals)

    def answer(
        self,
        name: str,
        approved: bool,
        reason: str,
        *,
        actor: str,
        answer: Any = None,
        roles: Sequence[str] = (),
        step: str | None = None,
    ) -> None:
        """As TaskHandle.answer."""
        self._portal.call(
            partial(
                self._handle.answer, name, approved, reason,
                actor=actor, answer=answer, roles=roles, step=step,
            )
        )  # fmt: skip


class SyncClient(SyncOperations):
    """As Client, for programs without an event loop. Use it as a context manager; any thread may call it."""

    def __init__(self, url: str | None = None, *, patience: float = 30.0) -> None:
        self._client = self._operations = Client(url, patience=patience)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._portal = self._stack.enter_context(start_blocking_portal())
        entered: AbstractContextManager[Client] = self._portal.wrap_async_context_manager(
            self._client
        )
        self._stack.enter_context(entered)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def register(self, *templates: Workflow | Template) -> None:
        """As Client.register."""
        self._portal.call(self._client.register, *templates)

    def submit(
        self,
        template: str | Workflow,
        input: Any = None,
        *,
        version: str | None = None,
        idempotency_key: str | None = None,
        on_conflict: OnConflict = "reject",
        priority: Priority = "normal",
        correlation_id: UUID | None = None,
        tags: Sequence[str] = (),
        start_at: datetime | None = None,
        context: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> SyncTaskHandle:
        """As Client.submit; `connection` is a synchronous one, and is used on the calling thread."""
        one = Submission(input, idempotency_key, priority, correlation_id, tags, start_at, context)
        return self.submit_many(
            template, [one], version=version, on_conflict=on_conflict, connection=connection
        )[0]

    def submit_many(
        self,
        template: str | Workflow,
        submissions: Iterable[Submission],
        *,
        version: str | None = None,
        on_conflict: OnConflict = "reject",
        connection: Connection | None = None,
    ) -> list[SyncTaskHandle]:
        """As Client.submit_many."""
        given = list(submissions)
        if connection is None:
            call = partial(
                self._client.submit_many, template, given, version=version, on_conflict=on_conflict
            )
            handles = self._portal.call(call)
        else:
            request = self._portal.call(self._client.prepare, template, given, version, on_conflict)
            with request_errors():
                row = connection.execute(SUBMIT, request).fetchone()
            handles = self._client.handles(template, row[0] if row else [])
        return [SyncTaskHandle(handle, self._portal) for handle in handles]

    def approvals(self, who: Sequence[str] | None = None) -> list[Mapping[str, Json]]:
        """As Client.approvals."""
        return self._portal.call(self._client.approvals, who)

    def send_event(self, correlation_id: UUID | str, name: str, payload: Any = None) -> int:
        """As Client.send_event."""
        return self._portal.call(self._client.send_event, correlation_id, name, payload)

    def events(self, queue: str, *, lease: Duration = "30s") -> Iterator[EmittedEvent]:
        """As Client.events."""
        return iterate(self._portal, self._client.events(queue, lease=lease))

    def handle(self, task_id: UUID | str) -> SyncTaskHandle:
        """As Client.handle."""
        return SyncTaskHandle(self._client.handle(task_id), self._portal)

    def create_schedule(
        self,
        name: str,
        schedule: Schedule,
        *,
        on_conflict: Literal["reject", "update"] = "reject",
    ) -> SyncScheduleHandle:
        """As Client.create_schedule."""
        call = partial(self._client.create_schedule, name, schedule, on_conflict=on_conflict)
        return SyncScheduleHandle(self._portal.call(call), self._portal)

    def schedule(self, name: str) -> SyncScheduleHandle:
        """As Client.schedule."""
        return SyncScheduleHandle(self._client.schedule(name), self._portal)

    def list_schedules(self, namespace: str | None = None) -> Sequence[Mapping[str, Any]]:
        """As Client.list_schedules."""
        return self._portal.call(self._client.list_schedules, namespace)
