"""Code in a handler that survives crashes and waits: what it has done is saved, and what it waits for costs no slot.

A handler that waits is left, and later run again from its beginning. What it had saved, and what its waits came to, it
finds by their names; so the names, and their order, must be the same on each run. Touches the database through the call
that it is given.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import NAMESPACE_OID, UUID, uuid5

from anyio import from_thread

from tasker.approvals import Approval, make_question, read_answer
from tasker.children import (
    ChildTask,
    NewChild,
    OnBlocked,
    OnParentEnd,
    StartChild,
    new_child,
    read_end,
)
from tasker.durations import Duration, to_seconds
from tasker.errors import ApprovalTimedOut, EventTimedOut, PermanentError, RetryableError
from tasker.outcome import Outcome, Waiting
from tasker.priority import Priority
from tasker.values import Shape, shape_of

if TYPE_CHECKING:
    from tasker.workflow import Workflow

__all__ = ["Checkpoint", "Durable", "Left", "Save", "SyncDurable"]

T = TypeVar("T")

# Saves JSON under a name, in place of what was there or not; whether the step is still this worker's.
Save = Callable[[str, bytes, bool], Awaitable[bool]]

_CHECKPOINT = "checkpoint"
_anything = shape_of(Any, "a checkpoint")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a handler had come, and what it had by then, as parsed JSON."""

    cursor: Any
    partial: Any = None


class Left(BaseException):
    """Leaves a handler with what its run came to. No Exception, so that a handler's own `except` does not hold it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


async def _keep(_name: str, _data: bytes, _replace: bool) -> bool:
    """Outside a worker, as in a unit test, nothing outlives the run."""
    return True


async def _make_up(child: NewChild) -> UUID:
    """Outside a worker nothing is started; the id is the same on each run."""
    return uuid5(NAMESPACE_OID, child.name)


class Durable:
    """What one run of a handler has saved, has started and has waited for."""

    __slots__ = ("_awaited", "_save", "_saved", "_start", "_used")

    def __init__(
        self, saved: Mapping[str, Any], save: Save = _keep, start: StartChild = _make_up
    ) -> None:
        self._saved = saved
        self._save = save
        self._start = start
        self._used: set[str] = set()
        self._awaited: dict[str, int] = {}

    @property
    def saved(self) -> Mapping[str, Any]:
        """What earlier runs saved, and what their waits came to, by name."""
        return self._saved

    async def save(self, name: str, data: bytes, replace: bool) -> bool:
        """Save JSON under a name as it is; whether the lease was still good."""
        return await self._save(name, data, replace)

    async def start_child(self, child: NewChild) -> UUID | None:
        """Start a child, or find the one that was started under its name; None when the lease was lost."""
        return await self._start(child)

    async def run(self, name: str, function: Callable[[], Awaitable[T] | T]) -> T:
        """What `function` returned the first time, whichever run of the handler that was."""
        found, value, shape = self._recall(name, function)
        if found:
            return value
        result = function()
        if inspect.isawaitable(result):
            result = await result
        return await self._keep(name, shape, result)

    async def sleep(self, duration: Duration, name: str | None = None) -> None:
        """Go on after this time."""
        self.pause(duration, name)

    async def wait_event(self, event: str, timeout: Duration | None = None) -> Any:
        """The payload of an event, as parsed JSON."""
        return self.await_event(event, timeout)

    @property
    def last(self) -> Checkpoint | None:
        """The checkpoint that an earlier run saved last."""
        saved = self._saved.get(_CHECKPOINT)
        return None if saved is None else Checkpoint(saved["cursor"], saved["partial"])

    async def checkpoint(self, cursor: Any, partial: Any) -> None:
        """Save how far the handler has come, in place of what was saved before."""
        data = _anything.dump({"cursor": cursor, "partial": partial})
        if not await self._save(_CHECKPOINT, data, True):
            raise RetryableError("the lease was lost, so the checkpoint was not saved")

    def pause(self, duration: Duration, name: str | None) -> None:
        """Leave the handler, unless the time has passed."""
        key = self._use("sleep", name or str(1 + sum(k.startswith("sleep:") for k in self._used)))
        if key not in self._saved:
            raise Left(Waiting(key, seconds=_seconds(key, duration)))

    def await_event(self, event: str, timeout: Duration | None) -> Any:
        """Leave the handler, unless the event has come or the time has passed."""
        key = self._use("event", event)
        if key not in self._saved:
            seconds = None if timeout is None else _seconds(key, timeout)
            raise Left(Waiting(key, event, seconds))
        match self._saved[key]:
            case {"event": payload}:
                return payload
            case _:
                raise EventTimedOut(f"event {event} did not come in time")

    def ask_people(
        self,
        name: str,
        title: str | None,
        data: Any,
        form: Any,
        who: Sequence[str],
        timeout: Duration | None,
        default: bool | None,
    ) -> Approval[Any]:
        """Leave the handler, unless somebody has answered or the time has passed."""
        key = self._use("ask", name)
        question, shape = make_question(name, title, data, form, who)
        if key not in self._saved:
            seconds = None if timeout is None else _seconds(key, timeout)
            raise Left(Waiting(key, None, seconds, question))
        match self._saved[key]:
            case {"approved": _} as answered:
                return read_answer(answered, shape)
            case _ if default is not None:
                return Approval(default, expired=True)
            case _:
                raise ApprovalTimedOut(f"nobody answered {name} in time")

    async def start_task(self, child: NewChild) -> ChildTask:
        """Start a child, unless an earlier run did."""
        key = self._use("start", child.name)
        output = None if isinstance(child.template, str) else child.template.output
        if key in self._saved:
            return ChildTask(UUID(self._saved[key]), child.name, output)
        task_id = await self._start(child)
        if task_id is None:
            raise RetryableError(f"the lease was lost, so {child.name} was not started")
        return ChildTask(task_id, child.name, output)

    def await_task(
        self,
        task: ChildTask | UUID | str,
        type_: Any,
        timeout: Duration | None,
        on_blocked: OnBlocked,
    ) -> Any:
        """Leave the handler, unless the task has ended or the time has passed."""
        match task:
            case ChildTask(task_id, name, output):
                pass
            case _:
                task_id, name, output = _task_id(task), str(task), None
        again = self._awaited[name] = self._awaited.get(name, 0) + 1
        key = self._use("task", name if again == 1 else f"{name}#{again}")
        if key not in self._saved:
            seconds = None if timeout is None else _seconds(key, timeout)
            raise Left(
                Waiting(key, seconds=seconds, task=task_id, until_blocked=_raises(on_blocked))
            )
        return read_end(self._saved[key], task_id, output, type_)

    def run_here(self, name: str, function: Callable[[], T]) -> T:
        """As `run`, in the thread of a handler that is not async."""
        found, value, shape = self._recall(name, function)
        if found:
            return value
        return from_thread.run(self._keep, name, shape, function())

    def _recall(self, name: str, function: Callable[[], Any]) -> tuple[bool, Any, Shape]:
        key = self._use("run", name)
        shape = shape_of(_returned(function), f"what run {name} returns")
        found = key in self._saved
        return found, shape.load(self._saved[key]) if found else None, shape

    async def _keep(self, name: str, shape: Shape, result: Any) -> Any:
        if not await self._save(f"run:{name}", shape.dump(result), False):
            raise RetryableError(f"the lease was lost, so {name} was not saved")
        return result

    def _use(self, kind: str, name: str) -> str:
        key = f"{kind}:{name}"
        if not 1 <= len(name) <= 255:
            raise PermanentError(f"the name of a {kind} has 1 to 255 characters, not {len(name)}")
        if key in self._used:
            raise PermanentError(f"two {kind}s are named {name} in one run of a handler")
        self._used.add(key)
        return key


class SyncDurable:
    """`Durable` for handlers that are not async."""

    __slots__ = ("_durable",)

    def __init__(self, durable: Durable) -> None:
        self._durable = durable

    def run(self, name: str, function: Callable[[], T]) -> T:
        """As `StepContext.run`."""
        return self._durable.run_here(name, function)

    def checkpoint(self, cursor: Any, partial: Any = None) -> None:
        """As `StepContext.checkpoint`."""
        from_thread.run(self._durable.checkpoint, cursor, partial)

    def sleep(self, duration: Duration, name: str | None = None) -> None:
        """As `StepContext.sleep`."""
        self._durable.pause(duration, name)

    def wait_event(self, event: str, timeout: Duration | None = None) -> Any:
        """As `StepContext.wait_event`."""
        return self._durable.await_event(event, timeout)

    def start_task(
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
        """As `StepContext.start_task`."""
        child = new_child(template, input, name, version, on_parent_end, priority, tags, context)
        return from_thread.run(self._durable.start_task, child)

    def wait_task(
        self,
        task: ChildTask | UUID | str,
        type_: type[Any] | None = None,
        *,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any:
        """As `StepContext.wait_task`."""
        return self._durable.await_task(task, type_, timeout, on_blocked)

    def run_task(
        self,
        template: str | Workflow,
        input: Any = None,
        type_: type[Any] | None = None,
        *,
        name: str | None = None,
        timeout: Duration | None = None,
        on_blocked: OnBlocked = "wait",
    ) -> Any:
        """As `StepContext.run_task`."""
        child = self.start_task(template, input, name=name)
        return self.wait_task(child, type_, timeout=timeout, on_blocked=on_blocked)

    def ask(
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
        """As `StepContext.ask`."""
        return self._durable.ask_people(name, title, data, form, who, timeout, default)


def _task_id(given: UUID | str) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        raise PermanentError(f"{given!r} is no task's id") from None


def _raises(on_blocked: str) -> bool:
    if on_blocked not in ("wait", "raise"):
        raise PermanentError(f"on_blocked is {on_blocked!r}; it is 'wait' or 'raise'")
    return on_blocked == "raise"


def _seconds(what: str, duration: Duration) -> float:
    try:
        return to_seconds(duration)
    except ValueError as error:
        raise PermanentError(f"{what}: {error}") from None


def _returned(function: Callable[[], Any]) -> Any:
    """What a function is annotated to return; Any where that says nothing."""
    try:
        return typing.get_type_hints(function).get("return", Any)
    except (NameError, TypeError, AttributeError):
        return Any
