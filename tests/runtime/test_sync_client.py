"""The client for programs without an event loop: from the main thread, from others, and from a script."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import psycopg
import pytest
from anyio.from_thread import start_blocking_portal
from tests.runtime.support import ONCE, PATIENCE

from tasker import (
    ConflictError,
    ContractError,
    InvalidInputError,
    NotFoundError,
    Submission,
    SyncClient,
    TaskCancelled,
    TaskFailed,
    Worker,
    Workflow,
)

double = Workflow("double", namespace="sums", input=int)


@double.step(retry=ONCE)
def times_two(input: int) -> int:
    if input < 0:
        raise ValueError("negative")
    return input * 2


@pytest.fixture
def client(database: str) -> Iterator[SyncClient]:
    with SyncClient(database) as client:
        client.register(double)
        yield client


@contextmanager
def working(url: str) -> Iterator[None]:
    """A worker, on an event loop in a thread of its own."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Worker(double, url=url)),
    ):
        yield


def test_a_task_is_submitted_watched_and_its_result_awaited(
    database: str, client: SyncClient
) -> None:
    task = client.submit(double, 4, tags=["t"])
    assert (task.status()["state"], task.status()["tags"]) == ("in_progress", ["t"])
    changes = task.watch()
    assert next(changes)["state"] == "in_progress"
    with working(database):
        assert task.result(timeout=PATIENCE) == 8
        assert [status["state"] for status in changes][-1] == "complete"
    assert [step["state"] for step in task.steps()] == ["complete"]
    assert client.handle(task.id).result(int) == 8


def test_a_failed_task_raises_what_failed(database: str, client: SyncClient) -> None:
    with working(database), pytest.raises(TaskFailed, match="times_two: ValueError: negative"):
        client.submit(double, -1).result(timeout=PATIENCE)


def test_a_task_is_cancelled(client: SyncClient) -> None:
    task = client.submit(double, 4)
    task.cancel("not wanted")
    with pytest.raises(TaskCancelled, match="not wanted"):
        task.result(timeout=PATIENCE)


def test_a_task_is_paused_and_resumed(client: SyncClient) -> None:
    task = client.submit(double, 4)
    assert task.pause("later")["state"] == task.status()["state"] == "paused"
    assert task.resume("now")["state"] == "in_progress"


def test_waiting_ends_with_the_timeout(client: SyncClient) -> None:
    with pytest.raises(TimeoutError):
        client.submit(double, 4).result(timeout=0.1)


def test_many_are_submitted_at_once(database: str, client: SyncClient) -> None:
    tasks = client.submit_many(double, [Submission(number) for number in range(5)])
    with working(database):
        assert [task.result(timeout=PATIENCE) for task in tasks] == [0, 2, 4, 6, 8]


def test_a_task_in_the_callers_transaction_shares_its_fate(
    database: str, client: SyncClient
) -> None:
    with psycopg.connect(database) as mine:
        gone = client.submit(double, 1, connection=mine)
        mine.rollback()
        kept = client.submit(double, 2, connection=mine)
        with pytest.raises(NotFoundError):
            kept.status()
        mine.commit()
    assert kept.status()["state"] == "in_progress"
    with pytest.raises(NotFoundError):
        gone.status()


def test_what_is_refused_is_refused_as_by_the_async_client(
    database: str, client: SyncClient
) -> None:
    with pytest.raises(NotFoundError):
        client.submit("sums/triple", 1)
    with pytest.raises(ContractError):
        client.submit(double, "one")
    with pytest.raises(InvalidInputError, match="time zone"):
        client.submit(double, 1, start_at=datetime(2090, 1, 1))
    client.submit(double, 1, idempotency_key="k")
    with psycopg.connect(database) as mine, pytest.raises(ConflictError):
        client.submit(double, 1, idempotency_key="k", connection=mine)


def test_many_threads_share_a_client(database: str, client: SyncClient) -> None:
    def run(number: int) -> int:
        return client.submit(double, number).result(int, timeout=PATIENCE)

    with working(database), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(24))) == [2 * number for number in range(24)]


def test_an_error_beside_a_client_arrives_as_itself(database: str) -> None:
    with pytest.raises(LookupError, match="beside"), SyncClient(database):
        raise LookupError("beside")


def test_a_script_submits_and_ends(database: str, client: SyncClient) -> None:
    script = """if True:
        import sys
        from tasker import SyncClient

        with SyncClient(sys.argv[1]) as client:
            print(client.submit("sums/double", 21).result(timeout=30))
    """
    with working(database):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script, database],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.stdout, done.stderr) == ("42\n", "")
