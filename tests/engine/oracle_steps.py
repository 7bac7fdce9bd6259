"""The parts of the oracle: steps as their template plans them, and as they stand in a task. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

LIVE = frozenset({"enqueued", "in_progress", "waiting_for_retry", "waiting"})
OPEN = LIVE | {"pending"}
DONE = frozenset({"complete", "resolved_manually"})
PASSED = DONE | {"tolerated"}

STEP_TIME_LIMIT = 10_000
TASK_TIME_LIMIT = 50_000
LATER = 4_000


@dataclass
class Clock:
    """What time it is, in seconds."""

    now: int = 0


@dataclass(frozen=True)
class StepPlan:
    """A step as its template defines it. `timed`: its whole time is limited. `guards`: what it waits for beside its
    parents, because they may bring what it gathers. `expands`: the dynamic steps that it may ask for.
    """

    name: str
    parents: frozenset[int]
    queue: str
    max_attempts: int
    timed: bool
    kind: str = "standard"
    parallelism: int | None = None
    on_failure: str = "wait"
    expands: frozenset[int] = frozenset()
    guards: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Undoing:
    """How a step of the template is undone: the number and plan of its compensation. `started`: also when it was only
    started.
    """

    no: int
    plan: StepPlan
    started: bool


@dataclass(frozen=True)
class Asked:
    """One step that a step asks for: the number of its definition; the places (from 0) of those that it waits for, and
    the names of others that are there already. It takes the result of the first of all these.
    """

    no: int
    items: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def references(self) -> tuple[int | str, ...]:
        """All that it waits for."""
        return (*self.items, *self.names)


Expansion = tuple[Asked, ...]


@dataclass(frozen=True)
class Completion:
    """What a handler returned, and the steps that it asked for."""

    result: Any
    expansion: Expansion | None = None


@dataclass(frozen=True)
class Wait:
    """What a step waits for, and the name under which it is saved what came of it: an event, an answer (`asks`), or a
    time; without seconds for ever.
    """

    name: str
    event: str | None = None
    asks: bool = False
    seconds: int | None = None


@dataclass
class Step:
    """A step of a task. `holder` is the lease that is good for it; `lapsed`: that has run out.

    `answer` is what a decision or a batch has said, `instance` a worker's place in its batch, or a dynamic step's among
    those of its name. `begun`: a worker has had it. A compensation has the number of the step that it `undoes`, and a
    `rank`; a dynamic step has those that it waits for (`after`), what it `takes`, and its `depth`. Times are those at
    which timers are due.
    """

    plan: StepPlan
    limit: int
    instance: int | None = None
    answer: list[Any] | None = None
    state: str = "pending"
    attempt: int = 0
    holder: Hashable | None = None
    lapsed: bool = False
    retry_at: int | None = None
    wake_at: int | None = None
    clock_at: int | None = None
    begun: bool = False
    undoes: int | None = None
    rank: int = 0
    after: frozenset[int] = frozenset()
    takes: dict[str, int] = field(default_factory=dict[str, int])
    depth: int = 0
    wait: Wait | None = None
    saved: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: dict[str, str] = field(default_factory=dict[str, str])
    ended_attempts: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    @property
    def name(self) -> str:
        """What it is called in its task."""
        return self.plan.name if self.instance is None else f"{self.plan.name}/{self.instance}"

    @property
    def claimable(self) -> bool:
        """Whether a message of it can be seen by a claim."""
        return self.state == "enqueued" or (self.state == "in_progress" and self.lapsed)

    @property
    def spent(self) -> bool:
        """Whether a claim finds that its last attempt was lost."""
        return self.state == "in_progress" and self.lapsed and self.attempt >= self.limit

    def leave(self, state: str, attempt_ends_as: str | None = None) -> None:
        """Enter a state in which nobody works on it, and it waits for nothing."""
        if attempt_ends_as is not None and self.state == "in_progress":
            self.ended_attempts.append((self.attempt, attempt_ends_as))
        if self.wait is not None and self.wait.asks and self.asked[self.wait.name] == "open":
            self.asked[self.wait.name] = "closed"
        self.state, self.holder, self.lapsed = state, None, False
        self.retry_at = self.wake_at = self.wait = None

    def wait_for(self, wait: Wait, now: int) -> None:
        """Wait, and have no attempt counted for that."""
        self.leave("waiting")
        self.attempt -= 1
        self.wait = wait
        self.wake_at = None if wait.seconds is None else now + wait.seconds
        if wait.asks:
            self.asked[wait.name] = "open"

    def end_wait(self, value: Any, answered: str = "expired") -> None:
        """What it waits for has come, or will not: that is saved."""
        assert self.wait is not None
        self.saved[self.wait.name] = value
        if self.wait.asks:
            self.asked[self.wait.name] = answered


@dataclass
class Batch:
    """The workers of a batch, by their numbers, and how many have had their turn."""

    numbers: list[int]
    turns: int
