"""The server's clock is set: what has been accepted is not lost, and only what is timed is early or late."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from tests.chaos.post import Clock, find_faketime, make_clock
from tests.chaos.stage import make_reachable
from tests.engine.support import (
    Connection,
    Worker,
    beat,
    broken,
    call,
    claim,
    claim_one,
    complete,
    hand_in,
    one,
    register,
    register_worker,
    retry,
    run_all,
    step,
    submit,
    task_state,
    template,
)
from tests.fix_postgres import new_server, remove_server

from tasker_sql.migrate import migrate

HOUR = 3600.0
SOON = {"max_attempts": 3, "backoff": "fixed", "base": 1, "cap": 1, "jitter": 0}


@pytest.fixture(scope="module")
def clocked() -> Iterator[tuple[Clock, Connection]]:
    """A server whose clock can be set, and a session on it."""
    if find_faketime() is None:
        pytest.fail("libfaketime is missing: as root, apt-get install libfaketime")
    folder = Path(tempfile.mkdtemp(prefix="tasker-clock-"))
    clock = make_clock(folder, "server")
    make_reachable(folder)
    server = new_server(18, environment=clock.environment)
    server.start(fsync="off")
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            migrate(connection)
            register(connection, template("x", step("a", retry=SOON), step("b", "a")))
            bound = {"limits": [{"name": "l", "concurrency": 1, "unit": "step"}]}
            steps = step("a", queue="bound"), step("b", "a", queue="bound")
            register(connection, template("bound", *steps, **bound))
            yield clock, connection
    finally:
        remove_server(server)
        shutil.rmtree(folder)


@pytest.fixture
def db(clocked: tuple[Clock, Connection]) -> Iterator[Connection]:
    yield clocked[1]
    clocked[0].move(0)
    assert broken(clocked[1]) == []


@pytest.fixture
def clock(clocked: tuple[Clock, Connection]) -> Clock:
    return clocked[0]


def begin(db: Connection, name: str = "x") -> tuple[UUID, Worker]:
    return submit(db, name), register_worker(db, "t", "bound")


def end(db: Connection, task_id: UUID, worker: Worker) -> None:
    run_all(worker)
    assert task_state(db, task_id) == "complete"


def test_the_clock_of_the_server_is_set(db: Connection, clock: Clock) -> None:
    for by in (HOUR, -HOUR, 0):
        clock.move(by)
        there: float = one(db, "select extract(epoch from clock_timestamp())::float8")
        assert abs(there - time.time() - by) < 5


@pytest.mark.parametrize("by", [HOUR, -HOUR])
@pytest.mark.parametrize("name", ["x", "bound"])
def test_what_can_run_runs_at_once(db: Connection, clock: Clock, by: float, name: str) -> None:
    task_id, worker = begin(db, name)
    clock.move(by)
    end(db, task_id, worker)


def test_back_a_living_workers_lease_is_set_right_by_its_heartbeat(
    db: Connection, clock: Clock
) -> None:
    task_id, worker = begin(db)
    lease = claim_one(worker)
    clock.move(-HOUR)
    assert beat(worker, lease)["lost"] == []
    left = "select extract(epoch from vt - clock_timestamp())::float8 from pgmq.q_tasker_t where msg_id = %s"
    assert 0 < one(db, left, lease.msg_id) <= 15
    assert hand_in(worker, complete(lease)) == [1]
    end(db, task_id, worker)


def test_back_a_dead_workers_step_is_late_by_as_much(db: Connection, clock: Clock) -> None:
    task_id, worker = begin(db)
    claim_one(worker)
    clock.move(-HOUR)
    other = register_worker(db)
    assert claim(other) == []
    clock.move(60)
    [again] = claim(other)
    assert again.attempt == 2
    assert hand_in(other, complete(again)) == [1]
    end(db, task_id, other)


def test_forward_leases_end_early_and_the_first_to_commit_wins(
    db: Connection, clock: Clock
) -> None:
    task_id, worker = begin(db)
    lease = claim_one(worker)
    clock.move(HOUR)
    other = register_worker(db)
    again = claim_one(other)
    assert hand_in(worker, complete(lease)) == []
    assert hand_in(other, complete(again)) == [1]
    end(db, task_id, other)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_retry_is_early_or_late_and_not_lost(db: Connection, clock: Clock, by: float) -> None:
    task_id, worker = begin(db)
    hand_in(worker, retry(claim_one(worker)))
    clock.move(by)
    fired: int = call(db, "promote_due", max_rows=10)["fired"]
    assert fired == (1 if by > 0 else 0)
    clock.move(60)
    call(db, "promote_due", max_rows=10)
    end(db, task_id, worker)
