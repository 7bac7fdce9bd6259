"""Handlers that a bridge's child has, as handlers of a worker. Touches the child through its bridge."""

from __future__ import annotations

import logging
from typing import Any, assert_never
from uuid import UUID

import orjson

from tasker import telemetry
from tasker.approvals import Question
from tasker.binding import Handler, hold
from tasker.children import NewChild
from tasker.context import StepContext
from tasker.decorators import read_handler
from tasker.durable import Left
from tasker.errors import ContractError, DefinitionError, PermanentError
from tasker.expansion import Expansion
from tasker.grant import describe_failure, describe_foreign
from tasker.outcome import Failed, Lost, Outcome, Released, Retried, Waiting
from tasker.storable import MAX_BYTES, serialize
from tasker_ffi_bridge import Bridge, Refused, Services, Unacceptable, messages
from tasker_ffi_bridge import Lost as LostRun
from tasker_grammar.contracts import Contract, Finding, SchemaError

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
        services = Services(
            lambda progress: ctx.progress(progress.done, progress.total, progress.note),
            lambda what: _save(ctx, what),
            lambda what: _start(ctx, what),
            lambda log: ctx.logger.log(
                _LEVELS[log.level.upper()], "%s", log.message, extra=log.fields
            ),
        )
        try:
            came_to = await bridge.run(_execute(bridge.new_run(), child.name, ctx), services)
        except ValueError as too_long:
            raise Left(Failed(describe_failure("BridgeError", str(too_long)))) from None
        match came_to:
            case messages.Complete(_, result, expansion):
                if gives is not None:
                    hold(gives, result, f"what handler {child.name} returned")
                return result if expansion is None else _Foreign(result, expansion)
            case _:
                raise Left(_outcome(came_to))

    return read_handler(call, child.name, {})


class _Foreign(Expansion[Any]):
    """An expansion that came as JSON; the engine checks it when the step completes."""

    def __init__(self, result: Any, asked: list[dict[str, Any]]) -> None:
        super().__init__(result)
        self._json = asked

    def dump(self) -> bytes:
        """As it came."""
        data = serialize(orjson.dumps, self._json, MAX_BYTES)
        if isinstance(data, Finding):
            raise ContractError("the expansion", [data])
        return data


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
        title = asked.title or asked.name
        question = Question(asked.name, title, asked.data, asked.form, asked.who)
    return Waiting(wait.name, wait.event, wait.seconds, question, task, wait.until_blocked)


async def _save(ctx: StepContext, what: messages.Checkpoint) -> bool:
    data = serialize(orjson.dumps, what.value, MAX_BYTES)
    if isinstance(data, Finding):
        raise Unacceptable(str(ContractError(f"checkpoint {what.name}", [data])))
    return await ctx.durable.save(what.name, data, what.replace)


async def _start(ctx: StepContext, what: messages.StartTask) -> str | None:
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
        started = await ctx.durable.start_child(child)
    except PermanentError as error:
        raise Unacceptable(str(error)) from error
    return None if started is None else str(started)


def _execute(run: str, handler: str, ctx: StepContext) -> messages.Execute:
    correlation = None if ctx.correlation_id is None else str(ctx.correlation_id)
    task = messages.TaskFacts(
        str(ctx.task_id),
        ctx.namespace,
        ctx.template,
        ctx.version,
        ctx.task_input,
        ctx.task_context,
        correlation,
        ctx.tags,
    )
    step = messages.StepFacts(
        ctx.step_name,
        ctx.step_no,
        ctx.kind,
        ctx.config,
        ctx.attempt,
        ctx.max_attempts,
        ctx.idempotency_key,
        None if ctx.deadline is None else ctx.deadline.timestamp(),
    )
    undone = ctx.undoes
    undoes = undone and messages.Undone(undone.name, undone.idempotency_key, undone.completed)
    trace = telemetry.trace_context()
    return messages.Execute(run, handler, task, step, ctx.results, ctx.durable.saved, undoes, trace)


def _contract(handler: str, schema: Any) -> Contract | None:
    try:
        return None if schema is None else Contract(schema)
    except SchemaError as error:
        raise DefinitionError(f"handler {handler}: {error}") from error
