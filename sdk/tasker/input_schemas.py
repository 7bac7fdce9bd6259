"""What a step takes, as a schema: an object with a field for each thing that its handler is given. Pure.

The field `input` is the task's input; any other is the result of the step of that name, of a batch
worker its own item, of a dynamic step an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker.errors import ContractError
from tasker.growth_types import accepts_none
from tasker.injection import Assignment, Parameter
from tasker.schemas import accepted_fields
from tasker.template import Kind
from tasker_grammar.contracts import Contract, Schema

__all__ = ["InputContract", "derive_input_schema", "hold"]


class InputContract:
    """What a step takes, compiled once to be held against every attempt. Raises `SchemaError`."""

    __slots__ = ("_contract", "_fields", "_subject")

    def __init__(self, step: str, schema: Schema) -> None:
        whole: Mapping[str, Any] = {} if isinstance(schema, bool) else schema
        fields = dict.fromkeys([*whole.get("properties", ()), *whole.get("required", ())])
        self._fields = tuple(name for name in fields if name != "input")
        self._contract = Contract(schema)
        self._subject = f"what step {step} takes"

    def hold(self, task_input: Any, results: Mapping[str, Any]) -> None:
        """Raise `ContractError` when what the step is given is not what it takes.

        A step that did not come to be has no result, so its field is not there.
        """
        given = {name: results[name] for name in self._fields if name in results}
        hold(self._contract, {"input": task_input, **given}, self._subject)


def derive_input_schema(assignment: Assignment, kind: Kind) -> Schema | None:
    """What a handler takes by its annotations, as a step of this kind; None when that is nothing.

    What is not annotated may be anything. A field need not be there where the parameter has a
    default, nor in a convergence where the parameter can be None, as it is without its step.
    """
    taken = assignment.results
    if assignment.task_input is not None:
        taken = (assignment.task_input, *taken)
    if not taken:
        return None
    adapters = {
        p.name: p.shape.adapter
        for p in taken
        if p.shape.adapter is not None and p.shape.accepted is not None
    }
    described = accepted_fields(adapters)
    anything = {p.name: True for p in taken if p.name not in adapters}
    return {
        "type": "object",
        **described,
        "properties": {**described["properties"], **anything},
        "required": [p.name for p in taken if not _may_be_absent(p, kind)],
    }


def _may_be_absent(parameter: Parameter, kind: Kind) -> bool:
    return parameter.has_default or (kind == "deferred_convergence" and accepts_none(parameter))


def hold(contract: Contract, value: Any, subject: str) -> None:
    """Raise `ContractError` when a value is not what a contract says."""
    findings = contract.check(value)
    if findings:
        raise ContractError(subject, findings)
