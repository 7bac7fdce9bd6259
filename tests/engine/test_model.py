"""Random programs of workers, crashes, zombies, operators and timers, checked against an oracle after each action.

TASKER_MODEL_EXAMPLES and TASKER_MODEL_STEPS set how many programs are tried and how long they are. Without them the
same few are tried each time, and one that fails is not made smaller, which would take minutes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg.types.json import Jsonb
from tests.engine.oracle import DONE, OPEN, StepPlan, Task, Undoing
from tests.engine.support import (
    Connection,
    Engine,
    Exchanged,
    Lease,
    Worker,
    beat,
    broken,
    call,
    exchange,
    in_background,
    lapse,
    make_due,
    one,
    outcome,
    register,
    register_worker,
    step,
    submit_many,
    template,
    wait_until_blocked,
)

EXAMPLES = int(os.environ.get("TASKER_MODEL_EXAMPLES", "120"))
PHASES = [Phase.explicit, Phase.generate] + [Phase.shrink] * ("TASKER_MODEL_EXAMPLES" in os.environ)
STEPS = int(os.environ.get("TASKER_MODEL_STEPS", "40"))

QUEUES = ("t", "q2", "q3")
KINDS = ("wake", "retry", "step_time_limit", "task_start", "task_time_limit")
OUTCOMES = (*["complete"] * 5, "retry", "fatal", "error", "release", "wait", "wait")
SETTLED = {"complete_step": "complete", "resolve_step": "resolved_manually"}
STEP_KINDS = (
    *["standard"] * 4,
    *["decision"] * 2,
    *["deferred_convergence"] * 2,
    *["batchable"] * 2,
    *["batch_worker"] * 4,
)
ON_FAILURE = ("wait", "continue", "fail_task")
UNDOING = (None, None, "complete", "complete", "started")
VERBS = (
    [
        "cancel_task",
        "compensate_task",
        "compensate_task",
        "resolve_task",
        "retry_task",
        "retry_task",
        "send_event",
        "pause_task",
        "pause_task",
        "resume_task",
        "resume_task",
        "resume_task",
    ]
    + ["retry_step"] * 4
    + [*SETTLED] * 2
)
FAILED = {"error", "waiting_for_retry"}
LIKELY = {
    "send_event": {"waiting"},
    "resume_task": {"pending"},
    "retry_step": FAILED,
    "retry_task": {"error"},
    "complete_step": OPEN | {"error"},
    "resolve_step": OPEN | {"error"},
}
WHO = {"reason": "because", "actor": "ann"}

T = TypeVar("T")
Place = tuple[UUID, int]
Handed = tuple[Lease, str, Any]


@dataclass(frozen=True)
class TemplatePlan:
    """A template: its steps, how they are undone, and whether a failure does that."""

    plans: dict[int, StepPlan]
    undoing: dict[int, Undoing]
    compensates: bool


@dataclass
class World:
    """What the program has seen so far. `results` is the ledger: what was accepted for each step, once."""

    tasks: dict[UUID, Task] = field(default_factory=dict)
    templates: dict[str, TemplatePlan] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)
    results: dict[Place, Any] = field(default_factory=dict)
    born: dict[UUID, int] = field(default_factory=dict)

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is good."""
        task = self.tasks.get(lease.task_id)
        return task is not None and task.holds(lease.step_no, lease)

    def grant(self, lease: Lease) -> None:
        """A step was granted."""
        task = self.tasks[lease.task_id]
        task.grant(lease.step_no, lease)
        assert lease.attempt == task.steps[lease.step_no].attempt
        assert lease.instance == task.steps[lease.step_no].instance
        self.leases.append(lease)

    def result_of(self, lease: Lease) -> Any:
        """What a handler returns: now and then a decision of which nothing can come. What is decided must be the same
        each time that a program runs, so it does not depend on ids that the database gave.
        """
        task = self.tasks.get(lease.task_id)
        number = self.born.get(lease.task_id, 0) * 7 + lease.step_no * 3 + lease.attempt
        kind = task.steps[lease.step_no].plan.kind if task else "standard"
        if task and kind == "decision":
            return ["nowhere"] if number % 9 == 8 else self.branches(task, lease.step_no, number)
        if kind == "batchable":
            return list(range(number % 5))
        return {"by": [lease.msg_id, lease.read_ct, lease.attempt]}

    def result_by_hand(self, task_id: UUID, no: int) -> Any:
        """What an operator gives."""
        task = self.tasks[task_id]
        match task.steps[no].plan.kind:
            case "decision":
                return self.branches(task, no, no)
            case "batchable":
                return [7] if no % 2 else {"not": "a list"}
            case _:
                return {"by": "hand"}

    def branches(self, task: Task, no: int, number: int) -> list[str]:
        """Some branches of a decision."""
        names = [plan.name for plan in task.plans.values() if no in plan.parents]
        return [name for bit, name in enumerate(names) if number >> bit & 1]

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


# Choices: numbers, so that what is drawn does not depend on what the database answered.

NUMBER = st.integers(0, 999)
NUMBERS = st.lists(NUMBER, min_size=1, max_size=8)


@dataclass(frozen=True)
class ExchangeChoice:
    """Which worker hands in what: of the leases that are good, and of all there ever were."""

    worker: int
    current: list[tuple[int, str]]
    any: list[tuple[int, str]]
    want: int


@dataclass(frozen=True)
class OperateChoice:
    """What an operator does to which step, or its task."""

    verb: str
    place: int


Choice = ExchangeChoice | OperateChoice

EXCHANGES = st.builds(
    ExchangeChoice,
    worker=st.integers(0, 2),
    current=st.lists(st.tuples(NUMBER, st.sampled_from(OUTCOMES)), min_size=1, max_size=10),
    any=st.lists(st.tuples(NUMBER, st.sampled_from(OUTCOMES)), max_size=2),
    want=st.sampled_from((0, 1, 3, 100, 100)),
)
OPERATIONS = st.builds(OperateChoice, verb=st.sampled_from(VERBS), place=NUMBER)


def pick(items: Sequence[T], number: int) -> T:
    """Return the item that a number stands for; late ones for small numbers."""
    return items[-1 - number % len(items)]


# Actions: each is run on a connection, and then its answer is checked and taken into the world.


@dataclass(frozen=True)
class Exchange:
    """A worker hands in outcomes and claims steps."""

    worker: Worker
    queues: tuple[str, ...]
    outcomes: tuple[Handed, ...]
    want: int

    def run(self, connection: Connection) -> Exchanged:
        worker = Worker(connection, self.worker.id, self.worker.queue_ids)
        return exchange(worker, [as_json(*each) for each in self.outcomes], want=self.want)

    def absorb(self, world: World, answer: Exchanged, db: Connection, alone: bool) -> None:
        good = [n for n, (lease, *_) in enumerate(self.outcomes, 1) if world.holds(lease)]
        assert answer.accepted == good, f"accepted {answer.accepted}, but {good} hold their leases"
        accepted: dict[UUID, list[tuple[int, str, Any]]] = {}
        for n in good:
            lease, kind, result = self.outcomes[n - 1]
            accepted.setdefault(lease.task_id, []).append((lease.step_no, kind, result))
        for task_id, outcomes in accepted.items():
            world.tasks[task_id].hand_in(outcomes)
            for no, kind, result in outcomes:
                if kind == "complete" and world.tasks[task_id].steps[no].state != "error":
                    assert (task_id, no) not in world.results, f"step {no} was completed twice"
                    world.results[task_id, no] = result
        if alone:
            for task in world.tasks.values():
                task.fire()
        self.absorb_claim(world, answer, db, alone)

    def absorb_claim(self, world: World, answer: Exchanged, db: Connection, alone: bool) -> None:
        places = [p for p in world.places(self.queues) if world.tasks[p[0]].steps[p[1]].claimable]
        spent = [(t, no) for t, no in places if world.tasks[t].steps[no].spent]
        held = {t for t, _ in places if world.tasks[t].paused}
        leases = sorted(
            answer.leases, key=lambda g: (list(world.tasks).index(g.task_id), g.step_no)
        )
        at_once = [lease for lease in leases if (lease.task_id, lease.step_no) in places]
        for lease in at_once:
            assert not (alone and lease.task_id in held), f"{lease} is of a paused task"
            world.grant(lease)
        taken = sum(
            absorb_lost(
                world.tasks[task_id], task_id, [no for t, no in places if t == task_id], db, alone
            )
            for task_id in dict(places)
        )
        follows = any(
            world.tasks[t].compensates or world.tasks[t].steps[no].plan.kind == "batch_worker"
            for t, no in spent
        )
        for lease in leases:
            if lease not in at_once:
                assert follows, f"{lease} could not be claimed"
                world.grant(lease)
        check_what_handlers_see(world, answer)
        if alone and not follows:
            taken += len(leases)
            assert taken == min(self.want, len(places)), f"{taken} of {len(places)} were claimed"


def absorb_lost(
    task: Task, task_id: UUID, numbers: Sequence[int], db: Connection, alone: bool
) -> int:
    """How many steps a claim took whose attempt was lost, and granted to nobody: it was the last, or the task is
    paused. It cannot end or hold one while another holds the task.
    """
    query = "select step_no, state::text from tasker.step where task_id = %s"
    states = dict(db.execute(query, [task_id]).fetchall())
    failed = [no for no in numbers if states[no] in ("error", "tolerated")]
    task.lose_last([no for no in failed if task.steps[no].spent])
    parked = [no for no in numbers if task.steps[no].claimable and states[no] == "pending"]
    for no in parked:
        task.lose_held(no)
    taken = len(failed) + len(parked)
    for no in numbers:
        step = task.steps[no]
        if not (step.state == "in_progress" and step.lapsed):
            continue
        assert isinstance(step.holder, Lease)
        table = f"pgmq.q_tasker_{step.plan.queue}"
        message = one(db, f"select read_ct from {table} where msg_id = %s", step.holder.msg_id)
        if message != step.holder.read_ct:
            assert not alone, f"step {no} was leased to nobody"
            step.holder, step.lapsed = None, False
            taken += 1
    return taken


def check_what_handlers_see(world: World, answer: Exchanged) -> None:
    """Every parent's result is there, and is what was accepted. A batch's worker has its own item instead."""
    for lease in answer.leases:
        assert lease.task_id in answer.tasks
        task = world.tasks[lease.task_id]
        plan = task.steps[lease.step_no].plan
        undoes = task.steps[lease.step_no].undoes
        assert ((lease.task_id, lease.step_no) in answer.undone) == (undoes is not None)
        if undoes is not None:
            check_what_compensations_see(world, answer, lease, undoes)
        for parent in plan.parents:
            place = lease.task_id, parent
            if lease.instance is not None:
                assert lease.input == world.results[place][lease.instance - 1]
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
    name = step.plan.name if step.instance is None else f"{step.plan.name}/{step.instance}"
    said = answer.undone[lease.task_id, lease.step_no]
    assert said == [undoes, name, step.state in DONE, expected]


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


def as_json(lease: Lease, kind: str, result: Any) -> Any:
    match kind:
        case "complete":
            return outcome(lease, "complete", result=result)
        case "release":
            return outcome(lease, "release", delay=1000)
        case "wait":
            return outcome(lease, "wait", wait={"name": "w", "event": "e", "seconds": 1000})
        case "fatal":
            return outcome(lease, "retry", error={"type": "Fatal"}, delay=1000)
        case _:
            return outcome(lease, kind, error={"type": "Any"}, delay=1000)


@dataclass(frozen=True)
class Operate:
    """An operator does something to a task, or to one of its steps."""

    verb: str
    task_id: UUID
    step_no: int
    result: Any

    def run(self, connection: Connection) -> str | None:
        more: dict[str, Any] = {}
        if self.verb.endswith("_step"):
            query = """select tasker.step_name(d.name, s.instance)
                from tasker.step s join tasker.step_definition d using (definition_id)"""
            where = " where s.task_id = %s and s.step_no = %s"
            more["step_name"] = one(connection, query + where, self.task_id, self.step_no)
        if self.verb in SETTLED:
            more["result"] = Jsonb(self.result)
        more |= {"name": "e"} if self.verb == "send_event" else WHO
        verb = self.verb
        if verb == "compensate_task":
            verb, more = "cancel_task", {**more, "compensate": True}
        try:
            call(connection, verb, task_id=self.task_id, **more)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def absorb(self, world: World, answer: str | None, db: Connection, alone: bool) -> None:
        task = world.tasks[self.task_id]
        match self.verb:
            case "cancel_task":
                may = task.end("cancelled")
            case "compensate_task":
                may = task.compensate("cancelled")
            case "resolve_task":
                may = task.end("resolved_manually")
            case "retry_task":
                may = task.retry_all()
            case "send_event":
                may = task.tell()
            case "pause_task":
                may = task.pause()
            case "resume_task":
                may = task.resume()
            case "retry_step":
                may = task.retry_step(self.step_no)
            case _:
                refused = task.settle(self.step_no, SETTLED[self.verb], self.result)
                assert answer == refused
                if not refused:
                    place = self.task_id, self.step_no
                    assert place not in world.results
                    world.results[place] = self.result
                return
        assert answer == (None if may else "TK004")


Action = Exchange | Operate


def draw_plans(data: st.DataObject, count: int) -> dict[int, StepPlan]:
    """Draw a graph. Numbers are drawn too, so that parents may stand below children."""
    order = data.draw(st.permutations(range(1, count + 1)))
    plans: dict[int, StepPlan] = {}
    for position, no in enumerate(order):
        before = order[:position]
        kind = data.draw(st.sampled_from(STEP_KINDS))
        batches = [p for p in before if plans[p].kind == "batchable"]
        taken = {next(iter(p.parents)) for p in plans.values() if p.kind == "batch_worker"}
        waiting = [p for p in batches if p not in taken]
        if kind == "batch_worker" and waiting:
            parents = {waiting[0]}
        else:
            kind = "standard" if kind == "batch_worker" else kind
            workers = kind == "deferred_convergence"
            may = [p for p in before if workers or plans[p].kind != "batch_worker"]
            parents = data.draw(st.sets(st.sampled_from(may), max_size=4)) if may else set()
        plans[no] = StepPlan(
            f"s{no}",
            frozenset(parents),
            data.draw(st.sampled_from(QUEUES)),
            data.draw(st.integers(1, 3)),
            data.draw(st.booleans()),
            kind,
            data.draw(st.sampled_from((None, 1, 2))) if kind == "batch_worker" else None,
            data.draw(st.sampled_from(ON_FAILURE)) if kind == "batch_worker" else "wait",
        )
    return {no: settle_kind(no, plans) for no in plans}


def draw_undoing(data: st.DataObject, plans: Mapping[int, StepPlan]) -> dict[int, Undoing]:
    """Draw how steps are undone."""
    chosen = {no: data.draw(st.sampled_from(UNDOING)) for no in sorted(plans)}
    undoing: dict[int, Undoing] = {}
    for no in (no for no, when in chosen.items() if when):
        plan = StepPlan(
            f"undo:{plans[no].name}",
            frozenset(),
            data.draw(st.sampled_from(QUEUES)),
            data.draw(st.integers(1, 3)),
            data.draw(st.booleans()),
            "compensation",
        )
        undoing[no] = Undoing(len(plans) + len(undoing) + 1, plan, chosen[no] == "started")
    return undoing


def settle_kind(no: int, plans: Mapping[int, StepPlan]) -> StepPlan:
    """A step that nothing stands behind is no decision, and without a worker no batch."""
    children = [plan for plan in plans.values() if no in plan.parents]
    workers = [plan for plan in children if plan.kind == "batch_worker"]
    plan = plans[no]
    if (plan.kind == "decision" and not children) or (plan.kind == "batchable" and not workers):
        return replace(plan, kind="standard")
    return plan


def how_to_run(plan: StepPlan) -> dict[str, Any]:
    """What a step and a compensation have both."""
    return {
        "queue": plan.queue,
        "retry": {"max_attempts": plan.max_attempts, "permanent_errors": ["Fatal"]},
        "step_time_limit": 10_000 if plan.timed else None,
    }


class Model(RuleBasedStateMachine):
    """Actions on a few tasks of a few templates, by three workers, operators and orchestrators."""

    def __init__(self, engine: Engine, connections: Sequence[Connection]) -> None:
        super().__init__()
        for connection in connections:
            connection.execute(
                "select setseed(0.5)"
            )  # an exchange takes its queues in random order
        self.db = engine.owner
        self.connections = connections
        self.world = World()
        served = (("t",), ("t", "q2"), ("q2", "q3"))
        self.workers = [
            (register_worker(c, *queues), queues)
            for c, queues in zip(connections, served, strict=True)
        ]

    def teardown(self) -> None:
        tables = [
            "task",
            "step",
            "attempt",
            "timer",
            "action",
            "idempotency_key",
            "batch",
            "checkpoint",
            "event",
            "wait",
            "worker",
            "orchestrator",
        ]
        tables += ["definition_edge", "step_definition", "template"]
        for table in tables:
            self.db.execute(f"delete from tasker.{table}")
        for queue in QUEUES:
            self.db.execute(f"delete from pgmq.q_tasker_{queue}")

    # Tasks

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.submit(self.define(data), 2, False)

    @rule(
        data=st.data(),
        count=st.integers(1, 3),
        later=st.sampled_from([False, False, False, True]),
        again=st.booleans(),
    )
    def submit_more(self, data: st.DataObject, count: int, later: bool, again: bool) -> None:
        # What is drawn must not depend on which tasks there are: that may differ from run to run.
        known = sorted(self.world.templates)
        name = data.draw(st.sampled_from(known)) if again else self.define(data)
        if len(self.world.tasks) < 8:
            self.submit(name, count, later)

    def define(self, data: st.DataObject) -> str:
        """Register a random graph; its name."""
        known = len(self.world.templates)
        count = data.draw(st.integers(4, 12) if known < 2 else st.integers(1, 5))
        timed = data.draw(st.booleans())
        plans = draw_plans(data, count)
        undoing = draw_undoing(data, plans)
        compensates = data.draw(st.sampled_from((False, False, True)))
        name = f"{'timed' if timed else 'plain'}{known}"
        steps = [
            step(
                plans[no].name,
                *(f"s{p}" for p in sorted(plans[no].parents)),
                kind=plans[no].kind,
                **how_to_run(plans[no]),
                compensate={
                    "handler": "undo",
                    "when": "started" if undoing[no].started else "complete",
                    **how_to_run(undoing[no].plan),
                }
                if no in undoing
                else None,
                batch={"parallelism": plans[no].parallelism, "on_failure": plans[no].on_failure},
            )
            for no in sorted(plans)
        ]
        on_failure = "compensate" if compensates else "wait"
        time_limit = 50_000 if timed else None
        register(self.db, template(name, *steps, time_limit=time_limit, on_failure=on_failure))
        self.world.templates[name] = TemplatePlan(plans, undoing, compensates)
        return name

    def submit(self, name: str, count: int, later: bool) -> None:
        start_at = datetime.now(UTC) + timedelta(hours=1)
        given = {"start_at": start_at.isoformat()} if later else {}
        for _, task_id, _ in submit_many(self.db, name, [given] * count):
            plan = self.world.templates[name]
            self.world.born[task_id] = len(self.world.born)
            self.world.tasks[task_id] = Task.of(
                plan.plans, not later, name.startswith("timed"), plan.undoing, plan.compensates
            )

    # Workers

    @rule(choice=EXCHANGES)
    def exchange(self, choice: ExchangeChoice) -> None:
        self.act(self.chosen_exchange(choice))

    def chosen_exchange(self, choice: ExchangeChoice) -> Exchange:
        worker, queues = self.workers[choice.worker]
        current = [lease for lease in self.world.leases if self.world.holds(lease)]
        chosen = {pick(current, number): kind for number, kind in choice.current if current}
        chosen |= {
            pick(self.world.leases, number): kind
            for number, kind in choice.any
            if self.world.leases
        }
        return Exchange(worker, queues, self.handed(chosen), choice.want)

    def handed(self, outcomes: Mapping[Lease, str]) -> tuple[Handed, ...]:
        return tuple((lease, kind, self.world.result_of(lease)) for lease, kind in outcomes.items())

    @rule(choice=EXCHANGES)
    def exchange_again(self, choice: ExchangeChoice) -> None:
        self.exchange(choice)

    @rule(number=st.integers(0, 2))
    def claim_everything(self, number: int) -> None:
        worker, queues = self.workers[number]
        self.act(Exchange(worker, queues, (), 100))

    @rule(number=st.integers(0, 2))
    def complete_half(self, number: int) -> None:
        worker, queues = self.workers[number]
        held = [lease for lease in self.world.leases if self.world.holds(lease)]
        half = dict.fromkeys(held[: (len(held) + 1) // 2], "complete")
        self.act(Exchange(worker, queues, self.handed(half), 100))

    @rule(number=st.integers(0, 2), numbers=NUMBERS, kind=st.sampled_from(OUTCOMES))
    def awake_too_late(self, number: int, numbers: list[int], kind: str) -> None:
        """Let leases run out, another worker claim the steps, and then the first one hand in."""
        self.claim_everything(number)
        held = [lease for lease in self.world.leases if self.world.holds(lease)]
        self.crash(numbers)
        self.claim_everything(number)
        worker, queues = self.workers[number]
        late = {pick(held, n): kind for n in numbers if held}
        self.act(Exchange(worker, queues, self.handed(late), 0))

    @rule(numbers=NUMBERS)
    def crash(self, numbers: list[int]) -> None:
        """Let some leases run out."""
        held = [lease for lease in self.world.leases if self.world.holds(lease)]
        for lease in {pick(held, number) for number in numbers if held}:
            lapse(self.db, lease)
            self.world.tasks[lease.task_id].steps[lease.step_no].lapsed = True

    @rule(number=st.integers(0, 2), numbers=NUMBERS)
    def heartbeat(self, number: int, numbers: list[int]) -> None:
        """With leases that are good and others that are not, and any worker's: what counts is the lease."""
        known = self.world.leases
        leases = list(dict.fromkeys(pick(known, n) for n in numbers if known))
        answer = beat(self.workers[number][0], *leases, progress={"at": number})
        gone = {n: lease for n, lease in enumerate(leases, 1) if not self.world.holds(lease)}
        cancelled = [
            n
            for n, lease in gone.items()
            if self.world.state_at((lease.task_id, lease.step_no)) == "cancelled"
        ]
        assert answer["cancelled"] == cancelled
        assert answer["lost"] == [n for n in gone if n not in cancelled]
        for n, lease in enumerate(leases, 1):
            if n not in gone:
                self.world.tasks[lease.task_id].steps[lease.step_no].lapsed = False

    # Operators

    @rule(choice=OPERATIONS)
    def operate(self, choice: OperateChoice) -> None:
        if self.world.tasks:
            self.act(self.chosen_operation(choice))

    def chosen_operation(self, choice: OperateChoice) -> Operate:
        """Mostly one that may be done, now and then any."""
        places = self.world.places()
        likely = [p for p in places if self.world.state_at(p) in LIKELY.get(choice.verb, OPEN)]
        task_id, no = pick(likely if likely and choice.place % 4 else places, choice.place)
        return Operate(choice.verb, task_id, no, self.world.result_by_hand(task_id, no))

    # Time and maintenance

    @rule(kinds=st.sets(st.sampled_from(KINDS[:4]), min_size=1) | st.just(set(KINDS)))
    def let_timers_be_due(self, kinds: set[str]) -> None:
        make_due(self.db, *kinds)
        for task in self.world.tasks.values():
            task.make_due(kinds)

    @rule(what=st.sampled_from(["promote", "promote", "purge", "rescue", "prune", "upkeep"]))
    def maintain(self, what: str) -> None:
        match what:
            case "promote":
                self.promote()
            case "purge":
                self.purge_and_rescue()
            case "rescue":
                self.db.execute(
                    "update tasker.step set enqueued_at = enqueued_at - interval '1 hour'"
                )
                assert call(self.db, "rescue")["rescued"] == 0
            case "prune":
                self.prune()
            case _:
                given = {"orchestrator_id": UUID(int=1), "name": "o"}
                call(self.db, "upkeep", **given)

    def promote(self) -> None:
        call(self.db, "promote_due")
        for task in self.world.tasks.values():
            task.fire()

    def purge_and_rescue(self) -> None:
        """Lose every message, as when a queue was purged by hand."""
        for queue in QUEUES:
            self.db.execute(f"delete from pgmq.q_tasker_{queue}")
        self.db.execute("update tasker.step set enqueued_at = enqueued_at - interval '1 hour'")
        call(self.db, "rescue")
        for task in self.world.tasks.values():
            task.purge_and_rescue()

    def prune(self) -> None:
        ended = {task_id for task_id, task in self.world.tasks.items() if task.ended}
        answer = call(self.db, "prune", older_than=timedelta(seconds=-5))
        assert answer["pruned"] == len(ended)
        for task_id in ended:
            del self.world.tasks[task_id]

    # Two at once

    @rule(
        choices=st.tuples(EXCHANGES | OPERATIONS, EXCHANGES | OPERATIONS),
        end=st.sampled_from(["commit", "commit", "rollback"]),
    )
    def race(self, choices: tuple[Choice, Choice], end: str) -> None:
        """Run an action while another, on another connection, has run and not yet committed or rolled back."""
        if self.world.tasks:
            self.promote()
            first, second = map(self.chosen, choices)
            self.run_both(first, second, end)

    def chosen(self, choice: Choice) -> Action:
        if isinstance(choice, ExchangeChoice):
            return self.chosen_exchange(choice)
        return self.chosen_operation(choice)

    def run_both(self, first: Action, second: Action, end: str) -> None:
        holding, other, _ = self.connections
        holding.execute("begin")
        held: Any = first.run(holding)
        if end == "commit":
            first.absorb(self.world, held, holding, alone=True)
        with in_background(lambda: second.run(other)) as answer:
            wait_until_blocked(self.db, other.info.backend_pid, answer.done)
            holding.execute(cast("Any", end))
        second.absorb(self.world, cast("Any", answer.result()), self.db, alone=False)

    def act(self, action: Action) -> None:
        answer: Any = action.run(self.connections[0])
        action.absorb(self.world, answer, self.db, alone=True)

    # What must always hold

    @invariant()
    def is_as_the_oracle_says(self) -> None:
        assert self.states() == {
            task_id: (task.state, {no: (s.state, s.attempt) for no, s in task.steps.items()})
            for task_id, task in self.world.tasks.items()
        }

    def states(self) -> dict[UUID, Any]:
        query = """select t.task_id, t.state::text, jsonb_object_agg(s.step_no, jsonb_build_array(s.state, s.attempt))
            from tasker.task t join tasker.step s using (task_id) group by t.task_id"""
        return {
            task_id: (state, {int(no): tuple(found) for no, found in steps.items()})
            for task_id, state, steps in self.db.execute(query).fetchall()
        }

    @invariant()
    def is_sound(self) -> None:
        assert broken(self.db) == []

    @invariant()
    def ended_attempts_are_recorded(self) -> None:
        found = self.db.execute(
            "select task_id, step_no, attempt, outcome from tasker.attempt order by task_id, step_no, attempt"
        ).fetchall()
        assert found == [
            (task_id, no, attempt, how)
            for task_id, task in sorted(self.world.tasks.items())
            for no, s in sorted(task.steps.items())
            for attempt, how in s.ended_attempts
        ]

    @invariant()
    def results_are_what_was_accepted(self) -> None:
        """The ledger: each step that is done has the one result that was accepted for it, and nothing else has one."""
        found = self.db.execute(
            "select task_id, step_no, result from tasker.step where result is not null"
        )
        known = {
            place: result
            for place, result in self.world.results.items()
            if place[0] in self.world.tasks
        }
        assert {(task_id, no): result for task_id, no, result in found} == known
        assert {
            (task_id, no)
            for task_id, task in self.world.tasks.items()
            for no, s in task.steps.items()
            if s.state in DONE
        } == set(known)


def test_the_engine_does_what_the_oracle_says(shared_engine: Engine) -> None:
    for queue in QUEUES:
        one(shared_engine.owner, "select tasker.ensure_queue(%s)", queue)
    with ExitStack() as stack:
        connections = [stack.enter_context(shared_engine.connect()) for _ in range(3)]
        run_state_machine_as_test(
            lambda: Model(shared_engine, connections),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize="TASKER_MODEL_EXAMPLES" not in os.environ,
                phases=PHASES,
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
