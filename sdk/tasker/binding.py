"""Handlers, joined to steps: what an attempt calls, with what, and what it gives. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from tasker.context import StepContext
from tasker.errors import ContractError, DefinitionError
from tasker.expansion import Expansion
from tasker.growth import normalize_branches
from tasker.injection import Assignment, Parameter, Signature, assign
from tasker.input_schemas import InputContract, derive_input_schema, hold
from tasker.outcome import Completed
from tasker.storable import MAX_BYTES
from tasker.template import Kind, StepDefinition
from tasker.values import Shape
from tasker_grammar.contracts import Contract, Finding, Schema, SchemaError

__all__ = [
    "ACTION",
    "ATTRIBUTE",
    "BoundHandler",
    "Handler",
    "bind_handler",
    "describe",
    "dump_result",
    "handler_of",
    "handlers_in",
]

ATTRIBUTE = "__tasker_handler__"
"""Where a decorated function or a handler class carries its `Handler`."""

ACTION = "__tasker_action__"
"""Where a function that compositions may invoke carries what `action` has read of it."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler that workers know by `name`. What its parameters take depends on the step."""

    name: str
    signature: Signature
    is_async: bool
    make: Callable[[], Callable[..., Any]]
    """Gives what is called; for a class, a method of its one instance."""
    input_schema: Schema | None = None
    """What it takes by its annotations, where a workflow has derived that for its step already."""


@dataclass(frozen=True, slots=True)
class BoundHandler:
    """A handler joined to one step of one template version: made once, called for each attempt."""

    handler: Handler
    function: Callable[..., Any]
    """What to call with what `bind` gives; to be awaited when `is_async`."""
    is_async: bool
    assignment: Assignment
    kind: Kind
    task_input_contract: Contract | None
    input_contract: InputContract | None
    result_contract: Contract | None

    def bind(self, context: StepContext) -> dict[str, Any]:
        """The arguments for an attempt. Raises `ContractError` when a value is not as annotated."""
        if self.input_contract is not None:
            self.input_contract.hold(context.task_input, context.results)
        arguments: dict[str, Any] = {}
        parameter = self.assignment.task_input
        if parameter is not None:
            if self.task_input_contract is not None:
                hold(self.task_input_contract, context.task_input, "the task's input")
            arguments[parameter.name] = parameter.shape.load(context.task_input)
        for parameter in self.assignment.results:
            name = parameter.name
            if name in context.results:
                arguments[name] = parameter.shape.load(context.results[name])
            elif not parameter.has_default:
                arguments[name] = _absent(parameter)
        for name in self.assignment.contexts:
            arguments[name] = context
        return arguments

    def complete(self, returned: Any) -> Completed:
        """The outcome of a handler that returned. Raises as `dump` does."""
        if isinstance(returned, Expansion):
            expansion = cast("Expansion[Any]", returned)
            return Completed(self.dump(expansion.result), expansion.dump())
        return Completed(self.dump(returned))

    def dump(self, result: Any, max_bytes: int = MAX_BYTES) -> bytes:
        """What the handler returned, as JSON to be stored.

        Raises `ContractError` when it is not what the annotation or the step's result schema says,
        when it is no JSON, when PostgreSQL could not store it, and above `max_bytes`.
        """
        shape = self.handler.signature.result
        return dump_result(result, shape, self.kind, self.result_contract, max_bytes)


def dump_result(
    result: Any, shape: Shape, kind: Kind, contract: Contract | None, max_bytes: int = MAX_BYTES
) -> bytes:
    """What a handler of a step of this kind returned, as JSON to be stored. Raises `ContractError`."""
    data = shape.dump(result, max_bytes)
    if kind == "decision":
        data = normalize_branches(data)
    if contract is not None:
        hold(contract, orjson.loads(data), shape.subject)
    return data


def handler_of(target: object) -> Handler:
    """The handler that a decorated function or a handler class is. Raises `DefinitionError`."""
    found: object = vars(target).get(ATTRIBUTE) if hasattr(target, "__dict__") else None
    if isinstance(found, Handler):
        return found
    raise DefinitionError(
        f'{describe(target)} is no handler. Put @handler("name") above it, or name its class'
    )


def handlers_in(names: Mapping[str, object]) -> list[Handler]:
    """The handlers among a module's names, as in `handlers_in(vars(module))`, each once."""
    found: dict[int, Handler] = {}
    for value in names.values():
        if callable(value) and hasattr(value, "__dict__") and ATTRIBUTE in vars(value):
            found.setdefault(id(value), handler_of(value))
    return list(found.values())


def bind_handler(
    handler: Handler, step: StepDefinition, task_input_schema: Schema | None = None
) -> BoundHandler:
    """Join a handler to a step: parameters to dependencies, what it takes and gives to the schemas.

    Raises `DefinitionError` when a parameter is nothing that the step has, when a schema cannot be
    used, and when the handler's class cannot be instantiated.
    """
    signature = handler.signature
    dynamic = step.kind == "dynamic"
    given = [p.name for p in signature.own_parameters] if dynamic else step.depends_on
    assignment = assign(signature, given)
    taken = assignment.task_input.shape if assignment.task_input else None
    try:
        # What pydantic has checked by an annotation need not be checked again by its schema.
        task_input_contract = _contract(task_input_schema, taken.accepted) if taken else None
        input_contract = _input_contract(step, handler, assignment)
        result_contract = _contract(step.result_schema, signature.result.produced)
        function = handler.make()
    except SchemaError as error:
        raise DefinitionError(f"step {step.name}: {error}") from error
    return BoundHandler(
        handler,
        function,
        handler.is_async,
        assignment,
        step.kind,
        task_input_contract,
        input_contract,
        result_contract,
    )


def _absent(parameter: Parameter) -> Any:
    """What a parameter takes where its step was excluded: None, if it can."""
    try:
        return parameter.shape.load(None)
    except ContractError:
        missing = "there is no result: the step was excluded, or has not completed"
        raise ContractError(parameter.shape.subject, [Finding("$", missing)]) from None


def _input_contract(
    step: StepDefinition, handler: Handler, assignment: Assignment
) -> InputContract | None:
    schema = step.input_schema
    if schema is None or schema == handler.input_schema:  # deriving it takes milliseconds
        return None
    known = schema == derive_input_schema(assignment, step.kind)
    return None if known else InputContract(step.name, schema)


def _contract(schema: Schema | None, checked: Schema | None) -> Contract | None:
    return None if schema is None or schema == checked else Contract(schema)


def describe(target: object) -> str:
    """A function, class or other object by its name in the code."""
    return getattr(target, "__qualname__", None) or repr(target)
