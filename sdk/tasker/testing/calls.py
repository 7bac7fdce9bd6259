"""Handlers and actions replaced by a test's own, and a record of the handlers that were called. Pure.

What replaces one keeps its contract: it is given what the annotations say, and what it returns is checked against them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from tasker.actions.invoking import Invocable
from tasker.binding import ACTION, BoundHandler, Handler
from tasker.context import StepContext
from tasker.decorators import read_handler
from tasker.errors import DefinitionError
from tasker.executor import Running
from tasker.names import OWN_HANDLERS, did_you_mean
from tasker.outcome import Outcome
from tasker.seams import RunStep
from tasker.template import Template
from tasker.testing.faults import Fault, Strike, names_of

__all__ = [
    "Call",
    "calls_of",
    "handlers_named",
    "record_run",
    "replace_actions",
    "replace_handlers",
]


@dataclass(slots=True)
class Call:
    """One call of a handler, of what replaced it, or of what should have been called and was let fail.

    `arguments` are the ones it was given by name, without the context; `result` is what it returned, `error` what it
    raised. Neither stands there when it was interrupted, or left to wait.
    """

    step: str
    task_id: UUID
    attempt: int
    arguments: Mapping[str, Any]
    context: StepContext = field(repr=False)
    result: Any = None
    error: BaseException | None = None


def replace_handlers(
    handlers: Mapping[str, Handler],
    templates: Iterable[Template],
    replacements: Mapping[str, Callable[..., Any]],
) -> dict[str, Handler]:
    """The handlers with some replaced, by the name of a step, `namespace/template/step`, or a handler.

    Raises DefinitionError for a name that is none of these, or is a composition's, and for a replacement that asks for
    what the handler is not given.
    """
    templates = list(templates)
    replaced = dict(handlers)
    for name, function in replacements.items():
        for named in handlers_named(name, templates):
            if named in OWN_HANDLERS:
                raise DefinitionError(
                    f"{name} is a composition or of a fragment, which has no handler to replace. Give"
                    " the test's resources, tasker.register(resources=...), or replace an action"
                )
            given = handlers.get(named)
            if given is None:
                replaced[named] = read_handler(function, named, {})
            else:
                replaced[named] = _replaced(given, name, function)
    return replaced


def handlers_named(name: str, templates: Iterable[Template]) -> set[str]:
    """The handlers that a test means by a name. Raises DefinitionError when there are none."""
    there = [(one.full_name, *named) for one in templates for named in one.handlers]
    found = {
        handler
        for template, handler, step in there
        if name in (step, handler, f"{template}/{step}")
    }
    if not found:
        known = sorted({step for _, _, step in there})
        hint = did_you_mean(name, known) or "Register the workflow or template first."
        raise DefinitionError(
            f"no step or handler is named {name}; steps are {', '.join(known) or 'none yet'}. {hint}"
        )
    return found


def calls_of(name: str, calls: Iterable[Call], templates: Iterable[Template]) -> list[Call]:
    """The calls that a test means by a name, as replace_handlers knows it. Raises DefinitionError when there are none,
    and nothing has this name.
    """
    templates = list(templates)
    full = {
        f"{one.full_name}/{step}"
        for one in templates
        for handler, step in one.handlers
        if handler == name
    }
    found = [one for one in calls if name in _names(one) or not full.isdisjoint(_names(one))]
    if not found and not full:
        step, slash, number = name.rpartition("/")
        handlers_named(step if slash and number.isdecimal() else name, templates)
    return found


def _names(call: Call) -> tuple[str, str, str]:
    """By what names a test may mean a call: its step's, without the number of one in a batch, and that in full."""
    step = call.step.partition("/")[0]
    return call.step, step, f"{call.context.namespace}/{call.context.template}/{step}"


def replace_actions(
    actions: Mapping[str, Invocable], replacements: Mapping[str, Callable[..., Any]]
) -> tuple[list[Callable[..., Any]], dict[str, Callable[..., Any]]]:
    """The functions that compositions invoke, those replaced that a replacement names; and the replacements left.

    Raises DefinitionError for a replacement that asks for what an action is not given.
    """
    functions: list[Callable[..., Any]] = []
    for name, one in actions.items():
        function = one.function
        if name in replacements:
            given = {"input", *(["idempotency_key"] if one.takes_key else [])}
            function = _picking(given, name, replacements[name])
            setattr(function, ACTION, replace(one, function=function))
        functions.append(function)
    return functions, {name: each for name, each in replacements.items() if name not in actions}


def _replaced(handler: Handler, name: str, function: Callable[..., Any]) -> Handler:
    given = {parameter.name for parameter in handler.signature.parameters}
    picking = _picking(given, name, function)
    return replace(handler, is_async=inspect.iscoroutinefunction(picking), make=lambda: picking)


def _picking(given: set[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for a caller that gives it all of `given`: it is given what it takes of that."""
    taken = _taken(given, name, function)

    def pick(arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in arguments.items() if taken is None or key in taken}

    if inspect.iscoroutinefunction(function):

        async def call_async(**arguments: Any) -> Any:
            return await function(**pick(arguments))

        return call_async

    def call(**arguments: Any) -> Any:
        return function(**pick(arguments))

    return call


def _taken(given: set[str], name: str, function: Callable[..., Any]) -> set[str] | None:
    """Which of the arguments the replacement takes; None: all."""
    parameters = inspect.signature(function).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None
    for each in parameters:
        if (
            each.name not in given
            and each.default is each.empty
            and each.kind is not each.VAR_POSITIONAL
        ):
            takes = ", ".join(sorted(given)) or "nothing"
            raise DefinitionError(
                f"what replaces {name} takes {each.name}, which {name} is not given; that takes {takes}"
            )
    return {each.name for each in parameters} & given


def record_run(calls: list[Call], strike: Strike, inner: RunStep) -> RunStep:
    """Run handlers and note their calls; those that are to fail are not called."""

    async def run(running: Running, handler: BoundHandler) -> Outcome:
        fault = strike.at("fail", names_of(running.grant))
        return await inner(running, _recording(calls, running, handler, fault))

    return run


def _recording(
    calls: list[Call], running: Running, handler: BoundHandler, fault: Fault | None
) -> BoundHandler:
    function, context = handler.function, running.context

    def begin(arguments: Mapping[str, Any]) -> Call:
        values = {key: value for key, value in arguments.items() if value is not context}
        call = Call(context.step_name, context.task_id, context.attempt, values, context)
        calls.append(call)
        if fault is not None and fault.error is not None:
            call.error = fault.error
            raise fault.error.with_traceback(None)
        return call

    def call_sync(**arguments: Any) -> Any:
        call = begin(arguments)
        try:
            call.result = function(**arguments)
        except Exception as error:
            call.error = error
            raise
        return call.result

    async def call_async(**arguments: Any) -> Any:
        call = begin(arguments)
        try:
            call.result = await function(**arguments)
        except Exception as error:
            call.error = error
            raise
        return call.result

    return replace(handler, function=call_async if handler.is_async else call_sync)
