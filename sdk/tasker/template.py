"""Templates: what is registered, however it was written. Pure.

A template that exists is sound: making one checks names, dependencies, times and schemas, and
raises `DefinitionError` with everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tasker.errors import DefinitionError, Fault
from tasker.policy import BatchPolicy, Retry
from tasker.structure import find_faults
from tasker_grammar.contracts import Schema

__all__ = ["Kind", "StepDefinition", "Template"]

Kind = Literal["standard", "decision", "deferred_convergence", "batchable", "batch_worker"]


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
    result_schema: Schema | None = None
    batch: BatchPolicy = field(default_factory=BatchPolicy)
    """How a batch's workers run; of no meaning for steps of another kind."""

    def to_json(self) -> dict[str, Any]:
        """The step as `tasker.register_template` takes it."""
        worker = {"batch": self.batch.to_json()} if self.kind == "batch_worker" else {}
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
            **worker,
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

    def __post_init__(self) -> None:
        faults = list(find_faults(self))
        if faults:
            raise DefinitionError(_report(self, faults), faults)

    @property
    def full_name(self) -> str:
        """`namespace/name`, as clients name it."""
        return f"{self.namespace}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """The definition as `tasker.register_template` takes it."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "input_schema": self.input_schema,
            "time_limit": self.time_limit,
            "metadata": dict(self.metadata),
            "steps": [step.to_json() for step in self.steps],
        }


def _report(template: Template, faults: list[Fault]) -> str:
    return f"template {template.full_name}: " + "\n".join(map(str, faults))
