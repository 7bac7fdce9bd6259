"""The decorators that add steps to a workflow. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from tasker.decorators import local_names
from tasker.durations import Duration
from tasker.policy import OnFailure, Retry
from tasker.template import Kind

__all__ = ["BatchWorkerDecorator", "Options", "StepDecorator"]

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
    ) -> Callable[[Function], Function]: ...

    def __call__(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Add a function, or return what adds one with these options."""
        return _decorate(self, function, options)


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
