"""What the engine should do with one task, written without a look at how it does it. Pure.

Where the engine counts parents and live steps, this looks at the whole graph every time.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.engine.oracle_steps import (
    DONE,
    LATER,
    LIVE,
    OPEN,
    PASSED,
    STEP_TIME_LIMIT,
    TASK_TIME_LIMIT,
    Batch,
    Clock,
    Completion,
    Expansion,
    Step,
    StepPlan,
    Undoing,
    Wait,
)

LEASE = 600


@dataclass
class Task:
    """A task. `timed`: its whole time is limited. `told`: the events that were sent to it.

    `bounds` are how many dynamic steps it may have, and how many in a chain. `forced` is the state in
    which something other than its last step ended it; `ends_as` the one in which it will end when it is undone.
    `compensates`: a failure undoes it. `paused`: an operator holds it.
    """

    plans: Mapping[int, StepPlan]
    steps: dict[int, Step]
    started: bool
    clock: Clock
    bounds: tuple[int, int]
    batches: dict[int, Batch] = field(default_factory=dict[int, Batch])
    start_at: int | None = None
    limit_at: int | None = None
    forced: str | None = None
    told: dict[str, Any] = field(default_factory=dict[str, Any])
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
        clock: Clock,
        bounds: tuple[int, int],
    ) -> Task:
        """Return a task that was just submitted."""
        task = Task(plans, {}, started, clock, bounds, undoing=undoing, compensates=compensates)
        begins = clock.now + (0 if started else LATER)
        task.start_at = None if started else begins
        task.limit_at = begins + TASK_TIME_LIMIT if timed else None
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
        waits_for = plan.parents | plan.guards
        known = [parent for parent in waits_for if self.plans[parent].kind != "dynamic"]
        edges = [self.edge_fate(parent, plan) for parent in known]
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
            brought = plan.kind in ("batch_worker", "dynamic")
            if no not in self.steps and not brought and self.fate(no):
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
        return not self.unresolved_before(step) and self.has_turn(step)

    def unresolved_before(self, step: Step) -> list[int]:
        """The numbers of the steps that are there, that a step waits for, and that are not resolved."""
        waits_for = step.plan.parents | step.plan.guards
        numbers = [n for parent in waits_for for n in self.numbers(parent)]
        return [n for n in [*numbers, *step.after] if self.steps[n].state not in PASSED]

    def is_held(self, no: int) -> bool:
        """Whether only the pause keeps a step from its queue."""
        held = self.paused and self.started and self.steps[no].state == "pending"
        return held and self.ready(no)

    def queue(self, step: Step) -> None:
        """Let a step run, or be held."""
        step.leave("pending" if self.paused else "enqueued")
        if step.plan.timed and step.clock_at is None:
            step.clock_at = self.clock.now + STEP_TIME_LIMIT

    def numbers(self, no: int) -> list[int]:
        """The numbers of the steps that are there of a step of the template."""
        if no in self.batches:
            return self.batches[no].numbers
        if self.plans[no].kind == "dynamic":
            return [n for n, step in sorted(self.steps.items()) if step.plan is self.plans[no]]
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
                step.retry_at = self.clock.now + LEASE
        return True

    def template_number(self, no: int) -> int:
        """The number of a step in the template."""
        plan = self.steps[no].plan
        return next((n for n, p in self.plans.items() if p is plan), no)

    def rank(self, no: int) -> int:
        """How long the longest way to a step of the template is."""
        plan = self.plans[no]
        ranks = (self.rank(before) + 1 for before in (plan.parents | plan.guards) - {no})
        return max(ranks, default=0)

    def complete(self, no: int, state: str, answer: Any) -> None:
        """A step has a result that it may have. The task goes on later."""
        step = self.steps[no]
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
        """Accept outcomes: complete, retry (in some seconds), fatal (of a permanent type), error, lost, release or
        wait.
        """
        by_kind = list(outcomes)
        self.complete_all({no: what for no, kind, what in by_kind if kind == "complete"})
        failed: list[int] = []
        for no, kind, what in by_kind:
            step = self.steps[no]
            match kind:
                case "complete":
                    pass
                case "retry" if step.attempt < step.limit:
                    step.leave("waiting_for_retry", "retry")
                    step.retry_at = self.clock.now + what
                case "lost" if step.attempt < step.limit:
                    step.leave("waiting_for_retry", "lost")
                    step.retry_at = self.clock.now + what
                case "lost":
                    step.leave("error", "lost")
                    failed.append(no)
                case "release":
                    step.leave("waiting_for_retry")
                    step.attempt -= 1
                    step.retry_at = self.clock.now + what
                case "wait":
                    self.wait(step, what)
                case _:
                    step.leave("error", "error")
                    failed.append(no)
        self.go_on()
        self.fail(failed)

    def wait(self, step: Step, wait: Wait) -> None:
        """A step waits, unless its event has come already."""
        step.wait_for(wait, self.clock.now)
        if wait.event in self.told:
            step.end_wait({"event": self.told[wait.event]})
            self.queue(step)

    def complete_all(self, completions: Mapping[int, Completion]) -> None:
        """Steps complete together. What none can have is an error of the step that said so; what can be is added."""
        granted: dict[int, Expansion] = {}
        before = 0
        for no, completion in sorted(completions.items()):
            step, asked = self.steps[no], completion.expansion
            if self.find_fault(step, completion.result) or (
                asked is not None
                and find_expansion_fault(self, no, asked, before, set(completions))
            ):
                step.ended_attempts.append((step.attempt, "error"))
            else:
                granted[no] = asked or ()
            before += len(asked or ())
        for no, completion in completions.items():
            if no in granted:
                self.complete(no, "complete", completion.result)
            else:
                self.steps[no].leave("error")
        for no, asked in sorted(granted.items()):
            self.add_asked(no, asked)

    def may_complete(self, no: int, completion: Completion) -> bool:
        """Whether a step can have a result, and what it asks for."""
        asked = completion.expansion
        return not self.find_fault(self.steps[no], completion.result) and (
            asked is None or not find_expansion_fault(self, no, asked, 0, {no})
        )

    def add_asked(self, origin: int, expansion: Expansion) -> None:
        """Add what a step has asked for."""
        first, depths = self.next_number, measure_depths(self, origin, expansion)
        for place, asked in enumerate(expansion):
            plan = self.plans[asked.no]
            made = Step(plan, plan.max_attempts, len(self.numbers(asked.no)) + 1)
            numbers = [first + item for item in asked.items]
            numbers += [self.number_of(name) for name in asked.names]
            made.after, made.depth = frozenset(numbers), depths[place]
            made.takes = {"x": numbers[0]} if numbers else {}
            self.steps[first + place] = made

    def number_of(self, name: str) -> int:
        """The number of the step that is called so."""
        return next(no for no, step in self.steps.items() if step.name == name)

    # Time

    def fire(self) -> None:
        """Do what due timers are for: kind by kind."""
        now, steps = self.clock.now, self.steps
        for step in steps.values():
            if step.retry_at is not None and step.retry_at <= now:
                self.queue(step)
        failed = [no for no, s in steps.items() if s.clock_at is not None and s.clock_at <= now]
        failed = [no for no in failed if steps[no].state in LIVE or self.is_held(no)]
        for no in failed:
            steps[no].leave("error", "error")
            steps[no].clock_at = None
        due = [s for s in steps.values() if s.wake_at is not None and s.wake_at <= now]
        starts = self.start_at is not None and self.start_at <= now
        ends = self.limit_at is not None and self.limit_at <= now
        self.fail(failed)
        if starts and not self.ended:
            self.start_at, self.started = None, True
            self.go_on()
        if ends and not self.ended and self.ends_as is None:
            self.end_by_template()
        for step in due:
            if step.state == "waiting":
                step.end_wait({"timeout": True})
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
        self.start_at = self.limit_at = None

    def tell(self, name: str, payload: Any) -> tuple[bool, int] | None:
        """Send the task an event: whether it is the first, and how many steps go on; None when it has ended."""
        if self.ended:
            return None
        if name in self.told:
            return False, 0
        self.told[name] = payload
        waiting = [s for s in self.steps.values() if s.wait is not None and s.wait.event == name]
        for step in waiting:
            step.end_wait({"event": payload})
            self.queue(step)
        return True, len(waiting)

    def answer(
        self, no: int, name: str, approved: bool, at: str | None, who: Mapping[str, str]
    ) -> str | None:
        """Answer what a step has asked, at a time that the engine has said; how that is refused."""
        step = self.steps[no]
        if self.ended:
            return "TK004"
        if name not in step.asked:
            return "TK001"
        if step.asked[name] != "open":
            return "TK004"
        by, reason = who["actor"], who["reason"]
        value = {"approved": approved, "answer": None, "by": by, "reason": reason, "at": at}
        step.end_wait(value, "approved" if approved else "rejected")
        self.queue(step)
        return None

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
            step.clock_at = None
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
        if step.state == "in_progress":
            step.ended_attempts.append((step.attempt, "cancelled"))
            step.state = "enqueued"
        self.complete(no, state, answer)
        self.go_on()
        self.come_to_rest()
        return None


# What steps ask for


def find_expansion_fault(
    task: Task, origin: int, expansion: Expansion, before: int, completing: set[int]
) -> bool:
    """Whether a step cannot have what it asks for: others that complete with it have asked for `before` more."""
    names = {name for asked in expansion for name in asked.names}
    known = {step.name: no for no, step in task.steps.items()}
    if not task.steps[origin].plan.expands or not names <= set(known):
        return True
    if any(is_circle(task, known[name], expansion, completing) for name in names):
        return True
    there = sum(step.plan.kind == "dynamic" for step in task.steps.values())
    most, deepest = task.bounds
    depths = measure_depths(task, origin, expansion)
    return there + before + len(expansion) > most or max(depths, default=0) > deepest


def is_circle(task: Task, no: int, expansion: Expansion, completing: set[int]) -> bool:
    """Whether a step waits, if only by others, for one that gathers what is asked for."""
    asked = {one.no for one in expansion}
    seen: set[int] = set()
    left = [no] if task.steps[no].state not in PASSED else []
    while left:
        number = left.pop()
        if number in seen or number in completing:
            continue
        seen.add(number)
        step = task.steps[number]
        if (step.plan.parents | step.plan.guards) & asked:
            return True
        left += task.unresolved_before(step)
    return False


def measure_depths(task: Task, origin: int, expansion: Expansion) -> list[int]:
    """How long the chain of dynamic steps is that ends in each."""
    depths: list[int] = []
    for asked in expansion:
        before = [task.steps[origin].depth, *(depths[item] for item in asked.items)]
        before += [task.steps[task.number_of(name)].depth for name in asked.names]
        depths.append(max(before) + 1)
    return depths
