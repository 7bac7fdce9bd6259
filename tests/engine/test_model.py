"""Random programs of workers, crashes, zombies, operators, people and time, checked against an oracle at each step.

TASKER_MODEL_EXAMPLES and TASKER_MODEL_STEPS set how many programs are tried and how long they are. Without them the
same few are tried each time, and one that fails is not made smaller, which would take minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.engine.model_actions import (
    SETTLED,
    Action,
    Answer,
    Commit,
    Exchange,
    Handed,
    Operate,
    Save,
    Send,
)
from tests.engine.model_drawing import define, draw_template
from tests.engine.model_world import QUEUES, Place, World, result_by_hand, said_by
from tests.engine.oracle import LEASE, Task
from tests.engine.oracle_steps import DONE, LATER, OPEN
from tests.engine.support import (
    Connection,
    Engine,
    Lease,
    beat,
    broken,
    call,
    drop_closed,
    in_background,
    lapse,
    one,
    register,
    register_worker,
    submit_many,
    wait_until_blocked,
)
from tests.fix_postgres import VERSIONS, Server

GIVEN = "TASKER_MODEL_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("TASKER_MODEL_EXAMPLES", "120"))
PHASES = [Phase.explicit, Phase.generate] + [Phase.shrink] * GIVEN
STEPS = int(os.environ.get("TASKER_MODEL_STEPS", "40"))

OUTCOMES = (
    *["complete"] * 6,
    "retry",
    "fatal",
    "error",
    "lost",
    "release",
    "wait",
    "wait",
    "sleep",
    "ask",
    "ask",
)
VERBS = (
    [
        "cancel_task",
        "compensate_task",
        "compensate_task",
        "resolve_task",
        "retry_task",
        "retry_task",
    ]
    + ["pause_task"] * 2
    + ["resume_task"] * 3
    + ["retry_step"] * 4
    + [*SETTLED] * 2
)
FAILED = {"error", "waiting_for_retry"}
LIKELY = {
    "resume_task": {"pending"},
    "retry_step": FAILED,
    "retry_task": {"error"},
    "complete_step": OPEN | {"error"},
    "resolve_step": OPEN | {"error"},
}
CORRELATIONS = (None, UUID(int=1), UUID(int=1), UUID(int=2))
PRIORITIES = (0, 0, 0, 0, 1, 2, -2)

TABLES = (
    "task", "step", "attempt", "timer", "action", "idempotency_key", "batch", "task_edge", "checkpoint", "event",
    "wait", "approval", "worker", "orchestrator", "definition_edge", "compensation", "step_definition", "template",
)  # fmt: skip

T = TypeVar("T")


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
class HandlerChoice:
    """What a handler does while it runs, of one that still has its lease (`good`), or any."""

    verb: str
    good: bool
    lease: int


@dataclass(frozen=True)
class OperateChoice:
    """What somebody does to which step, or its task."""

    verb: str
    place: int


Choice = ExchangeChoice | HandlerChoice | OperateChoice

EXCHANGES = st.builds(
    ExchangeChoice,
    worker=st.integers(0, 2),
    current=st.lists(st.tuples(NUMBER, st.sampled_from(OUTCOMES)), min_size=1, max_size=10),
    any=st.lists(st.tuples(NUMBER, st.sampled_from(OUTCOMES)), max_size=2),
    want=st.sampled_from((0, 1, 3, 100, 100)),
)
HANDLERS = st.builds(
    HandlerChoice,
    verb=st.sampled_from(("commit", "commit", "save", "replace")),
    good=st.sampled_from((True, True, True, False)),
    lease=NUMBER,
)
OPERATIONS = st.builds(OperateChoice, verb=st.sampled_from(VERBS), place=NUMBER)
MESSAGES = st.builds(
    OperateChoice,
    verb=st.sampled_from(("send", "send_to_all", "approve", "approve", "reject")),
    place=NUMBER,
)
ANY = EXCHANGES | HANDLERS | OPERATIONS | MESSAGES


def pick(items: Sequence[T], number: int) -> T:
    """Return the item that a number stands for; late ones for small numbers."""
    return items[-1 - number % len(items)]


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
        for table in TABLES:
            self.db.execute(f"delete from tasker.{table}")  # pyright: ignore[reportArgumentType, reportCallIssue]
        self.db.execute("delete from public.effect")
        for queue in QUEUES:
            self.db.execute(f"delete from pgmq.q_tasker_{queue}")  # pyright: ignore[reportArgumentType, reportCallIssue]

    # Tasks

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.submit(self.define(data), 2, False, (1, 4))

    @rule(
        data=st.data(),
        count=st.integers(1, 3),
        later=st.sampled_from([False, False, False, True]),
        again=st.booleans(),
        given=st.lists(NUMBER, min_size=3, max_size=3),
    )
    def submit_more(
        self, data: st.DataObject, count: int, later: bool, again: bool, given: list[int]
    ) -> None:
        # What is drawn must not depend on which tasks there are: that may differ from run to run.
        known = sorted(self.world.templates)
        name = data.draw(st.sampled_from(known)) if again else self.define(data)
        if len(self.world.tasks) < 8:
            self.submit(name, count, later, given)

    def define(self, data: st.DataObject) -> str:
        """Register a random graph; its name."""
        known = len(self.world.templates)
        count = data.draw(st.integers(4, 12) if known < 2 else st.integers(1, 5))
        timed = data.draw(st.booleans())
        drawn = draw_template(data, count)
        name = f"{'timed' if timed else 'plain'}{known}"
        register(self.db, define(name, drawn, timed))
        self.world.templates[name] = drawn
        return name

    def submit(self, name: str, count: int, later: bool, given: Sequence[int]) -> None:
        """Submit tasks, each with the correlation id and the priority that a number stands for."""
        start_at = (datetime.now(UTC) + timedelta(seconds=LATER)).isoformat()
        whose = [CORRELATIONS[n % len(CORRELATIONS)] for n in given[:count]]
        classes = [PRIORITIES[n % len(PRIORITIES)] for n in given[:count]]
        tasks = [
            {"correlation_id": key and str(key), "priority": priority}
            | ({"start_at": start_at} if later else {})
            for key, priority in zip(whose, classes, strict=True)
        ]
        plan = self.world.templates[name]
        for n, task_id, _ in submit_many(self.db, name, tasks):
            self.world.born[task_id] = len(self.world.born)
            self.world.priorities[task_id] = classes[n - 1]
            if key := whose[n - 1]:
                self.world.correlations[task_id] = key
            self.world.tasks[task_id] = Task.of(
                plan.plans, not later, name.startswith("timed"), plan.undoing, plan.compensates,
                self.world.clock, plan.bounds,
            )  # fmt: skip

    # Workers

    @rule(choice=EXCHANGES)
    def exchange(self, choice: ExchangeChoice) -> None:
        self.act(self.chosen_exchange(choice))

    def chosen_exchange(self, choice: ExchangeChoice) -> Exchange:
        worker, queues = self.workers[choice.worker]
        current = self.world.held()
        chosen = {pick(current, number): kind for number, kind in choice.current if current}
        chosen |= {
            pick(self.world.leases, number): kind
            for number, kind in choice.any
            if self.world.leases
        }
        return Exchange(worker, queues, self.handed(chosen.items()), choice.want)

    def handed(self, outcomes: Iterable[tuple[Lease, str]]) -> tuple[Handed, ...]:
        return tuple((lease, kind, said_by(self.world, lease, kind)) for lease, kind in outcomes)

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
        held = self.world.held()
        half = [(lease, "complete") for lease in held[: (len(held) + 1) // 2]]
        self.act(Exchange(worker, queues, self.handed(half), 100))

    @rule(number=st.integers(0, 2), numbers=NUMBERS, kind=st.sampled_from(OUTCOMES))
    def awake_too_late(self, number: int, numbers: list[int], kind: str) -> None:
        """Let leases run out, another worker claim the steps, and then the first one hand in."""
        self.claim_everything(number)
        held = self.world.held()
        self.crash(numbers)
        self.claim_everything(number)
        worker, queues = self.workers[number]
        late = {pick(held, n): kind for n in numbers if held}
        self.act(Exchange(worker, queues, self.handed(late.items()), 0))

    @rule(numbers=NUMBERS)
    def crash(self, numbers: list[int]) -> None:
        """Let some leases run out."""
        held = self.world.held()
        for lease in {pick(held, number) for number in numbers if held}:
            lapse(self.db, lease)
            self.world.tasks[lease.task_id].steps[lease.step_no].lapsed = True

    @rule(number=st.integers(0, 2), numbers=NUMBERS)
    def heartbeat(self, number: int, numbers: list[int]) -> None:
        """With leases that are good and others that are not, and any worker's: what counts is the lease."""
        known = self.world.leases
        leases = list(dict.fromkeys(pick(known, n) for n in numbers if known))
        answer = beat(self.workers[number][0], *leases, lease=LEASE, progress={"at": number})
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

    @rule(choice=HANDLERS)
    def handle(self, choice: HandlerChoice) -> None:
        if self.world.leases:
            self.act(self.chosen_handling(choice))

    def chosen_handling(self, choice: HandlerChoice) -> Action:
        held = self.world.held() if choice.good else []
        lease = pick(held or self.world.leases, choice.lease)
        if choice.verb == "commit":
            return Commit(lease, said_by(self.world, lease, "complete"))
        name = "cursor" if choice.verb == "replace" else f"c{choice.lease % 2}"
        return Save(lease, name, choice.lease, choice.verb == "replace")

    # Operators and others

    @rule(choice=OPERATIONS | MESSAGES | MESSAGES)
    def operate(self, choice: OperateChoice) -> None:
        if self.world.tasks:
            self.act(self.chosen_operation(choice))

    def chosen_operation(self, choice: OperateChoice) -> Action:
        """Mostly one that may be done, now and then any."""
        match choice.verb:
            case "approve" | "reject":
                place = self.likely_place({"waiting"}, choice.place)
                names = ["ask:none", *self.world.step(place).asked]
                return Answer(place, names[-1], choice.verb == "approve")
            case "send":
                place = self.likely_place({"waiting"}, choice.place)
                return Send(place[0], False, ("e", "f")[choice.place % 2], choice.place)
            case "send_to_all":
                key = UUID(int=1 + choice.place % 3)
                return Send(key, True, ("e", "f")[choice.place // 3 % 2], choice.place)
            case verb:
                place = self.likely_place(LIKELY.get(verb, OPEN), choice.place)
                return Operate(verb, place, result_by_hand(self.world, place))

    def likely_place(self, states: Iterable[str | None], number: int) -> Place:
        places = self.world.places()
        likely = [p for p in places if self.world.state_at(p) in states]
        return pick(likely if likely and number % 4 else places, number)

    # Time and maintenance

    @rule(thousands=st.sampled_from((1, 1, 1, 2, 3, 5, 9, 40)))
    def let_time_pass(self, thousands: int) -> None:
        """What is due later comes nearer, and is done in its order, if by nobody else then by the promoter."""
        seconds = (
            thousands * 1000 + 10
        )  # the odd seconds are for the time that the program takes itself
        self.world.clock.now += seconds
        query = "update tasker.timer set fire_at = fire_at - make_interval(secs => %s)"
        self.db.execute(query, [seconds])
        if one(self.db, "select count(*) > 90 from tasker.timer where fire_at <= now()"):
            self.promote()  # an exchange fires a hundred at most

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
        choices=st.tuples(ANY, ANY),
        end=st.sampled_from(["commit", "commit", "rollback"]),
    )
    def race(self, choices: tuple[Choice, Choice], end: str) -> None:
        """Run an action while another, on another connection, has run and not yet committed or rolled back."""
        if self.world.tasks and self.world.leases:
            self.promote()
            first, second = map(self.chosen, choices)
            self.run_both(first, second, end)

    def chosen(self, choice: Choice) -> Action:
        match choice:
            case ExchangeChoice():
                return self.chosen_exchange(choice)
            case HandlerChoice():
                return self.chosen_handling(choice)
            case OperateChoice():
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
        drop_closed(self.db)

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

    @invariant()
    def what_was_saved_is_kept(self) -> None:
        found = self.db.execute("select task_id, step_no, name, value from tasker.checkpoint")
        assert {(t, no, name): value for t, no, name, value in found.fetchall()} == {
            (task_id, no, name): value
            for task_id, task in self.world.tasks.items()
            for no, step in task.steps.items()
            for name, value in step.saved.items()
        }

    @invariant()
    def approvals_stand_as_they_should(self) -> None:
        found = self.db.execute(
            "select task_id, step_no, 'ask:' || name, tasker.approval_state(a) from tasker.approval a"
        )
        assert {(t, no, name): state for t, no, name, state in found.fetchall()} == {
            (task_id, no, name): state
            for task_id, task in self.world.tasks.items()
            for no, step in task.steps.items()
            for name, state in step.asked.items()
        }

    @invariant()
    def what_a_handler_wrote_is_there_once(self) -> None:
        """In the transactions of their own that were committed."""
        found = self.db.execute("select task_id, step_no from public.effect").fetchall()
        assert sorted(found) == sorted(self.world.effects)


def test_the_engine_does_what_the_oracle_says(engine_server: Server, shared_engine: Engine) -> None:
    """The logic is one on all versions: the older ones run a part of the programs, unless a number is given."""
    newest = engine_server.version == max(VERSIONS)
    for queue in QUEUES:
        one(shared_engine.owner, "select tasker.ensure_queue(%s)", queue)
    shared_engine.owner.execute("create table public.effect (task_id uuid, step_no integer)")
    with ExitStack() as stack:
        connections = [stack.enter_context(shared_engine.connect()) for _ in range(3)]
        run_state_machine_as_test(
            lambda: Model(shared_engine, connections),
            settings=settings(
                max_examples=EXAMPLES if newest or GIVEN else EXAMPLES // 4,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=not GIVEN,
                phases=PHASES,
                suppress_health_check=list(HealthCheck),
                report_multiple_bugs=False,
            ),
        )
