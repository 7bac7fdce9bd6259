"""Handlers that a bridge's child has, as handlers of a worker. Touches the child through its bridge."""

from __future__ import annotations

import logging
from typing import Any, assert_never
from uuid import UUID

from tasker import telemetry
from tasker.approvals import Question
from tasker.binding import Handler
from tasker.children import NewChild
from tasker.context import StepContext, UndoneStep
from tasker.decorators import read_handler
from tasker.durable import Left
from tasker.errors import ContractError, DefinitionError, PermanentError
from tasker.expansion import Expansion
from tasker.grant import describe_failure, describe_foreign
from tasker.input_schemas import hold
from tasker.outcome import Failed, Lost, Outcome, Released, Retried, Waiting
from tasker.values import Shape
from tasker_ffi_bridge import Bridge, Refused, Unacceptable, messages
from tasker_ffi_bridge import Lost as LostRun
from tasker_grammar.contracts import Contract, SchemaError

__all__ = ["foreign_handlers"]

_LEVELS = logging.getLevelNamesMapping()
_REFUSED_DELAY = (
    1.0  # seconds until a step that the child would not run is granted again, to whoever
)


def foreign_handlers(bridge: Bridge) -> list[Handler]:
    """The handlers of a bridge whose child is ready. Raises DefinitionError for a schema that cannot be used."""
    return [_make(bridge, child) for child in bridge.child.handlers]


def _make(bridge: Bridge, child: messages.ChildHandler) -> Handler:
    takes = _contract(child.name, child.input_schema)
    gives = _contract(child.name, child.result_schema)

    async def call(ctx: StepContext) -> Any:
        if takes is not None:
            hold(takes, ctx.task_input, "the task's input")
        try:
            came_to = await bridge.run(_execute(bridge.new_run(), child.name, ctx), _Services(ctx))
        except ValueError as unsendable:
            raise Left(Failed(describe_failure("BridgeError", str(unsendable)))) from None
        match came_to:
            case messages.Complete(_, result, expansion):
                if gives is not None:
                    hold(gives, result, f"what handler {child.name} returned")
                return result if expansion is None else _Foreign(result, expansion)
            case _:
                raise Left(_outcome(came_to))

    return read_handler(call, child.name, {})


class _Services:
    """What a run in a child can ask for, as its context does it."""

    __slots__ = ("_ctx",)

    def __init__(self, ctx: StepContext) -> None:
        self._ctx = ctx

    def progress(self, progress: messages.Progress) -> None:
        self._ctx.progress(progress.done, progress.total, progress.note)

    async def checkpoint(self, what: messages.Checkpoint) -> bool:
        try:
            data = Shape(f"checkpoint {what.name}").dump(what.value)
        except ContractError as error:
            raise Unacceptable(str(error)) from error
        return await self._ctx.durable.save(what.name, data, what.replace)

    async def start_task(self, what: messages.StartTask) -> str | None:
        child = NewChild(
            what.name,
            what.template,
            what.input,
            what.version,
            what.on_parent_end,
            what.priority,
            what.tags,
            what.context,
        )
        try:
            started = await self._ctx.durable.start_child(child)
        except PermanentError as error:
            raise Unacceptable(str(error)) from error
        return None if started is None else str(started)

    def log(self, log: messages.Log) -> None:
        level = _LEVELS[log.level.upper()]
        self._ctx.logger.log(level, "%s", log.message, extra=log.fields)


class _Foreign(Expansion[Any]):
    """An expansion that came as JSON; the engine checks it when the step completes."""

    def __init__(self, result: Any, asked: list[dict[str, Any]]) -> None:
        super().__init__(result)
        self._json = asked

    def dump(self) -> bytes:
        """As it came."""
        return Shape("the expansion").dump(self._json)


def _outcome(
    came_to: messages.Retry
    | messages.GiveUp
    | messages.Wait
    | messages.Cancelled
    | LostRun
    | Refused,
) -> Outcome:
    match came_to:
        case messages.Retry(_, error, delay):
            return Retried(
                describe_foreign(error.type, error.message, error.kinds, error.traceback), delay
            )
        case messages.GiveUp(_, error):
            return Failed(describe_foreign(error.type, error.message, error.kinds, error.traceback))
        case messages.Wait(_, wait):
            return _wait(wait)
        case messages.Cancelled():
            return Retried(
                describe_failure(
                    "BridgeError", "the child cancelled a run that nobody had cancelled"
                )
            )
        case LostRun(why):
            return Lost(describe_failure("ChildDied", f"the child {why}"))
        case Refused(why):
            return Released(describe_failure("HandlerMissing", why), _REFUSED_DELAY)
        case _:
            assert_never(came_to)


def _wait(wait: messages.Waiting) -> Outcome:
    task = None
    if wait.task is not None:
        try:
            task = UUID(wait.task)
        except ValueError:
            return Failed(describe_failure("BridgeError", f"{wait.task!r} is no task's id"))
    question = None
    if (asked := wait.approval) is not None:
        for part, value in (("data", asked.data), ("form", asked.form)):
            try:
                Shape(f"the {part} of approval {asked.name}").dump(value)
            except ContractError as error:
                return Failed(describe_failure("ContractError", str(error)))
        title = asked.title or asked.name
        question = Question(asked.name, title, asked.data, asked.form, asked.who)
    return Waiting(wait.name, wait.event, wait.seconds, question, task, wait.until_blocked)


def _execute(run: str, handler: str, ctx: StepContext) -> messages.Execute:
    correlation, deadline, undone = ctx.correlation_id, ctx.deadline, ctx.undoes
    return {
        "run": run,
        "handler": handler,
        "task": {
            "id": str(ctx.task_id),
            "namespace": ctx.namespace,
            "template": ctx.template,
            "version": ctx.version,
            "input": ctx.task_input,
            "context": ctx.task_context,
            "correlation_id": None if correlation is None else str(correlation),
            "tags": ctx.tags,
        },
        "step": {
            "name": ctx.step_name,
            "number": ctx.step_no,
            "kind": ctx.kind,
            "config": ctx.config,
            "attempt": ctx.attempt,
            "max_attempts": ctx.max_attempts,
            "idempotency_key": ctx.idempotency_key,
            "deadline": None if deadline is None else deadline.timestamp(),
        },
        "results": ctx.results,
        "saved": ctx.durable.saved,
        "undoes": None if undone is None else _undone(undone),
        "trace": telemetry.trace_context(),
    }


def _undone(step: UndoneStep) -> messages.Undone:
    return {
        "name": step.name,
        "idempotency_key": step.idempotency_key,
        "completed": step.completed,
    }


def _contract(handler: str, schema: Any) -> Contract | None:
    try:
        return None if schema is None else Contract(schema)
    except SchemaError as error:
        raise DefinitionError(f"handler {handler}: {error}") from error
