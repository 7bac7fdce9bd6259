"""Submits tasks and looks after them. Touches the database; on the embedded one it also runs what it registers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, LiteralString, Self, TypedDict
from uuid import UUID

import anyio
import orjson
from psycopg import AsyncConnection

from tasker import telemetry
from tasker.database import resolve_database
from tasker.durations import Duration, to_seconds
from tasker.emitted import EmittedEvent, read_events
from tasker.errors import InvalidInputError
from tasker.handle import ANY_PAYLOAD, TaskHandle
from tasker.inputs import InputContracts
from tasker.notifier import notify
from tasker.operations import Operations
from tasker.priority import Priority, priority_number
from tasker.registry import register
from tasker.requests import request_errors
from tasker.schedule_handle import ScheduleHandle
from tasker.schedules import Schedule, encode_schedule
from tasker.storable import serialize
from tasker.template import Template
from tasker.worker import Worker
from tasker.workflow import Workflow
from tasker_grammar.contracts import Finding
from tasker_sql.session import Session

__all__ = ["SUBMIT", "Client", "OnConflict", "Submission", "SubmitOptions"]

OnConflict = Literal["reject", "return_existing"]

SUBMIT: LiteralString = """
    select json_agg(s.task_id order by s.ordinal) from tasker.submit_tasks(%s, %s, %s::jsonb, %s, %s) as s
"""


@dataclass(frozen=True, slots=True)
class Submission:
    """One task of a bulk submission; the fields mean what they mean for `Client.submit`."""

    input: Any = None
    idempotency_key: str | None = None
    priority: Priority = "normal"
    correlation_id: UUID | None = None
    tags: Sequence[str] = ()
    start_at: datetime | None = None
    context: Mapping[str, Any] | None = None


class SubmitOptions(TypedDict, total=False):
    """What can be said of a task beside its input; the meaning is that of Client.submit."""

    version: str | None
    idempotency_key: str | None
    on_conflict: OnConflict
    priority: Priority
    correlation_id: UUID | None
    tags: Sequence[str]
    start_at: datetime | None
    context: Mapping[str, Any] | None


class Client(Operations):
    """Registers templates, submits tasks, and waits for them. Use it as an async context manager.

    `url` names the database; by default TASKER_DATABASE_URL, else the embedded one. On the embedded database a workflow
    that is registered is also run, by a worker beside the client, so that a program is complete by itself.
    Raises DatabaseUnavailable when the database does not answer for `patience` seconds.
    """

    def __init__(self, url: str | None = None, *, patience: float = 30.0) -> None:
        self._url = url
        self._patience = patience
        self._stack = AsyncExitStack()
        self._workflows: dict[str, Workflow] = {}
        self._workers: list[Worker] = []
        self._changed: dict[UUID, anyio.Event] = {}
        self._listening = False

    async def __aenter__(self) -> Self:
        with request_errors():
            self._database = await resolve_database(self._url)
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        session = Session(self._database.connect_async, self._patience)
        self._session = await self._stack.enter_async_context(session)
        self._inputs = InputContracts(self._ask)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        for worker in self._workers:
            worker.stop()
        if error is None:
            for worker in self._workers:
                await worker.stopped()
        self._tasks.cancel_scope.cancel()
        if isinstance(error, Exception):
            # The task group is not told of it: it would hand it on in an exception group.
            await self._stack.__aexit__(None, None, None)
            return None
        return await self._stack.__aexit__(kind, error, trace)

    async def register(self, *templates: Workflow | Template) -> None:
        """Register templates; one that is registered already is no change.

        Raises ConflictError when one is registered under the same version with another definition.
        """
        with request_errors():
            await register(self._session, [_template(given) for given in templates])
        for given in templates:
            if isinstance(given, Workflow):
                self._workflows[given.full_name] = given
                if self._database.embedded:
                    await self._run_here(given)

    async def submit(
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
        connection: AsyncConnection | None = None,
    ) -> TaskHandle:
        """Submit a task of a template, "namespace/name" or a workflow, and return its handle.

        Without `version` it is the one registered last. `input` is anything that pydantic can write as JSON. Under an
        `idempotency_key` there is one task: a second is refused with ConflictError, or with on_conflict
        "return_existing" the first is returned. `start_at` delays its start. Steps of a higher `priority` start before
        those of a lower one. With `connection` the task is submitted on that connection, in the transaction it is in:
        it exists when that commits, and only then.
        Raises NotFoundError when there is no such template, ContractError when the input does not fit it.
        DatabaseUnavailable leaves open whether the task was submitted; an `idempotency_key` makes it safe to try again.
        """
        one = Submission(input, idempotency_key, priority, correlation_id, tags, start_at, context)
        handles = await self.submit_many(
            template, [one], version=version, on_conflict=on_conflict, connection=connection
        )
        return handles[0]

    async def submit_many(
        self,
        template: str | Workflow,
        submissions: Iterable[Submission],
        *,
        version: str | None = None,
        on_conflict: OnConflict = "reject",
        connection: AsyncConnection | None = None,
    ) -> list[TaskHandle]:
        """Submit up to 10,000 tasks of one template at once, all or none; handles come in the order given."""
        given = list(submissions)
        with telemetry.submit_span(_full_name(template), len(given)), request_errors():
            request = await self.prepare(template, given, version, on_conflict)
            if connection is None:
                ids = await self._session.tell(SUBMIT, request)
            else:
                row = await (await connection.execute(SUBMIT, request)).fetchone()
                ids = row[0] if row else None
        return self.handles(template, ids or [])

    async def prepare(
        self,
        template: str | Workflow,
        submissions: Sequence[Submission],
        version: str | None,
        on_conflict: OnConflict,
    ) -> list[Any]:
        """Check the inputs and return the parameters of SUBMIT, for a connection of the caller's own."""
        name = _full_name(template)
        workflow = template if isinstance(template, Workflow) else self._workflows.get(name)
        if version is None and isinstance(template, Workflow):
            version = template.version
        encode = await self._inputs.encoder(name, version, workflow)
        trace = telemetry.trace_context()
        rows = [_encode(one, encode(one.input), trace) for one in submissions]
        namespace, _, short = name.partition("/")
        try:
            tasks = orjson.dumps(rows).decode()
        except TypeError as error:
            raise InvalidInputError(f"a task's options are not JSON: {error}") from None
        return [namespace, short, tasks, version, on_conflict]

    def handles(self, template: str | Workflow, ids: Iterable[str | UUID]) -> list[TaskHandle]:
        """The handles of tasks of one template, which may say what type their result is."""
        workflow = template if isinstance(template, Workflow) else self._workflows.get(template)
        output = None if workflow is None else workflow.output
        return [
            TaskHandle(UUID(str(each)), self._ask, self._tell, self._wait_for_change, output)
            for each in ids
        ]

    def handle(self, task_id: UUID | str) -> TaskHandle:
        """The handle of a task that was submitted before, here or anywhere. Raises InvalidInputError."""
        return TaskHandle(
            _read_id(task_id, "task's id"), self._ask, self._tell, self._wait_for_change
        )

    async def send_event(self, correlation_id: UUID | str, name: str, payload: Any = None) -> int:
        """Send an event to every open task with a correlation id; how many have taken it, as the first of its name.

        Raises NotFoundError when there is no such task, ContractError when the payload is no JSON. To one task by its
        id: `client.handle(id).send_event(...)`.
        """
        sent = await self._ask(
            "select coalesce(json_agg(s), '[]') from tasker.send_event_to_all(%s, %s, %s::jsonb) as s",
            [_read_id(correlation_id, "correlation id"), name, ANY_PAYLOAD.dump(payload).decode()],
        )
        return sum(one["accepted"] for one in sent)

    def events(self, queue: str, *, lease: Duration = "30s") -> AsyncIterator[EmittedEvent]:
        """The events that steps emit into a queue, oldest first, for ever. Several readers share them.

        An event is taken out of the queue when the loop asks for the next one. Until then nobody else is given it, for
        the time of the lease; after that it is given again, to whoever asks: so is one in whose turn the loop was left.
        """
        return read_events(self._ask, queue, to_seconds(lease))

    async def create_schedule(
        self,
        name: str,
        schedule: Schedule,
        *,
        on_conflict: Literal["reject", "update"] = "reject",
    ) -> ScheduleHandle:
        """Make a schedule in the namespace of its template. The same one again is no change.

        One that is there with another definition is refused with ConflictError, or with on_conflict "update" it is
        given this one. Raises NotFoundError when there is no such template, ContractError when the input does not fit
        it, InvalidInputError for a cron expression, a time zone or a time that is none.
        """
        namespace, definition = await self._encode_schedule(schedule)
        await self._ask(
            "select tasker.create_schedule(%s, %s, %s::jsonb, %s)",
            [namespace, name, definition, on_conflict],
        )
        return ScheduleHandle(namespace, name, self._ask, self._tell, self._encode_schedule)

    def schedule(self, name: str) -> ScheduleHandle:
        """The handle of a schedule, "namespace/name", that was created before, here or anywhere."""
        namespace, slash, short = name.partition("/")
        if not (namespace and slash and short):
            raise InvalidInputError(f"{name!r} names no schedule", 'Write "namespace/name".')
        return ScheduleHandle(namespace, short, self._ask, self._tell, self._encode_schedule)

    async def list_schedules(self, namespace: str | None = None) -> list[Mapping[str, Any]]:
        """All schedules, or those of a namespace, as `tasker.list_schedules` describes them."""
        return await self._ask(
            "select coalesce(json_agg(s), '[]') from tasker.list_schedules(%s) as s", [namespace]
        )

    async def approvals(self, who: Sequence[str] | None = None) -> list[Mapping[str, Any]]:
        """What people are asked and nobody has answered, oldest first, as `tasker.get_approval` describes it.

        `who` leaves what one of these people or roles may answer. At most the oldest 1,000 are given.
        """
        return await self._ask(
            "select coalesce(json_agg(a), '[]')"
            " from tasker.list_approvals(who => %s::text[], max_rows => 1000) as a",
            [None if who is None else list(who)],
        )

    async def _encode_schedule(self, schedule: Schedule) -> tuple[str, str]:
        """The namespace of a schedule, and its definition as JSON, its input checked."""
        name = _full_name(schedule.template)
        workflow = (
            schedule.template
            if isinstance(schedule.template, Workflow)
            else self._workflows.get(name)
        )
        encode = await self._inputs.encoder(name, schedule.version, workflow)
        context = None if schedule.context is None else _context(schedule.context)
        namespace, _, short = name.partition("/")
        try:
            definition = encode_schedule(schedule, short, encode(schedule.input), context)
        except TypeError as error:
            raise InvalidInputError(f"a schedule's options are not JSON: {error}") from None
        return namespace, definition.decode()

    async def _ask(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        with request_errors():
            return await self._session.ask(statement, parameters)

    async def _tell(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        with request_errors():
            return await self._session.tell(statement, parameters)

    async def _run_here(self, workflow: Workflow) -> None:
        worker = Worker(workflow, url=self._database.conninfo)
        self._workers.append(worker)
        await self._tasks.start(worker.run)

    async def _wait_for_change(self, task_id: UUID, asked: int) -> None:
        """Wait for the notification that the task has ended, but not for long: it is only a hint."""
        if not (self._listening or self._database.pooled):
            self._listening = True
            self._tasks.start_soon(
                notify, self._database.connect_async, ["tasker_task"], self._heard
            )
        longest = 0.25 if self._database.pooled else 1.0
        changed = self._changed.setdefault(task_id, anyio.Event())
        with anyio.move_on_after(min(longest, 0.005 * 2 ** min(asked, 10))):
            await changed.wait()
        self._changed.pop(task_id, None)

    def _heard(self, _channel: str, task_id: str) -> None:
        ended = [UUID(task_id)] if task_id else list(self._changed)
        for each in ended:
            if each in self._changed:
                self._changed[each].set()


def _template(given: Workflow | Template) -> Template:
    return given.template if isinstance(given, Workflow) else given


def _read_id(given: UUID | str, what: str) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        raise InvalidInputError(
            f"{given!r} is no {what}", "Give the whole of it: a UUID."
        ) from None


def _full_name(template: str | Workflow) -> str:
    if isinstance(template, Workflow):
        return template.full_name
    if template.count("/") != 1:
        raise InvalidInputError(f"{template!r} names no template", 'Write "namespace/name".')
    return template


def _encode(one: Submission, data: bytes, trace: Mapping[str, str] | None) -> dict[str, Any]:
    """The submission as `tasker.submit_tasks` takes it; the input is embedded as the JSON it is."""
    if one.start_at is not None:
        _check_start(one.start_at)
    row: dict[str, Any] = {
        "input": orjson.Fragment(data),
        "priority": priority_number(one.priority),
    }
    optional = {
        "idempotency_key": one.idempotency_key,
        "correlation_id": one.correlation_id,
        "tags": list(one.tags),
        "start_at": one.start_at,
        "context": None if one.context is None else _context(one.context),
        "trace_context": trace,
    }
    return row | {key: value for key, value in optional.items() if value is not None}


def _context(value: Any) -> orjson.Fragment:
    data = serialize(orjson.dumps, value)
    if isinstance(data, Finding):
        raise InvalidInputError(f"a task's context cannot be stored: {data}")
    return orjson.Fragment(data)


def _check_start(start_at: object) -> None:
    """Refuse a time without a zone: it would be read in whatever zone the connection has."""
    if not isinstance(start_at, datetime) or start_at.utcoffset() is None:
        raise InvalidInputError(
            f"start_at is {start_at!r}, which is no time with a time zone",
            "Give it one, as in datetime(2030, 1, 31, 12, tzinfo=UTC). Nothing was submitted.",
        )
