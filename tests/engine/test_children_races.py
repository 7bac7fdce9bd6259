"""Parents and children that change at the same time, and servers that die between their statements."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from tests.engine.crashing import dies_at, everything
from tests.engine.support import (
    Connection,
    Engine,
    Json,
    Lease,
    Worker,
    broken,
    call,
    claim,
    claim_one,
    complete,
    drop_the_dead,
    exchange,
    fire,
    hand_in,
    in_background,
    one,
    outcome,
    register,
    register_worker,
    run_all,
    step,
    step_states,
    submit,
    task_state,
    template,
    wait_until_blocked,
)

WHO = {"reason": "because", "actor": "ann"}


def start(connection: Connection, lease: Lease, name: str = "kid") -> UUID | None:
    return call(
        connection, "start_task", queue_id=lease.queue_id, msg_id=lease.msg_id, read_ct=lease.read_ct,
        task_id=lease.task_id, step_no=lease.step_no, name=name, child={"namespace": "t", "template": "kid"},
    )  # fmt: skip


def cancel(connection: Connection, task_id: UUID) -> Json:
    return call(connection, "cancel_task", task_id=task_id, **WHO)


class Family:
    """A parent whose step runs, and its child, whose step runs too."""

    def __init__(self, db: Connection) -> None:
        register(db, template("top", step("a"), step("b", "a")))
        register(db, template("kid", step("k")))
        self.worker = register_worker(db, "t")
        self.parent = submit(db, "top")
        self.parent_lease = claim_one(self.worker)
        kid = start(db, self.parent_lease)
        assert kid is not None
        self.kid = kid
        self.kid_lease = claim_one(self.worker)
        self.waits = outcome(self.parent_lease, "wait", wait={"name": "w", "task": str(kid)})
        self.ends = complete(self.kid_lease, 7)

    def on(self, connection: Connection) -> Worker:
        """The worker, through another connection."""
        return Worker(connection, self.worker.id, self.worker.queue_ids)


@pytest.fixture
def family(db: Connection) -> Family:
    return Family(db)


def test_a_child_that_ends_while_its_parent_begins_to_wait_is_not_missed(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            assert hand_in(family.on(first), family.waits) == [1]
            with in_background(lambda: exchange(family.on(second), [family.ends])) as ended:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert [lease.task_id for lease in ended.result().leases] == [family.parent]
    assert broken(db) == []


def test_a_parent_that_begins_to_wait_while_its_child_ends_finds_it(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            assert hand_in(family.on(first), family.ends) == [1]
            with in_background(lambda: exchange(family.on(second), [family.waits])) as waiting:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert [lease.task_id for lease in waiting.result().leases] == [family.parent]
    assert one(db, "select count(*) from tasker.wait") == 0
    assert broken(db) == []


def test_a_child_that_ends_does_not_wait_for_its_parents_lock(
    engine: Engine, db: Connection, family: Family
) -> None:
    hand_in(family.worker, family.waits)
    with engine.connect() as first:
        with first.transaction():
            first.execute(
                "select from tasker.task where task_id = %s for no key update", [family.parent]
            )
            assert exchange(family.worker, [family.ends]).accepted == [1]
            assert step_states(db, family.parent)["a"] == "waiting"
            assert broken(db) == []
        # The next exchange of whichever worker finds the timer.
        [lease] = exchange(family.worker).leases
        assert lease.task_id == family.parent


def test_a_parent_that_is_cancelled_while_its_child_ends_is_cancelled_and_the_child_complete(
    engine: Engine, db: Connection, family: Family
) -> None:
    hand_in(family.worker, family.waits)
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            # This exchange ends the child, and lets the parent go on, so it holds both.
            assert hand_in(family.on(first), family.ends) == [1]
            with in_background(lambda: cancel(second, family.parent)) as cancelled:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert cancelled.result()["state"] == "cancelled"
    assert task_state(db, family.kid) == "complete"
    assert one(db, "select count(*) from tasker.timer") == 0
    assert broken(db) == []


def test_a_child_whose_parent_is_cancelled_meanwhile_ends_with_it(
    engine: Engine, db: Connection, family: Family
) -> None:
    hand_in(family.worker, family.waits)
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            cancel(first, family.parent)
            with in_background(lambda: hand_in(family.on(second), family.ends)) as ended:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert ended.result() == []
    assert task_state(db, family.kid) == "cancelled"
    assert broken(db) == []


def test_a_child_that_others_hold_is_ended_a_moment_later(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, first.transaction():
        first.execute("select from tasker.task where task_id = %s for no key update", [family.kid])
        cancel(db, family.parent)
        assert task_state(db, family.kid) == "in_progress"
        assert broken(db) == [], "a timer goes on"
        fire(db)
        assert task_state(db, family.kid) == "in_progress"
    fire(db)
    assert task_state(db, family.kid) == "cancelled"
    assert one(db, "select count(*) from tasker.timer") == 0


def test_a_parent_that_is_cancelled_first_starts_no_child(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            cancel(first, family.parent)
            with in_background(lambda: start(second, family.parent_lease, "late")) as started:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert started.result() is None
    assert broken(db) == []


def test_a_child_that_is_started_first_is_cancelled_with_its_parent(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            late = start(first, family.parent_lease, "late")
            assert late is not None
            with in_background(lambda: cancel(second, family.parent)) as cancelled:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        cancelled.result()
    assert task_state(db, late) == "cancelled"
    assert broken(db) == []


def test_two_starts_under_one_name_come_to_one_child(
    engine: Engine, db: Connection, family: Family
) -> None:
    with engine.connect() as first, engine.connect() as second:
        with first.transaction():
            kid = start(first, family.parent_lease, "late")
            with in_background(lambda: start(second, family.parent_lease, "late")) as other:
                wait_until_blocked(db, second.info.backend_pid)
                first.execute("commit; begin")
        assert other.result() == kid


def test_families_under_load_never_deadlock_and_end_sound(engine: Engine, db: Connection) -> None:
    """Parents wait, for children and for others, children end, and operators cancel, all at once."""
    register(db, template("top", step("a"), step("b", "a")))
    register(db, template("kid", step("k")))
    chance = random.Random(7)
    for _ in range(40):
        submit(db, "top")

    def work(seed: int) -> int:
        draw, done = random.Random(seed), 0
        with engine.connect() as connection:
            connection.execute("set deadlock_timeout = '50ms'")
            worker = register_worker(connection, "t")
            leases = claim(worker, 20)
            for _ in range(60):
                outcomes: list[Json] = []
                for lease in leases:
                    kid = start(connection, lease, f"kid-{draw.randrange(3)}")
                    other = one(
                        connection, "select task_id from tasker.task order by random() limit 1"
                    )
                    match draw.randrange(4):
                        case 0 if kid is not None:
                            outcomes.append(_wait(lease, kid, draw))
                        case 1 if other != lease.task_id:
                            outcomes.append(_wait(lease, other, draw))
                        case _:
                            outcomes.append(complete(lease))
                leases = exchange(worker, outcomes, want=20).leases
                done += len(outcomes)
                if draw.randrange(3) == 0:
                    victim = one(
                        connection,
                        "select task_id from tasker.task where completed_at is null order by random() limit 1",
                    )
                    try:
                        cancel(connection, victim)
                    except psycopg.Error as refused:
                        assert refused.sqlstate in ("TK004", "TK001"), refused
        return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, [chance.randrange(10**6) for _ in range(4)])) > 100
    while fire(db, "children", "task_ended"):
        pass
    drop_the_dead(db)
    assert broken(db) == []


def _wait(lease: Lease, task_id: UUID, draw: random.Random) -> Json:
    name = f"w{draw.randrange(10**9)}"
    return outcome(lease, "wait", wait={"name": name, "task": str(task_id)})


# What a server process may be in the middle of: by name, what it does, and how many statements that is at least.
CRASHES: dict[str, tuple[Callable[[Family, Connection], object], int]] = {
    "start": (lambda family, c: start(c, family.parent_lease, "late"), 6),
    "wait": (lambda family, c: exchange(family.on(c), [family.waits], want=0), 4),
    "wait for what has ended": (lambda family, c: exchange(family.on(c), [family.waits], want=0), 6),
    "end": (lambda family, c: exchange(family.on(c), [family.ends], want=0), 6),
    "cancel": (lambda family, c: cancel(c, family.parent), 8),
}  # fmt: skip


@pytest.mark.parametrize("doing", CRASHES)
def test_a_crash_at_any_statement_leaves_nothing_half_done(
    engine: Engine, crashing: Connection, doing: str
) -> None:
    work, least = CRASHES[doing]
    family = Family(crashing)
    match doing:
        case "end" | "cancel":
            hand_in(family.worker, family.waits)
        case "wait for what has ended":
            hand_in(family.worker, family.ends)
        case _:
            pass
    before = everything(crashing)
    at = 1
    while dies_at(engine, at, lambda connection: work(family, connection)):
        assert everything(crashing) == before, f"after a crash at statement {at}"
        at += 1
    assert at > least, f"the triggers fired {at - 1} times"
    assert everything(crashing) != before
    assert broken(crashing) == []
    hand_in(family.worker, family.ends, family.waits, complete(family.parent_lease))
    run_all(family.worker)
    while fire(crashing):
        run_all(family.worker)
    assert broken(crashing) == []
    assert one(crashing, "select count(*) from tasker.task where completed_at is null") == 0
