"""The decorators that add steps and compensations to a workflow, and what is read of their options. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

from tasker.decorators import local_names
from tasker.durations import Duration, to_seconds
from tasker.errors import DefinitionError
from tasker.limits import STEPS, Limit, Unit, find_limits_fault
from tasker.policy import BatchPolicy, OnFailure, Retry, Undoes
from tasker.template import Kind

__all__ = [
    "BatchWorkerDecorator",
    "CompensationDecorator",
    "CompensationOptions",
    "Options",
    "StepDecorator",
    "read_limits",
    "read_policy",
    "read_retry",
    "read_seconds",
]

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """What was written in the decorator's brackets."""

    name: str | None = None
    retry: Retry | None = None
    timeout: Duration | None = None
    total_timeout: Duration | None = None
    queue: str | None = None
    depends_on: Sequence[str] = ()
    config: Mapping[str, Any] | None = None
    parallelism: int | None = None
    on_failure: OnFailure = "wait"
    compensate: Callable[..., Any] | None = None
    expands: Sequence[str | Callable[..., Any]] | None = None
    limits: Sequence[Limit] = ()


@dataclass(frozen=True, slots=True)
class CompensationOptions:
    """What was written in the brackets of `compensation`, after the step."""

    retry: Retry | None = None
    timeout: Duration | None = None
    total_timeout: Duration | None = None
    queue: str | None = None
    config: Mapping[str, Any] | None = None
    when: Undoes = "complete"


Add = Callable[[Callable[..., Any], Kind, Options, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class StepDecorator:
    """Adds the function below it as a step: bare, or with options. The function stays as it is.

    - `name`: the step's name; the function's by default.
    - `retry`: how failures are met; three attempts with exponential backoff by default.
    - `timeout`: the time limit of one attempt; `total_timeout`: of all of them together.
    - `queue`: the queue of the worker pool that runs it; the namespace's by default.
    - `depends_on`: steps to wait for whose results are not taken as parameters.
    - `config`: JSON that the handler finds in `ctx.config`.
    - `compensate`: a function that undoes the step; see `Workflow.compensation`.
    - `expands`: the dynamic steps that it may ask for, by name or function; all of the workflow's
      by default, where it is annotated to return an `Expansion`.
    - `limits`: how much of it goes on at once, or in a time, beside the workflow's limits.

    Raises `DefinitionError` when a parameter cannot be filled, or is annotated as something that
    the step it is named after does not give.
    """

    add: Add
    kind: Kind

    @overload
    def __call__(self, function: Function, /) -> Function: ...

    @overload
    def __call__(
        self,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        total_timeout: Duration | None = None,
        queue: str | None = None,
        depends_on: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        compensate: Callable[..., Any] | None = None,
        expands: Sequence[str | Callable[..., Any]] | None = None,
        limits: Sequence[Limit] = (),
    ) -> Callable[[Function], Function]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Add a function, or return what adds one with these options."""
        return _decorate(self, function, options)


@dataclass(frozen=True, slots=True)
class BatchWorkerDecorator:
    """As `StepDecorator`, with two more options.

    - `parallelism`: how many workers of one batch run at once; as many as there are slots.
    - `on_failure`: what one that failed for good means. `wait`: the convergence waits until it is
      mended. `continue`: the batch goes on without it, and the convergence gets `BatchResults`.
      `fail_task`: the task ends with an error.
    """

    add: Add
    kind: Kind = "batch_worker"

    @overload
    def __call__(self, function: Function, /) -> Function: ...

    @overload
    def __call__(
        self,
        /,
        *,
        name: str | None = None,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        total_timeout: Duration | None = None,
        queue: str | None = None,
        depends_on: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        parallelism: int | None = None,
        on_failure: OnFailure = "wait",
        compensate: Callable[..., Any] | None = None,
        limits: Sequence[Limit] = (),
    ) -> Callable[[Function], Function]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Add a function, or return what adds one with these options."""
        return _decorate(self, function, options)


@dataclass(frozen=True, slots=True)
class CompensationDecorator:
    """Makes the function below it what undoes a step. The function stays as it is."""

    add: Callable[[Callable[..., Any], Mapping[str, Any]], None]

    def __call__(self, function: Function, /) -> Function:
        """Add the function."""
        self.add(function, local_names(2))
        return function


def _decorate(
    to: StepDecorator | BatchWorkerDecorator,
    function: Callable[..., Any] | None,
    options: Mapping[str, Any],
) -> Any:
    if function is not None:
        to.add(function, to.kind, Options(), local_names(3))
        return function

    def decorate(function: Function) -> Function:
        to.add(function, to.kind, Options(**options), local_names(2))
        return function

    return decorate


def read_policy(options: Options, subject: str) -> BatchPolicy:
    """How a batch's workers run. Raises `DefinitionError`, which begins with `subject`."""
    try:
        return BatchPolicy(options.parallelism, options.on_failure)
    except DefinitionError as error:
        raise DefinitionError(f"{subject}: {error}") from None


def read_limits(
    limits: Sequence[Limit], subject: str, units: Sequence[Unit] = STEPS
) -> tuple[Limit, ...]:
    """What a step comes under, or a workflow. Raises `DefinitionError`."""
    fault = find_limits_fault(limits, units)
    if fault is not None:
        raise DefinitionError(f"{subject}: {fault}")
    return tuple(limits)


def read_retry(given: Retry | None, subject: str) -> Retry:
    """How failures are met. Raises `DefinitionError`."""
    retry = Retry() if given is None else given
    if not isinstance(cast("object", retry), Retry):
        raise DefinitionError(f"{subject}: retry is a Retry, not {retry!r}")
    return retry


def read_seconds(duration: Duration | None, subject: str) -> float | None:
    """A time limit in seconds. Raises `DefinitionError`."""
    if duration is None:
        return None
    try:
        seconds = to_seconds(duration)
    except ValueError as error:
        raise DefinitionError(f"{subject}: {error}") from None
    if seconds == 0:
        raise DefinitionError(f"{subject}: no time at all; None means no limit")
    return seconds
