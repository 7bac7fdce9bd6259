"""What the engine should do with one task, written without a look at how it does it. Pure.

Where the engine counts parents and live steps, this looks at the whole graph every time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LIVE = frozenset({"enqueued", "in_progress", "waiting_for_retry", "waiting"})
OPEN = LIVE | {"pending"}
DONE = frozenset({"complete", "resolved_manually"})
PASSED = DONE | {"tolerated"}


@dataclass(frozen=True)
class StepPlan:
    """A step as its template defines it. `timed`: its whole time is limited."""

    name: str
    parents: frozenset[int]
    queue: str
    max_attempts: int
    timed: bool
    kind: str = "standard"
    parallelism: int | None = None
    on_failure: str = "wait"


@dataclass(frozen=True)
class Undoing:
    """How a step of the template is undone: the number and plan of its compensation. `started`: also when it was only
    started.
    """

    no: int
    plan: StepPlan
    started: bool


@dataclass
class Step:
    """A step of a task. `holder` is the lease that is good for it; `lapsed`: that has run out.

    `answer` is what a decision or a batch has said, `instance` a worker's place in its batch. `begun`: a worker has
    had it. A compensation has the number of the step that it `undoes`, and a `rank`.
    """

    plan: StepPlan
    limit: int
    instance: int | None = None
    answer: list[Any] | None = None
    state: str = "pending"
    attempt: int = 0
    holder: Hashable | None = None
    lapsed: bool = False
    retry_due: bool = False
    wake_due: bool = False
    clock_due: bool = False
    begun: bool = False
    undoes: int | None = None
    rank: int = 0
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
        self.state, self.holder, self.lapsed = state, None, False
        self.retry_due = self.wake_due = False


@dataclass
class Batch:
    """The workers of a batch, by their numbers, and how many have had their turn."""

    numbers: list[int]
    turns: int


@dataclass
class Task:
    """A task. `timed`: its whole time is limited. `told`: the event that its steps wait for was sent.

    `forced` is the state in which something other than its last step ended it; `ends_as` the one in which it will end
    when it is undone. `compensates`: a failure undoes it. `paused`: an operator holds it.
    """

    plans: Mapping[int, StepPlan]
    steps: dict[int, Step]
    started: bool
    timed: bool
    batches: dict[int, Batch] = field(default_factory=dict)
    start_due: bool = False
    limit_due: bool = False
    forced: str | None = None
    told: bool = False
    undoing: Mapping[int, Undoing] = field(default_factory=dict[int, Undoing])
    compensates: bool = False
    ends_as: str | None = None
    paused: bool = False

    @staticmethod
    def of(
        plans: Mapping[int, StepPlan],
        started: bool,
        timed: bool,
        undoing: Mapping[int, Undoing],
        compensates: bool,
    ) -> Task:
        """Return a task that was just submitted."""
        task = Task(plans, {}, started, timed, undoing=undoing, compensates=compensates)
        task.go_on()
        return task

    @property
    def counted(self) -> list[Step]:
        """The steps that its state depends on: while it is undone, its compensations."""
        steps = self.steps.values()
        return [s for s in steps if self.ends_as is None or s.undoes is not None]

    @property
    def state(self) -> str:
        """The state it is in."""
        states = {step.state for step in self.counted}
        if self.forced:
            return self.forced
        held = any(self.is_held(no) for no in self.steps)
        if self.paused and (
            held or not self.started or self.ends_as or states & (LIVE | {"error"})
        ):
            return "paused"
        if not self.started:
            return "pending"
        if states & LIVE:
            return "in_progress"
        if "error" in states:
            return "blocked_by_failures"
        assert self.ends_as is None, "it is undone, and has not ended"
        assert states <= PASSED, states
        return "complete"

    @property
    def ended(self) -> bool:
        """Whether it does not change any more."""
        return self.forced is not None or self.state == "complete"

    def fate(self, no: int) -> bool | None:
        """Whether a step of the template is to be; None while that is open."""
        plan = self.plans[no]
        edges = [self.edge_fate(parent, plan) for parent in plan.parents]
        if None in edges:
            return None
        one_will_do = plan.kind == "deferred_convergence" and edges
        return any(edges) if one_will_do else all(edges)

    def edge_fate(self, parent: int, child: StepPlan) -> bool | None:
        """Whether the way from a parent is open to a child."""
        if not self.fate(parent):
            return self.fate(parent)
        plan, step = self.plans[parent], self.steps.get(parent)
        said = step is not None and step.state in DONE
        if plan.kind == "decision":
            return child.name in (step.answer or []) if step and said else None
        if child.kind == "batch_worker":
            return True if said else None
        return True

    def grow(self) -> None:
        """Make the steps that are to be."""
        workers = [no for no, plan in self.plans.items() if plan.kind == "batch_worker"]
        for no in sorted(workers):
            if no not in self.batches and self.fate(no):
                [parent] = self.plans[no].parents
                first = self.next_number
                size = len(self.steps[parent].answer or [])
                plan = self.plans[no]
                self.batches[no] = Batch(
                    list(range(first, first + size)), min(size, plan.parallelism or size)
                )
                for instance, number in enumerate(self.batches[no].numbers, 1):
                    self.steps[number] = Step(plan, plan.max_attempts, instance)
        for no, plan in self.plans.items():
            if no not in self.steps and plan.kind != "batch_worker" and self.fate(no):
                self.steps[no] = Step(plan, plan.max_attempts)

    @property
    def next_number(self) -> int:
        """The number of the next step that its template does not number."""
        return max([*self.plans, *self.steps, *(u.no for u in self.undoing.values())]) + 1

    def ready(self, no: int) -> bool:
        """Whether all that a step waits for is done, or will never be; and it is its turn."""
        step = self.steps[no]
        if step.undoes is not None:
            return all(s.state in DONE for s in self.counted if s.rank > step.rank)
        waits_for = [n for parent in step.plan.parents for n in self.numbers(parent)]
        return all(self.steps[n].state in PASSED for n in waits_for) and self.has_turn(step)

    def is_held(self, no: int) -> bool:
        """Whether only the pause keeps a step from its queue."""
        held = self.paused and self.started and self.steps[no].state == "pending"
        return held and self.ready(no)

    def queue(self, step: Step) -> None:
        """Let a step run, or be held."""
        step.leave("pending" if self.paused else "enqueued")

    def numbers(self, no: int) -> list[int]:
        """The numbers of the steps that are there of a step of the template."""
        if no in self.batches:
            return self.batches[no].numbers
        return [no] if no in self.steps else []

    def has_turn(self, step: Step) -> bool:
        """Whether a batch's worker is among those that may run."""
        batch = self.batch_of(step)
        return batch is None or (step.instance or 0) <= batch.turns

    def batch_of(self, step: Step) -> Batch | None:
        """The batch of a worker."""
        batches = (b for no, b in self.batches.items() if self.plans[no] is step.plan)
        return next(batches, None)

    def give_turn(self, step: Step) -> None:
        """Let the next of a batch that waits for its turn have it, because one that had one has ended."""
        batch = self.batch_of(step)
        if batch is None or (step.instance or 0) > batch.turns:
            return
        turns = range(batch.turns + 1, len(batch.numbers) + 1)
        waiting = (n for n in turns if self.steps[batch.numbers[n - 1]].state == "pending")
        batch.turns = next(waiting, len(batch.numbers))

    def go_on(self) -> None:
        """Make the steps that are to be, and let every step run that waits for nothing more; end when all is undone."""
        if self.ends_as is None:
            self.grow()
        for no, step in self.steps.items():
            if self.started and step.state == "pending" and self.ready(no):
                self.queue(step)
        if self.ends_as and not self.forced and all(s.state in DONE for s in self.counted):
            self.forced = self.ends_as

    def come_to_rest(self) -> None:
        """What a failure has stopped is undone, if it is a task of that kind."""
        states = {step.state for step in self.counted}
        live = states & LIVE or any(self.is_held(no) for no in self.steps)
        stopped = "error" in states and not live
        if stopped and self.compensates and not self.ended and not self.ends_as:
            self.compensate("error")

    def compensate(self, state: str) -> bool:
        """Undo the task, and end it in that state then."""
        if self.ended or self.ends_as:
            return False
        held = any(s.state == "in_progress" and not s.lapsed for s in self.steps.values())
        self.cancel_open()
        self.ends_as, self.started = state, True
        for no, step in sorted(self.steps.items()):
            undoing = self.undoing.get(self.template_number(no))
            if undoing and (step.state in DONE or (undoing.started and step.begun)):
                number = undoing.no if step.instance is None else self.next_number
                made = Step(undoing.plan, undoing.plan.max_attempts, step.instance, undoes=no)
                made.rank = self.rank(self.template_number(no))
                self.steps[number] = made
        self.go_on()
        for no, step in self.steps.items():
            if held and (step.state == "enqueued" or self.is_held(no)):
                step.leave("waiting_for_retry")
        return True

    def template_number(self, no: int) -> int:
        """The number of a step in the template."""
        plan = self.steps[no].plan
        return next((n for n, p in self.plans.items() if p is plan), no)

    def rank(self, no: int) -> int:
        """How long the longest way to a step of the template is."""
        return max((self.rank(parent) + 1 for parent in self.plans[no].parents), default=0)

    def complete(self, no: int, state: str, answer: Any) -> None:
        """A step has a result. One that is no answer of a decision or a batch is an error. The task goes on later."""
        step = self.steps[no]
        if self.find_fault(step, answer):
            step.leave("error", "error")
            return
        step.answer = answer if isinstance(answer, list) else None
        step.leave(state)
        self.give_turn(step)

    def find_fault(self, step: Step, answer: Any) -> bool:
        """Whether a result says nothing that could be done."""
        if step.plan.kind not in ("decision", "batchable"):
            return False
        if not isinstance(answer, list) or step.plan.kind == "batchable":
            return not isinstance(answer, list)
        [no] = [n for n, plan in self.plans.items() if plan is step.plan]
        return not set(answer) <= {p.name for p in self.plans.values() if no in p.parents}

    def fail(self, numbers: Iterable[int]) -> None:
        """Steps have failed for good, all at once: do what that means for their batches."""
        failed = [self.steps[no] for no in numbers]
        for step in failed:
            self.give_turn(step)
            if step.plan.on_failure == "continue":
                step.state = "tolerated"
        self.go_on()
        self.come_to_rest()
        if any(step.plan.on_failure == "fail_task" for step in failed):
            self.end_by_template()

    def end_by_template(self) -> None:
        """End it with an error, at once or undone."""
        if self.compensates:
            self.compensate("error")
        elif not self.ends_as:
            self.end("error")

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
        step.begun = True

    def lose_last(self, numbers: Sequence[int]) -> None:
        """A claim found that steps' last attempts were lost."""
        assert all(self.steps[no].spent for no in numbers)
        for no in numbers:
            self.steps[no].leave("error", "lost")
        self.fail(numbers)

    def lose_held(self, no: int) -> None:
        """A claim found that an attempt was lost, and its task is paused."""
        step = self.steps[no]
        assert self.paused and step.claimable and not step.spent
        step.leave("pending", "lost")

    def holds(self, no: int, lease: Hashable) -> bool:
        """Whether a lease is good for a step: what an outcome needs to be accepted."""
        return self.steps[no].state == "in_progress" and self.steps[no].holder == lease

    def hand_in(self, outcomes: Iterable[tuple[int, str, Any]]) -> None:
        """Accept outcomes: complete, retry, fatal (of a permanent type), error, release or wait (for an event)."""
        failed: list[int] = []
        for no, kind, answer in sorted(outcomes, key=lambda o: o[1] != "complete"):
            step = self.steps[no]
            match kind:
                case "complete":
                    self.complete(no, "complete", answer)
                case "retry" if step.attempt < step.limit:
                    step.leave("waiting_for_retry", "retry")
                case "release":
                    step.leave("waiting_for_retry")
                    step.attempt -= 1
                case "wait":
                    step.leave("waiting")
                    step.attempt -= 1
                    if self.told:
                        self.queue(step)
                case _:
                    step.leave("error", "error")
                    failed.append(no)
        self.go_on()
        self.fail(failed)

    # Time

    def make_due(self, kinds: Iterable[str]) -> None:
        """Let timers of these kinds be due."""
        for no, step in self.steps.items():
            step.wake_due |= "wake" in kinds and step.state == "waiting"
            step.retry_due |= "retry" in kinds and step.state == "waiting_for_retry"
            live = step.state in LIVE or self.is_held(no)
            step.clock_due |= "step_time_limit" in kinds and step.plan.timed and live
        self.start_due |= "task_start" in kinds and not self.started and not self.ended
        timed = self.timed and self.ends_as is None
        self.limit_due |= "task_time_limit" in kinds and timed and not self.ended

    def fire(self) -> None:
        """Do what due timers are for."""
        for step in self.steps.values():
            if step.retry_due:
                self.queue(step)
        steps = self.steps.items()
        failed = [no for no, s in steps if s.clock_due and (s.state in LIVE or self.is_held(no))]
        for no in failed:
            self.steps[no].leave("error", "error")
        for step in self.steps.values():
            step.clock_due = False
        self.fail(failed)
        if self.start_due and not self.ended:
            self.started = True
            self.go_on()
        if self.limit_due and not self.ended:
            self.end_by_template()
        self.start_due = self.limit_due = False
        for step in self.steps.values():
            if step.wake_due:
                self.queue(step)

    def purge_and_rescue(self) -> None:
        """Lose every message, and be rescued."""
        failed: list[int] = []
        for no, step in self.steps.items():
            if step.state == "in_progress":
                last = step.attempt >= step.limit
                step.leave("error", "lost")
                if not last:
                    self.queue(step)
                failed += [no] if last else []
        self.fail(failed)

    # Operators: each returns whether it may

    def end(self, state: str) -> bool:
        """Cancel or resolve the task, or let it time out."""
        if self.ended or (self.ends_as and state == "cancelled"):
            return False
        self.cancel_open()
        self.forced = state
        return True

    def cancel_open(self) -> None:
        """Cancel what is open, and forget every timer."""
        for step in self.steps.values():
            if step.state in OPEN:
                step.leave("cancelled", "cancelled")
        self.start_due = self.limit_due = False

    def tell(self) -> bool:
        """Send the task the event that its steps wait for."""
        if self.ended:
            return False
        self.told = True
        for step in self.steps.values():
            if step.state == "waiting":
                self.queue(step)
        return True

    def pause(self) -> bool:
        """Hold the task."""
        if self.ended or self.paused:
            return False
        self.paused = True
        for step in self.steps.values():
            if step.state == "enqueued":
                self.queue(step)
        return True

    def resume(self) -> bool:
        """Let the task go on."""
        if self.ended or not self.paused:
            return False
        self.paused = False
        self.go_on()
        return True

    def retry_step(self, no: int) -> bool:
        """Try a step again."""
        step = self.steps[no]
        if self.ended or step.state not in ("error", "waiting_for_retry") or self.is_left(step):
            return False
        if step.state == "error":
            step.limit = step.attempt + step.plan.max_attempts
            step.clock_due = False
        self.queue(step)
        return True

    def is_left(self, step: Step) -> bool:
        """Whether a step is left as it is, because its task is being undone."""
        return self.ends_as is not None and step.undoes is None

    def retry_all(self) -> bool:
        """Try every failed step again; while the task is undone, every failed compensation."""
        steps = self.steps.items()
        failed = [no for no, s in steps if s.state == "error" and not self.is_left(s)]
        return bool(failed) and all(self.retry_step(no) for no in failed)

    def settle(self, no: int, state: str, answer: Any) -> str | None:
        """Give a step a result by hand; how that is refused."""
        step = self.steps[no]
        if self.ended or not self.started or step.state in PASSED | {"cancelled"}:
            return "TK004"
        if self.is_left(step):
            return "TK004"
        if self.find_fault(step, answer):
            return "TK002"
        step.clock_due = False
        if step.state == "in_progress":
            step.ended_attempts.append((step.attempt, "cancelled"))
            step.state = "enqueued"
        self.complete(no, state, answer)
        self.go_on()
        self.come_to_rest()
        return None
