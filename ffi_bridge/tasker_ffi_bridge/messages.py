"""What host and child say to each other, as values read from JSON (docs/bridge-protocol.md). Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

__all__ = [
    "LONGEST_LINE",
    "PROTOCOL",
    "CancelReason",
    "Cancelled",
    "Checkpoint",
    "Child",
    "ChildHandler",
    "Complete",
    "ErrorCode",
    "Execute",
    "Failure",
    "GiveUp",
    "Initialized",
    "Json",
    "Log",
    "Outcome",
    "Progress",
    "Question",
    "Retry",
    "StartTask",
    "StepFacts",
    "TaskFacts",
    "Undone",
    "Wait",
    "Waiting",
    "explain",
    "printable",
    "read_initialized",
    "read_outcome",
]

PROTOCOL = "1.0"
LONGEST_LINE = 64 * 1024 * 1024  # bytes, the line feed included

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Text for people to read: its control characters, of which terminals make something, are written out."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character, which PostgreSQL cannot store")
    return text


Json = Any
Name = Annotated[str, Field(min_length=1, max_length=255)]
Stored = AfterValidator(_without_nul)
Shown = Annotated[str, AfterValidator(printable)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ErrorCode:
    """JSON-RPC's error codes, and the bridge's own."""

    NO_JSON = -32700
    BAD_MESSAGE = -32600
    NO_METHOD = -32601
    BAD_PARAMS = -32602
    FAILED = -32603
    NO_PROTOCOL = -32001
    TOO_MANY = -32002
    TOO_LONG = -32003
    NO_RUN = -32004


# What the child says of itself.


@dataclass(frozen=True, slots=True)
class Child:
    """For people: who the child is."""

    name: str | None = None
    language: str | None = None
    version: str | None = None
    library: str | None = None


@dataclass(frozen=True, slots=True)
class ChildHandler:
    """A handler that the child has, with JSON Schemas where it says them."""

    name: Name
    input_schema: dict[str, Json] | bool | None = None
    result_schema: dict[str, Json] | bool | None = None


@dataclass(frozen=True, slots=True)
class Initialized:
    """The child's answer to `initialize`. `ping`: whether it answers while handlers run."""

    protocol: str
    handlers: tuple[ChildHandler, ...]
    concurrency: Annotated[int, Field(ge=1, le=1000, strict=True)] = 1
    child: Child = field(default_factory=Child)
    ping: bool = True


# What a run is given. Made for every run, so these are what JSON is made of fastest: dicts.


class TaskFacts(TypedDict):
    """The task that a step belongs to."""

    id: str
    namespace: str
    template: str
    version: str
    input: Json
    context: Json
    correlation_id: str | None
    tags: Sequence[str]


class StepFacts(TypedDict):
    """The step, and which attempt of it this is. `deadline` is in seconds since 1970."""

    name: str
    number: int
    kind: str
    config: Mapping[str, Json]
    attempt: int
    max_attempts: int
    idempotency_key: str
    deadline: float | None


class Undone(TypedDict):
    """The step that a compensation undoes."""

    name: str
    idempotency_key: str
    completed: bool


class Execute(TypedDict):
    """One attempt of one step."""

    run: str
    handler: str
    task: TaskFacts
    step: StepFacts
    results: Mapping[str, Json]
    saved: Mapping[str, Json]
    undoes: Undone | None
    trace: Mapping[str, str] | None


# What a run came to.


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong. `kinds`: the names of the classes that the error derives from."""

    message: Shown
    type: Annotated[Shown, Field(min_length=1)] = "Error"
    kinds: tuple[Shown, ...] = ()
    traceback: Shown | None = None


@dataclass(frozen=True, slots=True)
class Complete:
    """Done."""

    outcome: Literal["complete"]
    result: Json
    expansion: list[dict[str, Json]] | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Failed; another attempt may succeed."""

    outcome: Literal["retry"]
    error: Failure
    delay: Seconds | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Failed for good."""

    outcome: Literal["error"]
    error: Failure


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked."""

    name: Name
    title: str | None = None
    data: Json = None
    form: dict[str, Json] | bool | None = None
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a run waits for: an event, people, a task's end, or a time, whichever comes first."""

    name: Name
    seconds: Seconds | None = None
    event: Name | None = None
    approval: Question | None = None
    task: str | None = None
    until_blocked: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """The run gave its place back."""

    outcome: Literal["wait"]
    wait: Waiting


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The run was cancelled, and has stopped."""

    outcome: Literal["cancelled"]


Outcome = Complete | Retry | GiveUp | Wait | Cancelled

CancelReason = Literal["cancelled", "lease_lost", "timed_out", "stopping"]
"""Why a run is asked to stop: its step, its lease, its time or its worker is over."""


# What a child says while runs are open.


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    run: str
    done: Finite
    total: Finite | None = None
    note: Shown | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Something to be remembered for later runs of the step."""

    run: str
    name: Annotated[str, Field(min_length=1, max_length=300), Stored]
    value: Json
    replace: bool = False


@dataclass(frozen=True, slots=True)
class StartTask:
    """A child task to start, or to find."""

    run: str
    name: Annotated[Name, Stored]
    template: str
    input: Json = None
    version: str | None = None
    on_parent_end: Literal["cancel", "leave"] = "cancel"
    priority: Literal["lowest", "low", "normal", "high", "highest"] | None = None
    tags: tuple[str, ...] = ()
    context: dict[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A line of the child's log."""

    level: Literal["debug", "info", "warning", "error"]
    message: Shown
    run: str | None = None
    fields: dict[str, Json] = field(default_factory=dict[str, Json])


_initialized = TypeAdapter(Initialized)
_outcome: TypeAdapter[Outcome] = TypeAdapter(Annotated[Outcome, Field(discriminator="outcome")])


def read_initialized(result: Json) -> Initialized:
    """Read the answer to `initialize`. Raises ValueError that says what is wrong with it, and where."""
    try:
        found = _initialized.validate_python(result)
    except ValidationError as error:
        raise ValueError(explain(error)) from None
    if not found.handlers:
        raise ValueError("handlers: it has none")
    times = Counter(handler.name for handler in found.handlers)
    for name, count in sorted(times.items()):
        if count > 1:
            raise ValueError(f"handlers: {name!r} is there twice")
        if "\0" in name:
            raise ValueError(
                f"handlers: {name!r} holds a NUL character, which no template can call"
            )
    return found


def read_outcome(result: Json) -> Outcome:
    """Read the answer to `execute`. Raises ValueError that says what is wrong with it, and where."""
    try:
        return _outcome.validate_python(result)
    except ValidationError as error:
        raise ValueError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """What is wrong, each with its path; the values themselves left out, for they may be secret."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{_path(fault['loc'])}: {fault['msg']}" for fault in faults[:5])


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "$"
