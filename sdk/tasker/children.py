"""Child tasks, as a handler starts and awaits them, and what the end of an awaited task comes to. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from tasker.errors import PermanentError, StepFailure, TaskCancelled, TaskFailed, TaskTimedOut
from tasker.priority import Priority
from tasker.values import Shape, shape_of

if TYPE_CHECKING:
    from tasker.workflow import Workflow

__all__ = [
    "ChildTask",
    "NewChild",
    "OnBlocked",
    "OnParentEnd",
    "StartChild",
    "new_child",
    "read_end",
]

OnParentEnd = Literal["cancel", "leave"]
"""What becomes of a child when its parent is ended before its work is done."""

OnBlocked = Literal["wait", "raise"]
"""What becomes of a wait when the awaited task is blocked by failures."""


@dataclass(frozen=True, slots=True)
class ChildTask:
    """A task that a handler has started. `id` is good for a client's `handle` too."""

    id: UUID
    name: str
    output: Shape | None = None


@dataclass(frozen=True, slots=True)
class NewChild:
    """A child to start. The fields mean what they mean for `StepContext.start_task`."""

    name: str
    template: str | Workflow
    input: Any
    version: str | None
    on_parent_end: OnParentEnd
    priority: Priority | None
    tags: Sequence[str]
    context: Mapping[str, Any] | None


def new_child(
    template: str | Workflow,
    input: Any,
    name: str | None,
    version: str | None,
    on_parent_end: OnParentEnd,
    priority: Priority | None,
    tags: Sequence[str],
    context: Mapping[str, Any] | None,
) -> NewChild:
    """A child to start; by default it is named as its template. Raises `PermanentError` for what names no template."""
    full_name = template if isinstance(template, str) else template.full_name
    namespace, slash, short = full_name.partition("/")
    if not (namespace and slash and short) or "/" in short:
        raise PermanentError(f'{full_name!r} names no template: write "namespace/name"')
    return NewChild(
        name or short, template, input, version, on_parent_end, priority, tuple(tags), context
    )


# Starts a child under the step's lease, or finds it; None when the lease was lost.
StartChild = Callable[[NewChild], Awaitable[UUID | None]]


def read_end(saved: Mapping[str, Any], task_id: UUID, output: Shape | None, type_: Any) -> Any:
    """The result of an awaited task, from what its end saved. Raises what `StepContext.wait_task` raises."""
    match saved:
        case {"timeout": True}:
            raise TaskTimedOut(task_id)
        case {"state": "complete" | "resolved_manually", "result": result}:
            of = f"the result of task {task_id}"
            shape = output if type_ is None else shape_of(type_, of)
            return result if shape is None else shape.load(result)
        case {"state": "cancelled"}:
            raise TaskCancelled(task_id, saved["reason"])
        case {"state": None}:
            raise PermanentError(f"there is no task {task_id}: it may have been pruned")
        case _:
            failures = [
                StepFailure(failed["step"], failed["type"], failed["message"])
                for failed in saved["errors"]
            ]
            raise TaskFailed(task_id, saved["state"], failures, saved["reason"])
