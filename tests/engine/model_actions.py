"""The actions of the model: each is run on a connection, and then its answer is checked and taken into the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from tests.engine.model_world import Place, World, check_what_handlers_see
from tests.engine.oracle import LEASE, Task
from tests.engine.oracle_steps import Completion, Expansion, Wait
from tests.engine.support import (
    Connection,
    Exchanged,
    Json,
    Lease,
    Worker,
    call,
    exchange,
    one,
    outcome,
    rows,
)

SETTLED = {"complete_step": "complete", "resolve_step": "resolved_manually"}
WHO = {"reason": "because", "actor": "ann"}

Handed = tuple[Lease, str, Any]


def as_json(lease: Lease, kind: str, what: Any) -> Json:
    """Return an outcome as an exchange takes it."""
    match kind, what:
        case "complete", Completion(result=result, expansion=None):
            return outcome(lease, kind, result=result)
        case "complete", Completion(result=result, expansion=expansion):
            return outcome(lease, kind, result=result, expansion=write_expansion(expansion))
        case "release", _:
            return outcome(lease, kind, delay=what)
        case _, Wait(asks=True):
            question = {"name": what.name.removeprefix("ask:")}
            return outcome(lease, "wait", wait={"approval": question, "seconds": what.seconds})
        case _, Wait():
            wait = {"name": what.name, "event": what.event, "seconds": what.seconds}
            return outcome(lease, "wait", wait=wait)
        case "lost", _:  # which no type makes permanent
            return outcome(lease, kind, error={"type": "Fatal"}, delay=what)
        case "fatal", _:
            return outcome(lease, "retry", error={"type": "Fatal"}, delay=1000)
        case _:
            return outcome(lease, kind, error={"type": "Any"}, delay=what)


def write_expansion(expansion: Expansion) -> Json:
    """Return an expansion as JSON: the first reference is taken, the others are waited for."""
    return [
        {
            "step": f"s{asked.no}",
            "values": {"n": f"s{asked.no}"},
            "takes": {"x": asked.references[0]} if asked.references else {},
            "after": list(asked.references[1:]),
        }
        for asked in expansion
    ]


@dataclass(frozen=True)
class Exchange:
    """A worker hands in outcomes and claims steps."""

    worker: Worker
    queues: tuple[str, ...]
    outcomes: tuple[Handed, ...]
    want: int

    def run(self, connection: Connection) -> Exchanged:
        worker = Worker(connection, self.worker.id, self.worker.queue_ids)
        outcomes = [as_json(*each) for each in self.outcomes]
        return exchange(worker, outcomes, want=self.want, lease=LEASE)

    def absorb(self, world: World, answer: Exchanged, db: Connection, alone: bool) -> None:
        good = [n for n, (lease, *_) in enumerate(self.outcomes, 1) if world.holds(lease)]
        assert answer.accepted == good, f"accepted {answer.accepted}, but {good} hold their leases"
        accepted: dict[UUID, list[tuple[int, str, Any]]] = {}
        for n in good:
            lease, kind, what = self.outcomes[n - 1]
            kind = "wait" if isinstance(what, Wait) else kind
            accepted.setdefault(lease.task_id, []).append((lease.step_no, kind, what))
        for task_id, outcomes in accepted.items():
            world.take(task_id, outcomes)
        if alone:
            for task in world.tasks.values():
                task.fire()
        self.absorb_claim(world, answer, db, alone)

    def absorb_claim(self, world: World, answer: Exchanged, db: Connection, alone: bool) -> None:
        places = [p for p in world.places(self.queues) if world.step(p).claimable]
        spent = [p for p in places if world.step(p).spent]
        held = {t for t, _ in places if world.tasks[t].paused}
        leases = sorted(
            answer.leases, key=lambda g: (list(world.tasks).index(g.task_id), g.step_no)
        )
        at_once = [lease for lease in leases if (lease.task_id, lease.step_no) in places]
        for lease in at_once:
            assert not (alone and lease.task_id in held), f"{lease} is of a paused task"
            world.grant(lease)
        lost = {
            task_id: absorb_lost(
                world.tasks[task_id], task_id, [no for t, no in places if t == task_id], db, alone
            )
            for task_id in dict(places)
        }
        taken = sum(lost.values())
        follows = any(
            world.tasks[t].compensates or world.step((t, no)).plan.kind == "batch_worker"
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
        if alone and not any(lost.values()):
            check_order(world, places, leases)


def check_order(world: World, places: Sequence[Place], leases: Sequence[Lease]) -> None:
    """No step was left for one of a lower priority."""
    granted = {(lease.task_id, lease.step_no) for lease in leases}
    left = [world.priorities[t] for t, no in places if (t, no) not in granted]
    assert max(left, default=-9) <= min((world.priorities[t] for t, _ in granted), default=9)


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


@dataclass(frozen=True)
class Commit:
    """A handler completes its step in a transaction of its own, and has written in it."""

    lease: Lease
    completion: Completion

    def run(self, connection: Connection) -> bool:
        with connection.transaction() as transaction:
            place = [self.lease.task_id, self.lease.step_no]
            connection.execute("insert into public.effect values (%s, %s)", place)
            done = as_json(self.lease, "complete", self.completion)
            committed: bool = call(connection, "commit_outcome", outcome=done)
            if not committed:
                raise psycopg.Rollback(transaction)
        return committed

    def absorb(self, world: World, answer: bool, db: Connection, alone: bool) -> None:
        place = self.lease.task_id, self.lease.step_no
        may = world.holds(self.lease) and world.tasks[place[0]].may_complete(
            place[1], self.completion
        )
        assert answer == may
        if may:
            world.take(place[0], [(place[1], "complete", self.completion)])
            world.effects.add(place)


@dataclass(frozen=True)
class Save:
    """A handler saves something under a name."""

    lease: Lease
    name: str
    value: Json
    replace: bool

    def run(self, connection: Connection) -> bool:
        lease = outcome(self.lease, "")
        given = {k: v for k, v in lease.items() if k != "outcome"} | {"task_id": self.lease.task_id}
        return call(
            connection, "save_checkpoint", **given,
            name=self.name, value=Jsonb(self.value), replace=self.replace,
        )  # fmt: skip

    def absorb(self, world: World, answer: bool, db: Connection, alone: bool) -> None:
        assert answer == world.holds(self.lease)
        if answer:
            saved = world.step((self.lease.task_id, self.lease.step_no)).saved
            if self.replace or self.name not in saved:
                saved[self.name] = self.value


@dataclass(frozen=True)
class Send:
    """Somebody sends an event: to a task, or to all that are open with a correlation id."""

    to: UUID
    correlated: bool
    name: str
    payload: Json

    def run(self, connection: Connection) -> Json:
        given = {"name": self.name, "payload": Jsonb(self.payload)}
        try:
            if self.correlated:
                return rows(connection, "send_event_to_all", correlation_id=self.to, **given)
            return [call(connection, "send_event", task_id=self.to, **given)]
        except psycopg.Error as error:
            return error.sqlstate

    def absorb(self, world: World, answer: Json, db: Connection, alone: bool) -> None:
        to = [self.to]
        if self.correlated:
            to = [t for t in world.tasks if world.correlations.get(t) == self.to]
            to = sorted(t for t in to if not world.tasks[t].ended)
        said = [(t, world.tasks[t].tell(self.name, self.payload)) for t in to]
        told = [{"task_id": str(t), "accepted": one[0], "woken": one[1]} for t, one in said if one]
        assert answer == (told or ("TK001" if self.correlated else "TK004"))


@dataclass(frozen=True)
class Answer:
    """Somebody answers what a step has asked."""

    place: Place
    name: str
    approved: bool

    def run(self, connection: Connection) -> str | None:
        try:
            call(
                connection, "answer_approval", task_id=self.place[0], name=self.name.removeprefix("ask:"),
                approved=self.approved, step_name=name_at(connection, self.place), **WHO,
            )  # fmt: skip
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def absorb(self, world: World, answer: str | None, db: Connection, alone: bool) -> None:
        task_id, no = self.place
        query = (
            "select tasker.utc_text(answered_at) from tasker.approval"
            " where (task_id, step_no, 'ask:' || name) = (%s, %s, %s)"
        )
        at = one(db, query, task_id, no, self.name) if answer is None else None
        assert answer == world.tasks[task_id].answer(no, self.name, self.approved, at, WHO)


@dataclass(frozen=True)
class Operate:
    """An operator does something to a task, or to one of its steps."""

    verb: str
    place: Place
    result: Any

    def run(self, connection: Connection) -> str | None:
        more: dict[str, Any] = dict(WHO)
        if self.verb.endswith("_step"):
            more["step_name"] = name_at(connection, self.place)
        if self.verb in SETTLED:
            more["result"] = Jsonb(self.result)
        verb = self.verb
        if verb == "compensate_task":
            verb, more = "cancel_task", {**more, "compensate": True}
        try:
            call(connection, verb, task_id=self.place[0], **more)
        except psycopg.Error as error:
            return error.sqlstate
        return None

    def absorb(self, world: World, answer: str | None, db: Connection, alone: bool) -> None:
        task_id, no = self.place
        task = world.tasks[task_id]
        match self.verb:
            case "cancel_task":
                may = task.end("cancelled")
            case "compensate_task":
                may = task.compensate("cancelled")
            case "resolve_task":
                may = task.end("resolved_manually")
            case "retry_task":
                may = task.retry_all()
            case "pause_task":
                may = task.pause()
            case "resume_task":
                may = task.resume()
            case "retry_step":
                may = task.retry_step(no)
            case _:
                refused = task.settle(no, SETTLED[self.verb], self.result)
                assert answer == refused
                if not refused:
                    assert self.place not in world.results
                    world.results[self.place] = self.result
                return
        assert answer == (None if may else "TK004")


def name_at(connection: Connection, place: Place) -> str:
    """Return the name of a step."""
    query = """select tasker.step_name(d.name, s.instance)
        from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = %s and s.step_no = %s"""
    return one(connection, query, *place)


Action = Exchange | Commit | Save | Send | Answer | Operate
