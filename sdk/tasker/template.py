"""Templates: what is registered, however it was written. Pure.

A template that exists is sound: making one checks it (`tasker.checking`), and raises
`DefinitionError` with everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tasker.checking import find_faults
from tasker.errors import DefinitionError, Fault
from tasker.limits import Limit
from tasker.policy import BatchPolicy, Bounds, OnTaskFailure, Retry, Undoes
from tasker_grammar.contracts import Schema

__all__ = ["Compensation", "Kind", "StepDefinition", "Template"]

Kind = Literal[
    "standard", "decision", "deferred_convergence", "batchable", "batch_worker", "dynamic"
]


@dataclass(frozen=True, slots=True)
class Compensation:
    """What undoes a step: a step of its own, called `undo:` and the step's name. Time limits are seconds."""

    handler: str
    """The name under which workers know the handler."""
    takes: tuple[str, ...] | None = None
    """Other steps whose results it takes, if they are done; None: those that the step depends on."""
    when: Undoes = "complete"
    """`started`: it undoes the step also when that was started and did not complete."""
    queue: str | None = None
    """The queue its worker pool serves; None: the step's."""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    retry: Retry = field(default_factory=Retry)
    attempt_time_limit: float | None = None
    step_time_limit: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The compensation as a step's definition holds it."""
        return {
            "handler": self.handler,
            "takes": None if self.takes is None else list(self.takes),
            "when": self.when,
            "queue": self.queue,
            "config": dict(self.config),
            "retry": self.retry.to_json(),
            "attempt_time_limit": self.attempt_time_limit,
            "step_time_limit": self.step_time_limit,
        }


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """One step of a template. Time limits are seconds; None means none."""

    name: str
    handler: str
    """The name under which workers know the handler."""
    kind: Kind = "standard"
    depends_on: tuple[str, ...] = ()
    queue: str | None = None
    """The queue its worker pool serves; None: the namespace's."""
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    description: str | None = None
    retry: Retry = field(default_factory=Retry)
    attempt_time_limit: float | None = None
    step_time_limit: float | None = None
    input_schema: Schema | None = None
    """An object with the fields that the handler takes: `input`, and the steps that it depends on."""
    result_schema: Schema | None = None
    batch: BatchPolicy = field(default_factory=BatchPolicy)
    """How a batch's workers run; of no meaning for steps of another kind."""
    compensate: Compensation | None = None
    """What undoes it, when the task is undone."""
    expands: tuple[str, ...] = ()
    """The dynamic steps that it may ask for."""
    limits: tuple[Limit, ...] = ()
    """How much of it goes on at once, or in a time; beside the template's limits."""

    def to_json(self) -> dict[str, Any]:
        """The step as `tasker.register_template` takes it."""
        more: dict[str, Any] = (
            {"batch": self.batch.to_json()} if self.kind == "batch_worker" else {}
        )
        if self.input_schema is not None:
            more["input_schema"] = self.input_schema
        if self.compensate is not None:
            more["compensate"] = self.compensate.to_json()
        if self.expands:
            more["expands"] = list(self.expands)
        if self.limits:
            more["limits"] = [limit.to_json() for limit in self.limits]
        return {
            "name": self.name,
            "handler": self.handler,
            "kind": self.kind,
            "depends_on": list(self.depends_on),
            "queue": self.queue,
            "config": dict(self.config),
            "description": self.description,
            "retry": self.retry.to_json(),
            "attempt_time_limit": self.attempt_time_limit,
            "step_time_limit": self.step_time_limit,
            "result_schema": self.result_schema,
            **more,
        }


@dataclass(frozen=True, slots=True)
class Template:
    """A DAG of steps under a name and a version. `time_limit` is the whole task's, in seconds.

    Raises `DefinitionError` when it could not be registered; its `faults` say all that is wrong.
    """

    namespace: str
    name: str
    version: str
    steps: tuple[StepDefinition, ...]
    description: str | None = None
    input_schema: Schema | None = None
    time_limit: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    on_failure: OnTaskFailure = "wait"
    """What becomes of a task that a failure has stopped: it waits for an operator, or is undone."""
    expansion: Bounds = field(default_factory=Bounds)
    """How many dynamic steps a task may have."""
    limits: tuple[Limit, ...] = ()
    """How much of it goes on at once, or in a time."""

    def __post_init__(self) -> None:
        faults = list(find_faults(self))
        errors = [fault for fault in faults if fault.severity == "error"]
        if errors:
            raise DefinitionError(_report(self, errors), faults)

    @property
    def full_name(self) -> str:
        """`namespace/name`, as clients name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def handlers(self) -> Iterator[tuple[str, str]]:
        """The names of the handlers that it needs, each with the name of the step that it runs."""
        for step in self.steps:
            yield step.handler, step.name
            if step.compensate is not None:
                yield step.compensate.handler, f"undo:{step.name}"

    def to_json(self) -> dict[str, Any]:
        """The definition as `tasker.register_template` takes it."""
        more: dict[str, Any] = {} if self.on_failure == "wait" else {"on_failure": self.on_failure}
        if any(step.kind == "dynamic" for step in self.steps):
            more["expansion"] = self.expansion.to_json()
        if self.limits:
            more["limits"] = [limit.to_json() for limit in self.limits]
        return {
            "namespace": self.namespace,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "input_schema": self.input_schema,
            "time_limit": self.time_limit,
            "metadata": dict(self.metadata),
            "steps": [step.to_json() for step in self.steps],
            **more,
        }


def _report(template: Template, faults: list[Fault]) -> str:
    return f"template {template.full_name}: " + "\n".join(map(str, faults))
