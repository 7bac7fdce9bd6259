"""What a handler's run comes to: one value of a closed set. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tasker.approvals import Question

__all__ = [
    "LACKING_DELAY",
    "Completed",
    "Failed",
    "Failure",
    "Lost",
    "Outcome",
    "Released",
    "Retried",
    "Waiting",
]

LACKING_DELAY = 5.0
"""Seconds until a step that a worker lacks something for is granted again, to whoever."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as it is stored: the error's type name, its message, and where it was raised.

    `kinds` are the names of the classes it derives from, by which a step's retry policy may know it.
    """

    type: str
    message: str
    kinds: tuple[str, ...] = ()
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The handler returned. Both are JSON: the result, as the contract says, and the steps that it asks for."""

    result: bytes
    expansion: bytes | None = None
    committed: bool = False
    """Whether the database knows it already: it was committed with what the handler wrote there."""


@dataclass(frozen=True, slots=True)
class Retried:
    """The attempt failed and may be made again, after `delay` seconds or else after the step's backoff."""

    failure: Failure
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The step failed for good."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Lost:
    """What ran the handler died, and nobody knows what it did: the attempt counts, as one whose lease ran out."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Released:
    """The worker gives the step back unrun, uncounted; it is granted again after `delay` seconds."""

    failure: Failure
    delay: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """The handler gave its slot back until an event, a task's end, or so many seconds, or for whichever comes first.

    `name` is the checkpoint under which its next run finds what the wait came to.
    """

    name: str
    event: str | None = None
    seconds: float | None = None
    approval: Question | None = None
    """What people are asked; then their answer ends the wait."""
    task: UUID | None = None
    until_blocked: bool = False
    """Whether the wait for the task ends also when that is blocked by failures."""


Outcome = Completed | Retried | Failed | Lost | Released | Waiting
