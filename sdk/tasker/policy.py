"""When and how often a failed step is attempted again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from tasker.durations import Duration, to_seconds
from tasker.errors import DefinitionError

__all__ = ["Backoff", "BatchPolicy", "Bounds", "OnFailure", "OnTaskFailure", "Retry", "Undoes"]

Backoff = Literal["none", "fixed", "linear", "exponential", "fibonacci"]

OnFailure = Literal["wait", "continue", "fail_task"]

OnTaskFailure = Literal["wait", "compensate"]

Undoes = Literal["complete", "started"]

_MOST_ATTEMPTS = 1000
_MOST_AT_ONCE = 999_999
_MOST_DYNAMIC = 100_000


@dataclass(frozen=True, slots=True)
class Retry:
    """How a step's failures are met.

    Attempt n that fails is followed by another after `base` times 1 (fixed), n (linear), 2^(n-1)
    (exponential) or the n-th Fibonacci number (fibonacci), at most `cap`, spread by ±`jitter` (a
    share, 0 to 1). `max_attempts` counts the first attempt too. `permanent` names exceptions, by
    class or by class name, after which no other attempt is made; their subclasses count as well.

    Raises `DefinitionError` when a value is out of bounds.
    """

    max_attempts: int = 3
    backoff: Backoff = "exponential"
    base: Duration = "1s"
    cap: Duration = "60s"
    jitter: float = 0.1
    permanent: Sequence[type[BaseException] | str] = ()

    def __post_init__(self) -> None:
        fault = _find_fault(self)
        if fault is not None:
            raise DefinitionError(f"Retry: {fault}")
        object.__setattr__(self, "permanent", tuple(self.permanent))

    @property
    def permanent_names(self) -> tuple[str, ...]:
        """The class names in `permanent`."""
        return tuple(e if isinstance(e, str) else e.__name__ for e in self.permanent)

    def to_json(self) -> dict[str, Any]:
        """The policy as a template's definition holds it; durations are seconds."""
        return {
            "max_attempts": self.max_attempts,
            "backoff": self.backoff,
            "base": to_seconds(self.base),
            "cap": to_seconds(self.cap),
            "jitter": float(self.jitter),
            "permanent_errors": list(self.permanent_names),
        }


def _find_fault(retry: Retry) -> str | None:
    attempts: object = retry.max_attempts
    if not _is_whole(attempts) or not 1 <= retry.max_attempts <= _MOST_ATTEMPTS:
        return f"max_attempts must be a whole number from 1 to {_MOST_ATTEMPTS}, not {attempts!r}"
    if retry.backoff not in get_args(Backoff):
        return f"backoff must be one of {', '.join(get_args(Backoff))}, not {retry.backoff!r}"
    try:
        base, cap = to_seconds(retry.base), to_seconds(retry.cap)
    except ValueError as error:
        return str(error)
    if base > cap:
        return f"base ({retry.base}) is longer than cap ({retry.cap}), so it would never be waited"
    if not _is_share(retry.jitter):
        return f"jitter must be a number from 0 to 1, not {retry.jitter!r}"
    return _find_permanent_fault(retry.permanent)


def _find_permanent_fault(permanent: object) -> str | None:
    if isinstance(permanent, str) or not isinstance(permanent, Sequence):
        return f"permanent must be a tuple of exception classes or names, not {permanent!r}"
    for entry in cast("Sequence[object]", permanent):
        named = isinstance(entry, str) and entry != ""
        if not named and not (isinstance(entry, type) and issubclass(entry, BaseException)):
            return f"permanent holds {entry!r}, which is no exception class and no name of one"
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """How the workers of one batch run.

    At most `parallelism` of them at once; None: as many as there are slots. When one has failed for
    good, the convergence waits until an operator has mended it (`wait`), or the batch goes on
    without it (`continue`), or the whole task ends with an error (`fail_task`).

    Raises `DefinitionError` when a value is out of bounds.
    """

    parallelism: int | None = None
    on_failure: OnFailure = "wait"

    def __post_init__(self) -> None:
        at_once = cast("object", self.parallelism)
        if at_once is not None and not (isinstance(at_once, int) and 1 <= at_once <= _MOST_AT_ONCE):
            raise DefinitionError(
                f"parallelism is {at_once!r}; it must be None, or 1 to {_MOST_AT_ONCE:,}"
            )
        if self.on_failure not in get_args(OnFailure):
            raise DefinitionError(
                f"on_failure is {self.on_failure!r}; it must be one of {', '.join(get_args(OnFailure))}"
            )

    def to_json(self) -> dict[str, Any]:
        """The policy as a template's definition holds it."""
        return {"parallelism": self.parallelism, "on_failure": self.on_failure}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a task may grow by what its steps ask for.

    At most `max_steps` dynamic steps in one task, and `max_depth` of them in a chain, in which each
    was asked for by the one before, or waits for it.

    Raises `DefinitionError` when a value is out of bounds.
    """

    max_steps: int = 1000
    max_depth: int = 100

    def __post_init__(self) -> None:
        for name, value in (("max_steps", self.max_steps), ("max_depth", self.max_depth)):
            if not _is_whole(value) or not 1 <= value <= _MOST_DYNAMIC:
                raise DefinitionError(f"{name} is {value!r}; it must be 1 to {_MOST_DYNAMIC:,}")

    def to_json(self) -> dict[str, Any]:
        """The bounds as a template's definition holds them."""
        return {"max_steps": self.max_steps, "max_depth": self.max_depth}
