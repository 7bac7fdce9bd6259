"""Children with handlers in Ruby and TypeScript, killed in the middle of 1,000 steps: none lost, none done twice."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasker import Client, Retry, Submission, Worker
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge import Bridge
from tasker_ffi_bridge.node import typescript_command
from tasker_ffi_bridge.ruby import ruby_command

STEPS = 1000
KILL_AT = (300, 600)  # steps that are complete
PATIENCE = 60.0  # seconds; only a test that fails waits that long
BACK_WITHIN = 1.0  # seconds from a kill to the next step that a new child has completed

# A line per run, in one write, so that a kill cannot tear it. The outside service takes each key once.
RUBY = """
require "tasker"

Tasker.step("effect") do |ctx:|
  line = "#{ctx.idempotency_key} #{ctx.attempt} #{Process.pid}\\n"
  File.open(ENV.fetch("LEDGER"), "a") { |file| file.syswrite(line) }
  sleep 0.01
  { attempt: ctx.attempt, pid: Process.pid }
end
"""
TYPESCRIPT = """
import { appendFileSync } from "node:fs";
import { step } from "tasker-pg";

step("effect", async ({ ctx }) => {
  appendFileSync(process.env["LEDGER"]!, `${ctx.idempotencyKey} ${ctx.attempt} ${process.pid}\\n`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { attempt: ctx.attempt, pid: process.pid };
});
"""

COMPLETE = "select count(*) from tasker.step where state = 'complete'"
ERRORS = "select outcome, error ->> 'type', count(*) from tasker.attempt group by 1, 2"
RESULTS = """
    select task_id || ':' || step_no, (result ->> 'attempt')::integer, (result ->> 'pid')::integer, completed_at
    from tasker.step where state = 'complete'
"""
FAULTS = "select count(*) from tasker.task t, tasker.verify(t.task_id)"

Command = Callable[[Sequence[Path]], list[str]]


@pytest.mark.parametrize(
    ("name", "text", "command"),
    [("handlers.rb", RUBY, ruby_command), ("handlers.ts", TYPESCRIPT, typescript_command)],
    ids=["ruby", "typescript"],
)
def test_a_killed_child_loses_nothing_and_is_back_within_a_second(
    database: str, tmp_path: Path, name: str, text: str, command: Command
) -> None:
    handlers, ledger = tmp_path / name, tmp_path / "ledger"
    handlers.write_text(text)
    ledger.touch()
    bridge = Bridge(command([handlers]), environment={"LEDGER": str(ledger)})
    with psycopg.connect(database, autocommit=True) as db:
        kills = asyncio.run(run_and_kill(database, db, bridge))
        judge(db, ledger, kills)
    assert bridge.restarts == len(KILL_AT)


async def run_and_kill(url: str, db: psycopg.Connection, bridge: Bridge) -> list[tuple[int, float]]:
    """Run the steps to their end; which children were killed, and when."""
    retry = Retry(max_attempts=5, backoff="none", jitter=0)
    step = StepDefinition("effect", handler="effect", retry=retry)
    template = Template("crash", "children", "1", steps=(step,))
    kills: list[tuple[int, float]] = []
    async with Client(url) as client:
        await client.register(template)
        await client.submit_many("crash/children", [Submission() for _ in range(STEPS)])
        async with Worker(template, url=url, bridges=[bridge], slots=100):
            for count in KILL_AT:
                await reach(db, count)
                assert bridge.process_id is not None
                kills.append((bridge.process_id, time.time()))
                os.kill(bridge.process_id, signal.SIGKILL)
            await reach(db, STEPS)
    return kills


async def reach(db: psycopg.Connection, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while (done := ask(db, COMPLETE)[0][0]) < count:
        assert time.monotonic() < deadline, f"{done} steps are complete"
        await asyncio.sleep(0.01)


def judge(db: psycopg.Connection, ledger: Path, kills: Sequence[tuple[int, float]]) -> None:
    assert ask(db, FAULTS) == [(0,)]
    results = ask(db, RESULTS)
    runs = [line.split() for line in ledger.read_text().splitlines()]
    [(outcome, error, lost)] = ask(db, ERRORS)
    assert (outcome, error) == ("lost", "ChildDied")

    # Each step is recorded once, with what its last attempt came to, and took effect outside once.
    assert len(results) == STEPS
    last = {key: (int(attempt), int(pid)) for key, attempt, pid in runs}
    assert last == {key: (attempt, pid) for key, attempt, pid, _ in results}
    # More runs than that are attempts that were lost, and none was granted twice.
    assert max(Counter((key, attempt) for key, attempt, _ in runs).values()) == 1
    assert STEPS < len(runs) <= STEPS + lost

    killed: set[int] = set()
    for pid, at in kills:
        killed.add(pid)
        back = min(done.timestamp() for _, _, by, done in results if by not in killed) - at
        print(
            f"child {pid} was killed; the next step that another completed came {back:.2f} s later"
        )
        assert back < BACK_WITHIN
    assert len({by for _, _, by, _ in results}) == len(kills) + 1


def ask(db: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return db.execute(query.encode()).fetchall()
