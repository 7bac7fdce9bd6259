"""Starts, kills and judges the processes of the crash tests."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import psycopg
from tests.crash.program import STEPS, family, leaf, undone, wide, work

PROGRAM = Path(__file__).parent / "program.py"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stage:
    """A database, a ledger, and the processes that a test has started."""

    url: str
    ledger: Path
    processes: list[subprocess.Popen[bytes]]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "LEDGER": str(self.ledger), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([sys.executable, str(PROGRAM), *arguments], env=environment)
        self.processes.append(process)
        return process

    def serve(self) -> subprocess.Popen[bytes]:
        return self.start("serve", self.url)

    def submit(self, count: int, template: str = "crash_work") -> subprocess.Popen[bytes]:
        return self.start("submit", self.url, str(count), template)

    def orchestrate(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tasker.cli", "orchestrator", "--url", self.url]
        process = subprocess.Popen(command)
        self.processes.append(process)
        return process

    def one(self, query: str, *parameters: object) -> object:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(query.encode(), parameters).fetchone()
            return row[0] if row else None

    def wait(self, query: str, wanted: object, seconds: float = 60) -> None:
        """Wait until the database answers as wanted."""
        wait_until(lambda: self.one(query) == wanted, seconds, lambda: self.one(query))

    def judge(self, tasks: int) -> None:
        """Nothing lost, nothing twice, parents first, and every invariant holds."""
        assert self.one("select count(*) from tasker.task") == tasks
        assert self.one("select count(*) from tasker.task where state <> 'complete'") == 0
        self.verify()
        complete = self.one(
            "select count(*) from tasker.step where state = 'complete' and result is not null"
        )
        assert complete == tasks * STEPS
        first = self.read_first_runs()
        assert len(first) == tasks * STEPS
        for task in {task for task, _ in first}:
            assert first[task, 1] < min(first[task, 2], first[task, 3])
            assert first[task, 4] > max(first[task, 2], first[task, 3])

    def judge_undone(self, tasks: int) -> None:
        """Every task ended in error, and both of its steps were undone, the later one first, under one key each."""
        assert self.one("select count(*) from tasker.task where state = 'error'") == tasks
        self.verify()
        undone = (
            "select count(*) from tasker.step where state = 'complete' and origin_no is not null"
        )
        assert self.one(undone) == tasks * 2
        first = self.read_first_runs()
        assert len(first) == tasks * 4
        for task in {task for task, _ in first}:
            assert first[task, 1] < first[task, 2] < first[task, 5] < first[task, 4]

    def verify(self) -> None:
        """Every invariant of every task holds."""
        faults = self.one(
            "select coalesce(json_agg(f), '[]') from tasker.task t, tasker.verify(t.task_id) as f"
        )
        assert faults == [], faults

    def read_first_runs(self) -> dict[tuple[str, int], int]:
        """When each step ran first, by task and number. Each has one key, and no attempt was granted twice."""
        runs = [line.split() for line in self.ledger.read_text().splitlines()]
        first: dict[tuple[str, int], int] = {}
        for place, (task, step, _attempt, key, _pid) in enumerate(runs):
            assert key == f"{task}:{step}"
            first.setdefault((task, int(step)), place)
        granted = Counter((task, step, attempt) for task, step, attempt, _key, _pid in runs)
        assert max(granted.values()) == 1, "an attempt was granted twice"
        return first


def wait_until(true: Callable[[], bool], seconds: float, explain: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if true():
                return
        except psycopg.OperationalError:
            pass  # the server is down just now, on purpose
        assert time.monotonic() < deadline, explain()
        time.sleep(0.02)


@contextmanager
def stage(url: str, folder: Path) -> Iterator[Stage]:
    """A stage whose processes all end with it."""
    made = Stage(url, folder / "ledger", [])
    made.ledger.touch()
    with psycopg.connect(url, autocommit=True) as connection:
        for workflow in (work, undone, wide, leaf, family):
            connection.execute(
                "select tasker.register_template(%s::jsonb)",
                [orjson.dumps(workflow.template.to_json()).decode()],
            )
    try:
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait()


def freeze(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)


def thaw(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
