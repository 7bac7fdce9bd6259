"""An answer, an event, time and an operator race for one wait: in every order that locks allow, one takes effect, and
the others are told so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import permutations
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.engine.support import (
    Connection,
    Engine,
    Worker,
    broken,
    call,
    claim_one,
    complete,
    exchange,
    hand_in,
    in_background,
    make_due,
    one,
    outcome,
    register,
    register_worker,
    rows,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
    wait_until_blocked,
)

# What each says of itself: "won", or how it was refused; time says nothing.
Racer = Callable[[Connection, UUID], str | None]


def answer(approved: bool, actor: str) -> Racer:
    def race(connection: Connection, task_id: UUID) -> str | None:
        try:
            call(connection, "answer_approval", task_id=task_id, name="q", approved=approved,
                 reason="r", actor=actor)  # fmt: skip
        except psycopg.Error as error:
            return error.sqlstate
        return "won"

    return race


def event(connection: Connection, task_id: UUID) -> str | None:
    try:
        sent = call(connection, "send_event", task_id=task_id, name="e", payload=Jsonb(7))
    except psycopg.Error as error:
        return error.sqlstate
    assert sent["accepted"]
    return "won" if sent["woken"] else "late"


def time(connection: Connection, task_id: UUID) -> str | None:
    call(connection, "promote_due")
    return None


def worker(connection: Connection, task_id: UUID) -> str | None:
    """A worker's exchange lets time pass as well; it wants nothing, so that it takes nothing."""
    exchange(register_worker(connection, "t"), want=0)
    return None


def cancel(connection: Connection, task_id: UUID) -> str | None:
    try:
        call(connection, "cancel_task", task_id=task_id, reason="r", actor="eve")
    except psycopg.Error as error:
        return error.sqlstate
    return "won"


RACERS: Mapping[str, Racer] = {
    "approve": answer(True, "ann"),
    "reject": answer(False, "bob"),
    "event": event,
    "time": time,
    "worker": worker,
    "cancel": cancel,
}

WON = {
    "approve": {"approved": True, "answer": None, "by": "ann", "reason": "r"},
    "reject": {"approved": False, "answer": None, "by": "bob", "reason": "r"},
    "event": {"event": 7},
    "time": {"timeout": True},
    "cancel": None,
}
ANSWERS = {"approve", "reject"}
LATE = {"approve": {"TK004"}, "reject": {"TK004"}, "event": {"late", "TK004"}, "cancel": {"TK004"}}


@pytest.fixture(scope="module")
def asking(shared_engine: Engine) -> Worker:
    register(shared_engine.owner, template("gate", step("a"), step("b", "a")))
    return register_worker(shared_engine.owner, "t")


def wait(asking: Worker) -> UUID:
    """Submit a task whose first step waits for an answer, an event, or a time that has come."""
    task_id = submit(asking.connection, "gate")
    waits = {"event": "e", "seconds": 60, "approval": {"name": "q"}}
    assert hand_in(asking, outcome(claim_one(asking), "wait", wait=waits)) == [1]
    make_due(asking.connection, "wake")
    return task_id


def judge(asking: Worker, task_id: UUID, said: Mapping[str, str | None]) -> str:
    """Exactly one has won, what it said is what the step sees, and the others know; the winner's name."""
    db = asking.connection
    saved = one(db, "select value from tasker.checkpoint where task_id = %s", task_id)
    winners = [name for name, what in said.items() if what == "won"]
    cancelled = "cancel" in winners
    before = [name for name in winners if name != "cancel"]
    assert len(before) <= 1, f"{before} have both won"
    if before:
        if before[0] in ANSWERS:
            [approval] = rows(db, "list_approvals", task_id=task_id)
            told, kept = saved.pop("at"), approval["answered_at"]
            assert datetime.fromisoformat(told) == datetime.fromisoformat(kept)
        assert saved == WON[before[0]]
    elif saved is not None:
        assert saved == WON["time"]
        assert {"time", "worker"} & set(said)
    else:
        assert cancelled, "nobody has won"
    lost = {name: what for name, what in said.items() if what is not None and name not in winners}
    assert all(what in LATE[name] for name, what in lost.items()), lost
    assert broken(db) == []
    if cancelled:
        assert task_state(db, task_id) == "cancelled"
        return "cancel"
    assert step_states(db, task_id)["a"] == "enqueued"
    lease = claim_one(asking)
    assert lease.task_id == task_id
    assert hand_in(asking, complete(lease)) == [1]
    run_all(asking)
    assert task_state(db, task_id) == "complete"
    return before[0] if before else "time"


def state_of(asking: Worker, task_id: UUID) -> str:
    [approval] = rows(asking.connection, "list_approvals", task_id=task_id)
    return approval["state"]


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize(("first", "second"), list(permutations(RACERS, 2)))
def test_of_two_the_first_to_commit_wins(
    shared_engine: Engine, asking: Worker, first: str, second: str, end: str
) -> None:
    """The second comes while the first has acted, and not yet committed or rolled back."""
    task_id = wait(asking)
    with shared_engine.connect() as holding, shared_engine.connect() as other:
        holding.execute("begin")
        said: dict[str, str | None] = {first: RACERS[first](holding, task_id)}
        with in_background(lambda: RACERS[second](other, task_id)) as answered:
            wait_until_blocked(asking.connection, other.info.backend_pid, answered.done)
            holding.execute(end)
        said[second] = answered.result()
    if end == "rollback":
        del said[first]
        if second in ("time", "worker"):  # it passes over what is held, and comes again
            assert said[second] is None
            call(asking.connection, "promote_due")
    won = judge(asking, task_id, said)
    expected = first if end == "commit" else second
    assert won in {"time" if expected == "worker" else expected, "cancel"}
    states = {"approve": "approved", "reject": "rejected", "cancel": "closed"}
    if "cancel" not in said:
        assert state_of(asking, task_id) == states.get(won, "expired")


@pytest.mark.parametrize("order", list(permutations(["approve", "event", "time"])), ids="-".join)
def test_of_three_one_wins_in_whichever_order_they_come(
    shared_engine: Engine, asking: Worker, order: Sequence[str]
) -> None:
    """All come while another holds the task; each has begun to wait, or passed over it, before the next one comes."""
    task_id = wait(asking)
    with ExitStack() as stack:
        connections = [stack.enter_context(shared_engine.connect()) for _ in range(4)]
        holding, *others = connections
        holding.execute("begin")
        holding.execute("select from tasker.task where task_id = %s for no key update", [task_id])
        answers: dict[str, Any] = {}
        for name, connection in zip(order, others, strict=True):
            race = stack.enter_context(
                in_background(lambda n=name, c=connection: RACERS[n](c, task_id))
            )
            wait_until_blocked(asking.connection, connection.info.backend_pid, race.done)
            answers[name] = race
        holding.execute("commit")
        said = {name: race.result() for name, race in answers.items()}
    call(asking.connection, "promote_due")
    assert judge(asking, task_id, said) in order


def test_of_many_at_once_one_wins_again_and_again(shared_engine: Engine, asking: Worker) -> None:
    """All begin at the same time; the order is theirs."""
    names = [name for name in RACERS if name != "cancel"]
    wins: set[str] = set()
    with ExitStack() as stack:
        connections = {name: stack.enter_context(shared_engine.connect()) for name in names}
        for _ in range(40):
            task_id, ready = wait(asking), Barrier(len(names))

            def race(name: str, task_id: UUID = task_id, ready: Barrier = ready) -> str | None:
                ready.wait(10)
                return RACERS[name](connections[name], task_id)

            with ExitStack() as racing:
                started = {
                    n: racing.enter_context(in_background(lambda n=n: race(n))) for n in names
                }
                said = {name: future.result() for name, future in started.items()}
            call(asking.connection, "promote_due")
            wins.add(judge(asking, task_id, said))
    assert len(wins) > 1, "it was no race"
