"""`tasker demo` as a person runs it: in a process, on a database, to its end and interrupted."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

COMMAND = [sys.executable, "-m", "tasker.cli", "demo"]


@contextmanager
def demonstration(database: str) -> Iterator["subprocess.Popen[str]"]:
    environment = {**os.environ, "TASKER_DATABASE_URL": database}
    with subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pids_in(text: str) -> list[int]:
    """Read the processes that it said it had started, with the payment service's port."""
    return [int(pid) for pid in re.findall(r"\(pid (\d+)\)", text)]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def check_database(url: str) -> None:
    """Read for ourselves what the demonstration left behind."""
    with psycopg.connect(url) as connection:
        states = connection.execute(
            "select p.name, t.state, count(*) from tasker.task t join tasker.template p"
            " using (template_id) group by 1, 2 order by 1, 2"
        ).fetchall()
        lost = connection.execute(
            "select s.attempt, s.worker_id <> a.worker_id, a.error ->> 'type' from tasker.attempt a"
            " join tasker.step s using (task_id, step_no) where a.outcome = 'lost'"
        ).fetchall()
    assert states == [
        ("order_processing", "blocked_by_failures", 1),
        ("order_processing", "complete", 5),
        ("penguin_sizes", "complete", 1),
    ]
    assert lost == [(2, True, "LeaseLost")]


@pytest.mark.timeout(120)
def test_demonstration_holds_what_it_promises_and_ends_what_it_started(database: str) -> None:
    with demonstration(database) as process:
        text, _ = process.communicate(timeout=90)
    assert process.returncode == 0, text
    assert "✗" not in text
    assert text.count("✓") == 6
    pids = pids_in(text)
    assert len(pids) == 3
    assert [pid for pid in pids if is_alive(pid)] == []

    killed = re.search(r"kill -9 (\d+): (worker-\d) is gone", text)
    granted = re.search(r"granted to (worker-\d) as attempt 2, ([\d.]+) s after the kill", text)
    assert killed is not None and granted is not None
    assert int(killed[1]) in pids
    assert granted[1] != killed[2]
    assert float(granted[2]) <= 4.0
    check_database(database)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demonstration_ends_what_it_started(
    database: str, which: signal.Signals
) -> None:
    said = ""
    with demonstration(database) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if "submitted" in line:
                process.send_signal(which)
                break
        said += process.stdout.read()
        assert process.wait(30) == 130, said
    pids = pids_in(said)
    assert len(pids) == 3
    assert [pid for pid in pids if is_alive(pid)] == []
    assert "Traceback" not in said


def test_demonstration_whose_process_dies_fails_and_says_which(database: str) -> None:
    with demonstration(database) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"orchestrator \(pid (\d+)\)", said)
        assert found is not None, said
        os.kill(int(found[1]), signal.SIGKILL)
        said += process.stdout.read()
        assert process.wait(30) == 1, said
    assert "orchestrator ended with status -9" in said
    assert "Traceback" not in said
    assert [pid for pid in pids_in(said) if is_alive(pid)] == []


def test_demonstration_without_a_database_says_so() -> None:
    with demonstration("postgresql://nobody@127.0.0.1:1/nothing") as process:
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 5, text
    assert "Traceback" not in text
