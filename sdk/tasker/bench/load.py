"""What an executor is told to run, and what it says of it: lines of JSON on its standard input and output. Pure.

An executor is a program, in any language, that runs loads on one engine:

    -> {"url": "postgresql://…", "load": {…}}                                the database is its own, and empty
    <- {"kind": "ready", "versions": {…}, "settings": {…}}                   installed, workers on, warmed up
       {"kind": "unsupported", "why": "…"}                                   and it ends
    -> {"kind": "go"}                                                        from here it is metered
    <- {"kind": "done", "seconds": 1.5, …}                                   until here
    -> end of input                                                          it leaves

What else it has to say goes to its standard error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tasker.bench.shapes import Batch, Decision, Static

__all__ = [
    "NO_OP",
    "Arrival",
    "Backlog",
    "Done",
    "Idle",
    "Load",
    "OneByOne",
    "Order",
    "Ready",
    "Said",
    "Steady",
    "Together",
    "Unsupported",
    "Work",
    "said",
]


@dataclass(frozen=True, slots=True)
class Together:
    """All tasks at once while the workers run, as fast as the client can: a peak."""

    kind: Literal["together"] = "together"


@dataclass(frozen=True, slots=True)
class Backlog:
    """All tasks before the workers start; measured from their start."""

    kind: Literal["backlog"] = "backlog"


@dataclass(frozen=True, slots=True)
class OneByOne:
    """The next task when the one before has ended: the latency of an idle system."""

    kind: Literal["one_by_one"] = "one_by_one"


@dataclass(frozen=True, slots=True)
class Steady:
    """`rate` tasks a second by the clock, whatever the engine does. Times count from when a task was due.

    So a stall counts for every task that was due in it (the correction for coordinated omission).
    """

    rate: float
    kind: Literal["steady"] = "steady"


@dataclass(frozen=True, slots=True)
class Idle:
    """No tasks for `seconds`, with workers on."""

    seconds: float
    kind: Literal["idle"] = "idle"


Arrival = Annotated[
    Together | Backlog | OneByOne | Steady | Idle,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Work:
    """What each handler does: nothing, sleep without holding a thread, or keep a core busy, for `ms` milliseconds;
    or it is a composition of five steps that compute.
    """

    kind: Literal["nothing", "sleep", "spin", "compose"] = "nothing"
    ms: float = 0


NO_OP = Work()


@dataclass(frozen=True, slots=True)
class Load:
    """`tasks` tasks, of `shapes` in turn.

    `payload`: bytes of text in each task's input and in each step's result, besides a number. `slots`: how many steps
    run at once, in all workers together. `warm_up`: tasks that are run before and not counted.
    """

    shapes: tuple[Annotated[Static | Batch | Decision, Field(discriminator="kind")], ...]
    tasks: int
    arrival: Arrival = field(default_factory=Together)
    payload: int = 0
    work: Work = NO_OP
    slots: int = 500
    warm_up: int = 10


@dataclass(frozen=True, slots=True)
class Order:
    """The first line that an executor reads: which database, and what to run."""

    url: str
    load: Load


@dataclass(frozen=True, slots=True)
class Ready:
    """Installed, workers on, warmed up. `settings`: what was chosen by the engine's own guide."""

    versions: dict[str, str]
    settings: dict[str, str | int | float | bool] = field(
        default_factory=dict[str, str | int | float | bool]
    )
    kind: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """This engine has no such thing, and why."""

    why: str
    kind: Literal["unsupported"] = "unsupported"


@dataclass(frozen=True, slots=True)
class Done:
    """What was run. `seconds` from the first submission (Backlog: from the workers' start) until the last task's end.

    The times are in seconds, one for each task, or for each pair of a step and one that it frees; those that were not
    taken stay empty.
    """

    seconds: float
    submit_to_start: tuple[float, ...] = ()
    submit_to_result: tuple[float, ...] = ()
    step_to_step: tuple[float, ...] = ()
    kind: Literal["done"] = "done"


Said = Annotated[Ready | Unsupported | Done, Field(discriminator="kind")]
said: TypeAdapter[Ready | Unsupported | Done] = TypeAdapter(Said)
