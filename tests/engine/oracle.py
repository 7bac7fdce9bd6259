"""What the engine should do with one task, written without a look at how it does it. Pure.

Where the engine counts parents and live steps, this looks at the whole graph every time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

LIVE = frozenset({"enqueued", "in_progress", "waiting_for_retry"})
OPEN = LIVE | {"pending"}
DONE = frozenset({"complete", "resolved_manually"})


@dataclass(frozen=True)
class StepPlan:
    """A step as its template defines it. `timed`: its whole time is limited."""

    name: str
    parents: frozenset[int]
    queue: str
    max_attempts: int
    timed: bool


@dataclass
class Step:
    """A step of a task. `holder` is the lease that is good for it; `lapsed`: that has run out."""

    plan: StepPlan
    limit: int
    state: str = "pending"
    attempt: int = 0
    holder: Hashable | None = None
    lapsed: bool = False
    retry_due: bool = False
    clock_due: bool = False
    ended_attempts: list[tuple[int, str]] = field(default_factory=list)

    @property
    def claimable(self) -> bool:
        """Whether a message of it can be seen by a claim."""
        return self.state == "enqueued" or (self.state == "in_progress" and self.lapsed)

    @property
    def spent(self) -> bool:
        """Whether a claim finds that its last attempt was lost."""
        return self.state == "in_progress" and self.lapsed and self.attempt >= self.limit

    def leave(self, state: str, attempt_ends_as: str | None = None) -> None:
        """Enter a state in which nobody works on it."""
        if attempt_ends_as is not None and self.state == "in_progress":
            self.ended_attempts.append((self.attempt, attempt_ends_as))
        self.state, self.holder, self.lapsed, self.retry_due = state, None, False, False


@dataclass
class Task:
    """A task. `timed`: its whole time is limited. `forced` is the state in which something other than its last step
    ended it.
    """

    steps: dict[int, Step]
    started: bool
    timed: bool
    start_due: bool = False
    limit_due: bool = False
    forced: str | None = None

    @staticmethod
    def of(plans: Mapping[int, StepPlan], started: bool, timed: bool) -> Task:
        """Return a task that was just submitted."""
        steps = {no: Step(plan, plan.max_attempts) for no, plan in plans.items()}
        task = Task(steps, started, timed)
        task.enqueue_ready()
        return task

    @property
    def state(self) -> str:
        """The state it is in."""
        states = {step.state for step in self.steps.values()}
        if self.forced:
            return self.forced
        if not self.started:
            return "pending"
        if states & LIVE:
            return "in_progress"
        if "error" in states:
            return "blocked_by_failures"
        assert states <= DONE, states
        return "complete"

    @property
    def ended(self) -> bool:
        """Whether it does not change any more."""
        return self.forced is not None or self.state == "complete"

    def ready(self, no: int) -> bool:
        """Whether all that a step waits for is done."""
        return all(self.steps[parent].state in DONE for parent in self.steps[no].plan.parents)

    def enqueue_ready(self) -> None:
        """Let every step run that waits for nothing more."""
        for no, step in self.steps.items():
            if self.started and step.state == "pending" and self.ready(no):
                step.leave("enqueued")

    # Workers

    def grant(self, no: int, lease: Hashable) -> None:
        """A claim granted a step."""
        step = self.steps[no]
        assert step.claimable, f"step {no} was granted in state {step.state}"
        assert not step.spent, f"step {no} was granted beyond its last attempt"
        assert self.ready(no), f"step {no} was granted before its parents were done"
        step.leave("in_progress", "lost")
        step.attempt += 1
        step.holder = lease

    def lose_last(self, no: int) -> None:
        """A claim found that a step's last attempt was lost."""
        assert self.steps[no].spent
        self.steps[no].leave("error", "lost")

    def holds(self, no: int, lease: Hashable) -> bool:
        """Whether a lease is good for a step: what an outcome needs to be accepted."""
        return self.steps[no].state == "in_progress" and self.steps[no].holder == lease

    def hand_in(self, no: int, kind: str) -> None:
        """Accept an outcome: complete, retry, fatal (of a permanent type), error or release."""
        step = self.steps[no]
        match kind:
            case "complete":
                step.leave("complete")
            case "retry" if step.attempt < step.limit:
                step.leave("waiting_for_retry", "retry")
            case "release":
                step.leave("waiting_for_retry")
                step.attempt -= 1
            case _:
                step.leave("error", "error")
        self.enqueue_ready()

    # Time

    def make_due(self, kinds: Iterable[str]) -> None:
        """Let timers of these kinds be due."""
        for step in self.steps.values():
            step.retry_due |= "retry" in kinds and step.state == "waiting_for_retry"
            step.clock_due |= "step_time_limit" in kinds and step.plan.timed and step.state in LIVE
        self.start_due |= "task_start" in kinds and not self.started and not self.ended
        self.limit_due |= "task_time_limit" in kinds and self.timed and not self.ended

    def fire(self) -> None:
        """Do what due timers are for."""
        for step in self.steps.values():
            if step.retry_due:
                step.leave("enqueued")
        for step in self.steps.values():
            if step.clock_due and step.state in LIVE:
                step.leave("error", "error")
            step.clock_due = False
        if self.start_due and not self.ended:
            self.started = True
            self.enqueue_ready()
        if self.limit_due and not self.ended:
            self.end("error")
        self.start_due = self.limit_due = False

    def purge_and_rescue(self) -> None:
        """Lose every message, and be rescued."""
        for step in self.steps.values():
            if step.state == "in_progress":
                step.leave("error" if step.attempt >= step.limit else "enqueued", "lost")

    # Operators: each returns whether it may

    def end(self, state: str) -> bool:
        """Cancel or resolve the task, or let it time out."""
        if self.ended:
            return False
        for step in self.steps.values():
            if step.state in OPEN:
                step.leave("cancelled", "cancelled")
        self.forced = state
        return True

    def retry_step(self, no: int) -> bool:
        """Try a step again."""
        step = self.steps[no]
        if self.ended or step.state not in ("error", "waiting_for_retry"):
            return False
        if step.state == "error":
            step.limit = step.attempt + step.plan.max_attempts
            step.clock_due = False
        step.leave("enqueued")
        return True

    def retry_all(self) -> bool:
        """Try every failed step again."""
        failed = [no for no, step in self.steps.items() if step.state == "error"]
        return bool(failed) and all(self.retry_step(no) for no in failed)

    def settle(self, no: int, state: str) -> bool:
        """Give a step a result by hand."""
        step = self.steps[no]
        if self.ended or not self.started or step.state in DONE | {"cancelled"}:
            return False
        step.leave(state, "cancelled")
        step.clock_due = False
        self.enqueue_ready()
        return True
