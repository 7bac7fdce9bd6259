"""What a program of the model has seen so far, and what its handlers and operators say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.engine.oracle import DONE, Task
from tests.engine.oracle_steps import (
    Asked,
    Clock,
    Completion,
    Expansion,
    Step,
    StepPlan,
    Undoing,
    Wait,
)
from tests.engine.support import Exchanged, Lease

QUEUES = ("t", "q2", "q3")

Place = tuple[UUID, int]


@dataclass(frozen=True)
class TemplatePlan:
    """A template: its steps, how they are undone, whether a failure does that, and how many dynamic steps there may be,
    and how many in a chain.
    """

    plans: dict[int, StepPlan]
    undoing: dict[int, Undoing]
    compensates: bool
    bounds: tuple[int, int]


@dataclass
class World:
    """What the program has seen so far. `results` is the ledger: what was accepted for each step, once. `effects` are
    the steps that have completed in a transaction of their handlers.
    """

    clock: Clock = field(default_factory=Clock)
    tasks: dict[UUID, Task] = field(default_factory=dict[UUID, Task])
    templates: dict[str, TemplatePlan] = field(default_factory=dict[str, TemplatePlan])
    leases: list[Lease] = field(default_factory=list[Lease])
    results: dict[Place, Any] = field(default_factory=dict[Place, Any])
    effects: set[Place] = field(default_factory=set[Place])
    born: dict[UUID, int] = field(default_factory=dict[UUID, int])
    correlations: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    priorities: dict[UUID, int] = field(default_factory=dict[UUID, int])

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is good."""
        task = self.tasks.get(lease.task_id)
        return task is not None and task.holds(lease.step_no, lease)

    def held(self) -> list[Lease]:
        """All leases that are good."""
        return [lease for lease in self.leases if self.holds(lease)]

    def step(self, place: Place) -> Step:
        """The step at a place."""
        return self.tasks[place[0]].steps[place[1]]

    def grant(self, lease: Lease) -> None:
        """A step was granted."""
        task = self.tasks[lease.task_id]
        task.grant(lease.step_no, lease)
        assert lease.attempt == task.steps[lease.step_no].attempt
        assert lease.instance == task.steps[lease.step_no].instance
        self.leases.append(lease)

    def take(self, task_id: UUID, outcomes: Sequence[tuple[int, str, Any]]) -> None:
        """Outcomes of a task's steps were accepted."""
        self.tasks[task_id].hand_in(outcomes)
        for no, kind, what in outcomes:
            if kind == "complete" and self.step((task_id, no)).state != "error":
                assert (task_id, no) not in self.results, f"step {no} was completed twice"
                self.results[task_id, no] = what.result

    def state_at(self, place: Place) -> str | None:
        """Return the state of a step, or None when its task was pruned."""
        task = self.tasks.get(place[0])
        return task and task.steps[place[1]].state

    def places(self, queues: Sequence[str] = QUEUES) -> list[Place]:
        """List every step of every task, in some queues."""
        return [
            (task_id, no)
            for task_id, task in self.tasks.items()
            for no, s in task.steps.items()
            if s.plan.queue in queues
        ]


# What is said. It must be the same each time that a program runs, so it does not depend on ids that the database gave.


def number_of(world: World, lease: Lease) -> int:
    """A number for a run of a step."""
    return world.born.get(lease.task_id, 0) * 7 + lease.step_no * 3 + lease.attempt


def said_by(world: World, lease: Lease, kind: str) -> Any:
    """What a handler's outcome says, beside its kind."""
    number = number_of(world, lease)
    task = world.tasks.get(lease.task_id)
    times = len(task.steps[lease.step_no].saved) if task else 0  # a handler uses a name once
    match kind:
        case "complete":
            return Completion(result_of(world, lease, number), expansion_of(world, lease, number))
        case "retry" | "lost" | "release":
            return (1_000, 4_000)[number % 2]
        case "wait":
            event = ("e", "f")[number % 2]
            return Wait(f"w{times}", event=event, seconds=(2_000, 20_000)[number % 2])
        case "sleep":
            return Wait(f"w{times}", seconds=(1_000, 3_000)[number % 2])
        case "ask":
            return Wait(f"ask:q{times}", asks=True, seconds=(None, 3_000)[number % 2])
        case _:
            return None


def result_of(world: World, lease: Lease, number: int) -> Any:
    """What a handler returns: now and then a decision of which nothing can come."""
    task = world.tasks.get(lease.task_id)
    kind = task.steps[lease.step_no].plan.kind if task else "standard"
    if task and kind == "decision":
        return ["nowhere"] if number % 9 == 8 else branches(task, lease.step_no, number)
    if kind == "batchable":
        return list(range(number % 5))
    return {"by": [lease.msg_id, lease.read_ct, lease.attempt]}


def branches(task: Task, no: int, number: int) -> list[str]:
    """Some branches of a decision."""
    names = [plan.name for plan in task.plans.values() if no in plan.parents]
    return [name for bit, name in enumerate(names) if number >> bit & 1]


def expansion_of(world: World, lease: Lease, number: int) -> Expansion | None:
    """What a handler asks for: now and then something that cannot be."""
    task = world.tasks.get(lease.task_id)
    may = sorted(task.steps[lease.step_no].plan.expands) if task else []
    if not task or not may or number % 5 == 0:
        return None
    names = [step.name for _, step in sorted(task.steps.items()) if step.undoes is None]
    asked: list[Asked] = []
    for item in range(number % 4):
        before = (item - 1,) if item and number & 2 else ()
        after = (names[(number * 5 + item) % len(names)],) if (number + item) % 3 == 0 else ()
        after = ("nowhere",) if number % 29 == 1 else after
        asked.append(Asked(may[(number + item) % len(may)], before, after))
    return tuple(asked)


def result_by_hand(world: World, place: Place) -> Any:
    """What an operator gives."""
    task, no = world.tasks[place[0]], place[1]
    match task.steps[no].plan.kind:
        case "decision":
            return branches(task, no, no)
        case "batchable":
            return [7] if no % 2 else {"not": "a list"}
        case _:
            return {"by": "hand"}


# What handlers see


def check_what_handlers_see(world: World, answer: Exchanged) -> None:
    """Every parent's result is there, and is what was accepted; and all that the step has saved. A batch's worker has
    its own item instead.
    """
    for lease in answer.leases:
        assert lease.task_id in answer.tasks
        task = world.tasks[lease.task_id]
        step = task.steps[lease.step_no]
        assert answer.saved.get((lease.task_id, lease.step_no), {}) == step.saved
        assert ((lease.task_id, lease.step_no) in answer.undone) == (step.undoes is not None)
        if step.undoes is not None:
            check_what_compensations_see(world, answer, lease, step.undoes)
        if step.plan.kind == "dynamic":
            assert lease.input == {"values": {"n": step.plan.name}, "takes": step.takes}
            for no in step.after:
                assert answer.results[lease.task_id, no] == world.results.get((lease.task_id, no))
        for parent in step.plan.parents:
            check_what_a_parent_gave(world, answer, lease, parent)


def check_what_a_parent_gave(world: World, answer: Exchanged, lease: Lease, parent: int) -> None:
    """What a step sees of one that it depends on."""
    task, place = world.tasks[lease.task_id], (lease.task_id, parent)
    if lease.instance is not None:
        assert lease.input == world.results[place][lease.instance - 1]
    elif task.plans[parent].kind == "dynamic":
        numbers = task.numbers(parent)
        assert answer.gathered[place] == [world.results[lease.task_id, n] for n in numbers]
    elif parent in task.batches:
        assert answer.gathered[place] == gathered(world, lease.task_id, parent)
    elif parent in task.steps:
        assert answer.results[place] == world.results.get(place), f"wrong result of {place}"
    else:
        assert place not in answer.results
        assert place not in answer.gathered


def check_what_compensations_see(
    world: World, answer: Exchanged, lease: Lease, undoes: int
) -> None:
    """What is undone: whether it was done, its result, and the item of a batch's worker."""
    task = world.tasks[lease.task_id]
    step = task.steps[undoes]
    expected = {step.plan.name: world.results[lease.task_id, undoes]} if step.state in DONE else {}
    if step.instance is not None:
        [parent] = step.plan.parents
        items = world.results[lease.task_id, parent]
        expected[task.plans[parent].name] = items[step.instance - 1]
    said = answer.undone[lease.task_id, lease.step_no]
    assert said == [undoes, step.name, step.state in DONE, expected]


def gathered(world: World, task_id: UUID, no: int) -> Any:
    """What a convergence sees of a batch."""
    task = world.tasks[task_id]
    numbers = task.batches[no].numbers
    results = [world.results[task_id, n] for n in numbers if task.steps[n].state in DONE]
    if task.plans[no].on_failure != "continue":
        return results
    failed = [task.steps[n] for n in numbers if task.steps[n].state == "tolerated"]
    [parent] = task.plans[no].parents
    items = world.results[task_id, parent]
    return Gathered(results, [(step.instance, items[(step.instance or 0) - 1]) for step in failed])


@dataclass
class Gathered:
    """Is equal to what the engine gathers, whatever the errors say."""

    results: list[Any]
    failures: list[tuple[int | None, Any]]

    def __eq__(self, other: Any) -> bool:
        failures = [(f["instance"], f["input"]) for f in other["failures"]]
        return (self.results, self.failures) == (other["results"], failures)
