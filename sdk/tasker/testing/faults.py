"""What a test lets go wrong in a worker, and where. Touches the test's database, through the call it is given.

Model: a fault is armed under the name of a point in a worker's life, for a step, for so many times. The worker's seams
ask at each point whether one is armed. A worker that crashes there is cancelled as it stands: it sends nothing, saves
nothing and leaves no word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString, get_args
from uuid import UUID

from tasker.binding import BoundHandler
from tasker.children import NewChild
from tasker.errors import DefinitionError
from tasker.executor import Running
from tasker.grant import Grant, describe_failure
from tasker.names import did_you_mean
from tasker.outcome import Outcome, Retried
from tasker.seams import RunStep, SaveStep, StartStepChild

__all__ = [
    "CrashPoint",
    "Fault",
    "Faults",
    "Strike",
    "break_run",
    "break_save",
    "break_start",
    "names_of",
]

CrashPoint = Literal["claim", "handler", "run", "start", "save", "commit"]

# Points that are no place to crash after.
Trouble = Literal["fail", "time_out", "lose_lease", "drop_connection", "lose_reply"]

Ask = Callable[[LiteralString, Sequence[Any]], Awaitable[Any]]
Crash = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Fault:
    """One thing to go wrong. `times`: how often it still will; None: always. `error`: what a step fails with."""

    point: CrashPoint | Trouble
    step: str | None
    times: int | None = 1
    run: str | None = None
    error: BaseException | None = None

    def __str__(self) -> str:
        crash = "" if self.point in get_args(Trouble) else "crash after "
        where = "any step" if self.step is None else f"step {self.step}"
        run = "" if self.run is None else f", run {self.run}"
        return f"{crash}{self.point} of {where}{run}"


@dataclass(slots=True)
class Faults:
    """The faults of one test. `step` is a step's name, or that of one in a batch (`load/3`); by default any step.

    A fault that has not come about when the test ends fails the test; `clear` forgets it. `times=None` means always,
    and never is as good.
    """

    armed: list[Fault] = field(default_factory=list[Fault])

    def crash_after(
        self,
        point: CrashPoint,
        step: str | None = None,
        *,
        run: str | None = None,
        times: int | None = 1,
    ) -> None:
        """The worker dies, and another takes its place once the leases have run out. `point`:

        - "claim": the step was granted, and its handler has not begun;
        - "handler": its handler has returned, and nobody knows;
        - "run": what `ctx.run` calls has returned, and was not saved (`run`: only under this name);
        - "start": a child task was started (`run`: only under this name), and the handler has not gone on;
        - "save": it was saved, and the handler has not gone on;
        - "commit": what the step came to is committed, and the worker has not heard of it.

        Raises DefinitionError for another point.
        """
        points = get_args(CrashPoint)
        if point not in points:
            hint = did_you_mean(point, points)
            raise DefinitionError(
                f"a worker cannot crash after {point!r}; points are {', '.join(points)}. {hint}".rstrip()
            )
        self.armed.append(Fault(point, step, times, run))

    def lose_reply(self, step: str | None = None, *, times: int | None = 1) -> None:
        """What the step came to is committed; the reply is lost with the connection, and the worker sends it again."""
        self.armed.append(Fault("lose_reply", step, times))

    def drop_connection(self, step: str | None = None, *, times: int | None = 1) -> None:
        """The database drops Tasker's connections while the step's handler runs."""
        self.armed.append(Fault("drop_connection", step, times))

    def lose_lease(self, step: str | None = None, *, times: int | None = 1) -> None:
        """The lease runs out while the step's handler runs: what it comes to is refused, and the step granted again."""
        self.armed.append(Fault("lose_lease", step, times))

    def fail(
        self, step: str | None, error: BaseException | None = None, *, times: int | None = 1
    ) -> None:
        """The step's handler is not called, and the attempt fails with this error, by default a RuntimeError."""
        self.armed.append(Fault("fail", step, times, error=error or RuntimeError("a fault")))

    def time_out(self, step: str | None = None, *, times: int | None = 1) -> None:
        """The step's handler is not called, and the attempt ends as one that ran past its time limit."""
        self.armed.append(Fault("time_out", step, times))

    def clear(self) -> None:
        """Forget what has not come about."""
        self.armed.clear()

    @property
    def pending(self) -> list[Fault]:
        """What has not come about, and should have."""
        return [fault for fault in self.armed if fault.times is not None]


@dataclass(frozen=True, slots=True)
class Strike:
    """Finds out at each point whether a fault is armed, and lets it happen. `crash` does not return."""

    faults: Faults
    ask: Ask
    crash: Crash

    def at(
        self, point: CrashPoint | Trouble, names: Sequence[str], run: str | None = None
    ) -> Fault | None:
        """The fault that is armed here, which has now come about once more."""
        for fault in self.faults.armed:
            here = fault.point == point and (fault.step is None or fault.step in names)
            if here and (fault.run is None or fault.run == run):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.faults.armed.remove(fault)
                return fault
        return None

    async def crash_at(
        self, point: CrashPoint, names: Sequence[str], run: str | None = None
    ) -> None:
        """Die here, if that is armed."""
        if self.at(point, names, run):
            await self.crash()


def names_of(grant: Grant) -> tuple[str, str]:
    """By what names a fault may mean a granted step."""
    return grant.step_name, grant.definition.name


def break_run(strike: Strike, inner: RunStep) -> RunStep:
    """Run handlers, with what is armed going wrong."""

    async def run(running: Running, handler: BoundHandler) -> Outcome:
        grant, names = running.grant, names_of(running.grant)
        await strike.crash_at("claim", names)
        if strike.at("lose_lease", names):
            await strike.ask(
                "select tasker_testing.take_lease(%s, %s)", [grant.queue_id, grant.msg_id]
            )
        if strike.at("drop_connection", names):
            await strike.ask("select tasker_testing.drop_connections()", [])
        if strike.at("time_out", names):
            late = "the attempt ran past its time limit"
            return Retried(describe_failure("AttemptTimedOut", late))
        outcome = await inner(running, handler)
        await strike.crash_at("handler", names)
        return outcome

    return run


def break_start(strike: Strike, inner: StartStepChild) -> StartStepChild:
    """Start child tasks, with what is armed going wrong."""

    async def start(grant: Grant, child: NewChild) -> UUID | None:
        task_id = await inner(grant, child)
        await strike.crash_at("start", names_of(grant), child.name)
        return task_id

    return start


def break_save(strike: Strike, inner: SaveStep) -> SaveStep:
    """Save what handlers save, with what is armed going wrong."""

    async def save(grant: Grant, name: str, data: bytes, replace: bool) -> bool:
        names, run = names_of(grant), name.removeprefix("run:")
        await strike.crash_at("run", names, run)
        saved = await inner(grant, name, data, replace)
        await strike.crash_at("save", names, run)
        return saved

    return save
