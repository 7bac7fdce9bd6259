"""The fields of a TaskTemplate in YAML: their names, types and meaning. Pure.

Every published field is here, and a few that are Tasker's addition and marked so. Those that
nothing acts on yet stand in `LATER`, each with what should be said about it; to act on one is to
move it out of there.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tasker.limits import Unit
from tasker.names import COMPOSITION, FRAGMENT_RESULT
from tasker.policy import Backoff, OnTaskFailure, Undoes
from tasker.template import Kind

__all__ = [
    "BatchFields",
    "CompensationFields",
    "EnvironmentFields",
    "ExpansionFields",
    "Fields",
    "FragmentFields",
    "HandlerFields",
    "HandlerOverrideFields",
    "LifecycleFields",
    "LimitFields",
    "OverrideFields",
    "RetryFields",
    "StepFields",
    "TemplateFields",
    "known_names",
]

Json = dict[str, Any]


def _aliases(fields: type[BaseModel]) -> list[list[str]]:
    """The names of the fields that have two."""
    aliases = (info.validation_alias for info in fields.model_fields.values())
    return [[str(each) for each in a.choices] for a in aliases if isinstance(a, AliasChoices)]


def known_names(fields: type[BaseModel]) -> list[str]:
    """The names that fields of this kind go by in YAML."""
    single = [name for name, info in fields.model_fields.items() if info.validation_alias is None]
    return [*single, *(name for names in _aliases(fields) for name in names)]


class Fields(BaseModel):
    """Base: types are taken as they stand, null is the same as absent, unknown fields are kept."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    LATER: ClassVar[dict[str, str]] = {}
    """What is accepted and not acted on, and what to say about it."""

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        given = {name: v for name, v in cast("Json", data).items() if v is not None}
        for names in _aliases(cls):
            if len(names) > 1 and all(name in given for name in names):
                both = " and ".join(names)
                raise PydanticCustomError("two_names", "{both} name the same field", {"both": both})
        return given

    def overridden(self, override: Self) -> Self:
        """With the fields that `override` gives in place of its own."""
        given = {name: getattr(override, name) for name in override.model_fields_set}
        return self.model_copy(update=given)


class HandlerFields(Fields):
    """What runs a step: `callable` is the name under which workers know it."""

    LATER = {"resolver": "Handlers are found by their name alone."}

    callable: str = Field(min_length=1, max_length=500)
    method: str | None = Field(default=None, min_length=1)
    resolver: str | None = None
    initialization: Json = Field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The handler's name: `callable`, or `callable.method` for a method other than call."""
        return self.callable if self.method in (None, "call") else f"{self.callable}.{self.method}"


class RetryFields(Fields):
    """How failures are met. Times are milliseconds."""

    retryable: bool = True
    max_attempts: int = Field(default=3, ge=0, le=1000)
    backoff: Backoff = "exponential"
    backoff_base_ms: float = Field(default=1000, ge=0)
    max_backoff_ms: float | None = Field(default=None, ge=0)
    jitter: float = Field(default=0.1, ge=0, le=1)
    """An addition: the share by which delays are spread."""
    permanent_errors: list[str] = Field(default_factory=list)
    """An addition: names of exceptions after which no other attempt is made."""


class BatchFields(Fields):
    """How the workers of a batch run. What they are given is their batchable step's result."""

    LATER = dict.fromkeys(
        ("batch_size", "cursor_field", "worker_template"),
        "The batchable step's handler returns a list, with an item for each worker.",
    )

    parallelism: int | None = Field(default=None, ge=1, le=999_999)
    failure_strategy: Literal["continue_on_failure", "fail_fast", "isolate"] = "isolate"
    batch_size: Any = None
    cursor_field: Any = None
    worker_template: Any = None


class LimitFields(Fields):
    """How much goes on at once, or in a time. All of it is an addition."""

    name: str | None = None
    key: str | None = None
    unit: Unit = "step"
    concurrency: int | None = None
    rate: int | None = None
    period_seconds: float = 1.0


class CompensationFields(Fields):
    """What undoes a step. All of it is an addition; what is left out is as for a step."""

    handler: HandlerFields
    takes: list[str] | None = None
    """Other steps whose results the handler takes; by default those that the step depends on."""
    when: Undoes = "complete"
    retry: RetryFields = Field(default_factory=RetryFields)
    timeout_seconds: float | None = None
    total_timeout_seconds: float | None = None
    queue: str | None = None


class FragmentFields(Fields):
    """What fragments may grow at a dynamic step. All of it is an addition; bounds are those of a fragment's check."""

    max_steps: int = Field(default=20, ge=1, le=1_000)
    max_depth: int = Field(default=8, ge=1, le=100)
    max_fan_out: int = Field(default=100, ge=0, le=10_000)
    max_work: int = Field(default=1_000, ge=1, le=1_000_000)
    max_writes: int = Field(default=3, ge=0, le=10_000)
    kinds: list[str] | None = None
    resources: list[str] | None = None
    gate_writes: bool = True
    rejected: Literal["fail", "retry"] = "fail"


class StepFields(Fields):
    """One step."""

    LATER = {
        "system_dependency": "It has no effect.",
        "publishes_events": "Events are not published yet.",
    }

    name: str
    handler: HandlerFields
    description: str | None = None
    kind: Kind = Field(default="standard", validation_alias=AliasChoices("type", "step_type"))
    depends_on: list[str] = Field(
        default_factory=list, validation_alias=AliasChoices("dependencies", "depends_on")
    )
    retry: RetryFields = Field(default_factory=RetryFields)
    timeout_seconds: float | None = None
    """The time limit of one attempt."""
    total_timeout_seconds: float | None = None
    """An addition: the time limit of all attempts together."""
    queue: str | None = None
    """An addition: the queue of the worker pool that runs it."""
    input_schema: Any = None
    """An addition: what the handler takes, as an object with a field for each."""
    result_schema: Any = None
    compensate: CompensationFields | None = None
    """An addition: what undoes the step."""
    expands: list[str] = Field(default_factory=list)
    """An addition: the dynamic steps that it may ask for."""
    limits: list[LimitFields] = Field(default_factory=list[LimitFields])
    """An addition: how much of it goes on at once, or in a time."""
    system_dependency: str | None = None
    publishes_events: list[Json] = Field(default_factory=list[Json])
    batch_config: BatchFields = Field(default_factory=BatchFields)
    composition: Any = None
    """An addition: what runs the step in place of a handler, by its name in the catalog or as it stands."""
    arguments: Json = Field(default_factory=dict, validation_alias=AliasChoices("with"))
    """An addition: the composition's parameters."""
    fragment: FragmentFields | None = None
    """An addition: what fragments may grow here, in place of a handler."""
    input: str | None = None
    """An addition: what the composition is given, as an expression; the task's input by default."""

    @model_validator(mode="before")
    @classmethod
    def _run_composition(cls, data: object) -> object:
        """A step that is a composition, or where fragments grow, needs no handler of its own."""
        if not isinstance(data, dict) or cast("Json", data).get("handler") is not None:
            return cast("object", data)
        given = cast("Json", data)
        if given.get("composition") is not None:
            return {**given, "handler": {"callable": COMPOSITION}}
        if given.get("fragment") is not None:
            return {**given, "handler": {"callable": FRAGMENT_RESULT}}
        return given

    @property
    def runs_composition(self) -> bool:
        """Whether the composition runs it; where there is a handler too, that does, as in published templates."""
        return self.composition is not None and self.handler.callable == COMPOSITION


class LifecycleFields(Fields):
    """Limits on the whole task, in minutes."""

    LATER = dict.fromkeys(
        (
            "max_waiting_for_dependencies_minutes",
            "max_waiting_for_retry_minutes",
            "max_steps_in_process_minutes",
            "staleness_action",
            "auto_fail_on_timeout",
            "auto_dlq_on_timeout",
        ),
        "Only max_duration_minutes is enforced.",
    )

    max_duration_minutes: float | None = Field(default=None, gt=0)
    max_waiting_for_dependencies_minutes: float | None = None
    max_waiting_for_retry_minutes: float | None = None
    max_steps_in_process_minutes: float | None = None
    staleness_action: str | None = None
    auto_fail_on_timeout: bool | None = None
    auto_dlq_on_timeout: bool | None = None


class HandlerOverrideFields(Fields):
    """The part of a handler that an environment may change."""

    initialization: Json = Field(default_factory=dict)


class OverrideFields(Fields):
    """What an environment changes about one step, or about all: `name: ALL`. Of mappings, the fields that are given."""

    name: str
    handler: HandlerOverrideFields = Field(default_factory=HandlerOverrideFields)
    timeout_seconds: float | None = None
    total_timeout_seconds: float | None = None
    """An addition, as are those that follow."""
    retry: RetryFields = Field(default_factory=RetryFields)
    queue: str | None = None
    batch_config: BatchFields = Field(default_factory=BatchFields)
    limits: list[LimitFields] | None = None


class EnvironmentFields(Fields):
    """What one environment changes."""

    steps: list[OverrideFields] = Field(default_factory=list[OverrideFields])
    lifecycle: LifecycleFields = Field(default_factory=LifecycleFields)
    """An addition: the limits on the whole task."""
    limits: list[LimitFields] | None = None
    """An addition: how much of the template goes on at once, or in a time."""


class ExpansionFields(Fields):
    """How many dynamic steps a task may have. All of it is an addition."""

    max_steps: int = Field(default=1000, ge=1, le=100_000)
    max_depth: int = Field(default=100, ge=1, le=100_000)


class TemplateFields(Fields):
    """A whole template."""

    LATER = {
        "system_dependencies": "They have no effect.",
        "domain_events": "Events are not published yet.",
    }

    name: str
    namespace_name: str
    version: str
    steps: list[StepFields]
    description: str | None = None
    metadata: Json = Field(default_factory=dict)
    input_schema: Any = None
    lifecycle: LifecycleFields = Field(default_factory=LifecycleFields)
    on_failure: OnTaskFailure = "wait"
    """An addition: what becomes of a task that a failure has stopped."""
    expansion: ExpansionFields = Field(default_factory=ExpansionFields)
    """An addition: bounds on the dynamic steps."""
    limits: list[LimitFields] = Field(default_factory=list[LimitFields])
    """An addition: how much of it goes on at once, or in a time."""
    environments: dict[str, EnvironmentFields] = Field(default_factory=dict[str, EnvironmentFields])
    system_dependencies: Json = Field(default_factory=dict)
    domain_events: list[Json] = Field(default_factory=list[Json])

    @field_validator("environments", mode="before")
    @classmethod
    def _fill(cls, value: object) -> object:
        """An environment of which nothing is said is one in which nothing is different."""
        if not isinstance(value, dict):
            return value
        empty: Json = {}
        return {name: empty if v is None else v for name, v in cast("Json", value).items()}
