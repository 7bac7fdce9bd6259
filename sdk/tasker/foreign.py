"""Handlers of a bridge's child, joined to steps: what the child is sent, and what its answer means. Pure."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

from tasker.approvals import Question
from tasker.binding import dump_result
from tasker.context import UndoneStep
from tasker.errors import ContractError, DefinitionError, PermanentError
from tasker.grant import Grant, describe_error, describe_failure, describe_foreign
from tasker.input_schemas import InputContract, hold
from tasker.outcome import Completed, Failed, Lost, Outcome, Released, Retried, Waiting
from tasker.template import Kind, StepDefinition
from tasker.values import Shape
from tasker_ffi_bridge import Bridge, End, Refused, Unsendable, messages
from tasker_ffi_bridge import Lost as LostRun
from tasker_grammar.contracts import Contract, SchemaError

__all__ = ["ForeignHandler", "ForeignStep", "foreign_handlers"]

_REFUSED_DELAY = (
    1.0  # seconds until a step that the child would not run is granted again, to whoever
)


@dataclass(frozen=True, slots=True)
class ForeignHandler:
    """A handler that workers know by `name` and that the bridge's child runs, with the contracts that it says."""

    name: str
    bridge: Bridge
    takes: Contract | None
    gives: Contract | None

    def bind(self, step: StepDefinition) -> ForeignStep:
        """Join it to a step. Raises `DefinitionError` when a schema of the step cannot be used."""
        schema = step.input_schema
        try:
            takes = None if schema is None else InputContract(step.name, schema)
            gives = None if step.result_schema is None else Contract(step.result_schema)
        except SchemaError as error:
            raise DefinitionError(f"step {step.name}: {error}") from error
        return ForeignStep(self, step.kind, takes, Shape(f"handler {self.name}: its result"), gives)


@dataclass(frozen=True, slots=True)
class ForeignStep:
    """A child's handler joined to one step of one template version: made once, asked for each attempt."""

    handler: ForeignHandler
    kind: Kind
    input_contract: InputContract | None
    result: Shape
    result_contract: Contract | None

    @property
    def bridge(self) -> Bridge:
        """What runs it."""
        return self.handler.bridge

    def check_input(self, grant: Grant) -> Outcome | None:
        """What an attempt comes to that is not given what the step and its handler take; else None."""
        try:
            if self.input_contract is not None:
                self.input_contract.hold(grant.task.input, grant.results)
            if self.handler.takes is not None:
                hold(self.handler.takes, grant.task.input, "the task's input")
        except Exception as error:
            return _failure(error)
        return None

    def execute(self, run: str, grant: Grant, trace: Mapping[str, str] | None) -> messages.Execute:
        """What the child is sent."""
        task, definition, undone = grant.task, grant.definition, grant.undoes
        return {
            "run": run,
            "handler": self.handler.name,
            "task": {
                "id": task.task_id,
                "namespace": definition.namespace,
                "template": definition.template,
                "version": definition.version,
                "input": task.input,
                "context": task.context,
                "correlation_id": task.correlation_id,
                "tags": task.tags,
            },
            "step": {
                "name": grant.step_name,
                "number": grant.step_no,
                "kind": definition.kind,
                "config": definition.config,
                "attempt": grant.attempt,
                "max_attempts": grant.attempt_limit,
                "idempotency_key": f"{task.task_id}:{grant.step_no}",
                "deadline": grant.deadline,
            },
            "results": grant.results,
            "saved": grant.saved,
            "undoes": None if undone is None else _undone(undone),
            "trace": trace,
        }

    def read(self, came_to: End) -> Outcome:
        """What an attempt came to."""
        match came_to:
            case messages.Complete(_, result, expansion):
                return self._complete(result, expansion)
            case messages.Retry(_, error, delay):
                return Retried(
                    describe_foreign(error.type, error.message, error.kinds, error.traceback), delay
                )
            case messages.GiveUp(_, error):
                return Failed(
                    describe_foreign(error.type, error.message, error.kinds, error.traceback)
                )
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
            case Unsendable(why):
                return Failed(describe_failure("BridgeError", why))
            case _:
                assert_never(came_to)

    def _complete(self, result: Any, expansion: list[dict[str, Any]] | None) -> Outcome:
        try:
            if self.handler.gives is not None:
                hold(self.handler.gives, result, f"what handler {self.handler.name} returned")
            data = dump_result(result, self.result, self.kind, self.result_contract)
            # The engine checks an expansion when the step completes.
            steps = None if expansion is None else Shape("the expansion").dump(expansion)
        except Exception as error:
            return _failure(error)
        return Completed(data, steps)


def foreign_handlers(bridge: Bridge) -> list[ForeignHandler]:
    """The handlers of a bridge whose child is ready. Raises DefinitionError for a schema that cannot be used."""
    return [
        ForeignHandler(
            child.name,
            bridge,
            _contract(child.name, child.input_schema),
            _contract(child.name, child.result_schema),
        )
        for child in bridge.child.handlers
    ]


def _failure(error: Exception) -> Failed | Retried:
    """What an attempt comes to when its values cannot be taken."""
    if isinstance(error, PermanentError):
        return Failed(describe_error(error, ()))
    return Retried(describe_error(error, traceback.format_exception(error)))


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
