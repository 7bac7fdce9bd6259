"""Ruby's package and its example, against the real child: its own suite, and the order workflow over the bridge."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.bridge.support import Calls, make_execute, run_in

from tasker import load_templates
from tasker.examples.orders.scenarios import SCENARIOS, Scenario
from tasker.examples.payments import running_payment_service
from tasker.template import Template
from tasker_ffi_bridge import Bridge, Lost
from tasker_ffi_bridge.conformance import load_cases, try_child
from tasker_ffi_bridge.messages import (
    Checkpoint,
    Complete,
    Execute,
    GiveUp,
    Log,
    Outcome,
    Progress,
    Retry,
    StartTask,
    Wait,
)

ROOT = Path(__file__).parents[2]
GEM = ROOT / "ffi_bridge" / "ruby"
EXAMPLE = ROOT / "examples" / "ruby"

HANDLERS = """
require "tasker"
Tasker.step("pid") { Process.pid }
Tasker.step("die") { Process.kill(:KILL, Process.pid) }
Tasker.step("until_cancelled") do |ctx:|
  ctx.progress(1)
  sleep 0.001 until ctx.cancelled?
end
Tasker.step("remember") do |ctx:|
  kept = ctx.run("once") { { n: 1 } }
  child = ctx.start_task("shop/refund", { total: 5 })
  [kept, ctx.wait_task(child, timeout: "1m")]
end
Tasker.step("echo") { |input:| input }
"""


def find_ruby() -> str:
    ruby = shutil.which("ruby")
    assert ruby, (
        "there is no ruby: sh checks/setup_debian.sh installs it as root, or install it by hand (3.1 or newer)"
    )
    return ruby


def command(*files: Path) -> list[str]:
    return [
        find_ruby(),
        "-w",
        "-I",
        str(GEM / "lib"),
        "-r",
        "tasker/main",
        *(str(file) for file in files),
    ]


class Worker:
    """What a worker does for its runs, kept in lists."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.logs: list[Log] = []
        self.checkpoints: list[Checkpoint] = []
        self.tasks: list[StartTask] = []
        self.began = asyncio.Event()
        self.services = Calls(self._take, self._save, self._start, self.logs.append)

    def _take(self, progress: Progress) -> None:
        self.progress.append(progress)
        self.began.set()

    async def _save(self, checkpoint: Checkpoint) -> bool:
        self.checkpoints.append(checkpoint)
        return True

    async def _start(self, task: StartTask) -> str | None:
        self.tasks.append(task)
        return "00000000-0000-0000-0000-000000000007"


def an_execute(
    handler: str,
    run: str = "run-1",
    input: Any = None,
    results: dict[str, Any] | None = None,
    saved: dict[str, Any] | None = None,
    attempt: int = 1,
    time_limit: float | None = None,
) -> Execute:
    deadline = None if time_limit is None else time.time() + time_limit
    key = (
        f"{input['order_id'] if isinstance(input, dict) and 'order_id' in input else 't'}:{handler}"
    )
    return make_execute(
        run,
        handler,
        input,
        key=key,
        attempt=attempt,
        deadline=deadline,
        results=results,
        saved=saved,
    )


def run_suite(*arguments: str | Path) -> None:
    done = subprocess.run(
        [find_ruby(), "-w", *map(str, arguments)], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warn" not in done.stderr, done.stderr


def test_the_suite_of_the_gem_passes() -> None:
    run_suite(GEM / "test" / "all.rb")


def test_the_suite_of_the_example_passes() -> None:
    run_suite("-I", GEM / "lib", EXAMPLE / "test_handlers.rb")


async def _with_child(
    tmp_path: Path, executes: Sequence[Execute], worker: Worker
) -> list[Outcome | Any]:
    file = tmp_path / "handlers.rb"
    file.write_text(HANDLERS)
    async with Bridge(command(file)) as bridge:
        return [await run_in(bridge, execute, worker.services) for execute in executes]


def test_it_keeps_all_of_the_protocol() -> None:
    async def converse() -> list[str]:
        trying = try_child(
            command(ROOT / "examples" / "bridge" / "handlers.rb"), load_cases("full"), patience=30
        )
        return [
            "\n".join([v.case.name, v.fault, *v.said]) async for v in trying if v.fault is not None
        ]

    assert asyncio.run(converse()) == []


def test_a_run_saves_starts_a_task_and_waits_for_it(tmp_path: Path) -> None:
    async def converse() -> None:
        worker = Worker()
        saved = {
            "run:once": {"n": 1},
            "start:refund": "00000000-0000-0000-0000-000000000007",
            "task:refund": {"state": "complete", "result": 9, "errors": [], "reason": None},
        }
        executes = [an_execute("remember"), an_execute("remember", run="run-2", saved=saved)]
        waits, ends = await _with_child(tmp_path, executes, worker)
        assert isinstance(waits, Wait)
        assert (waits.wait.name, waits.wait.task, waits.wait.seconds) == (
            "task:refund",
            "00000000-0000-0000-0000-000000000007",
            60,
        )
        assert worker.checkpoints == [Checkpoint("run-1", "run:once", {"n": 1})]
        assert worker.tasks == [StartTask("run-1", "refund", "shop/refund", {"total": 5})]
        assert ends == Complete("complete", [{"n": 1}, 9])

    asyncio.run(converse())


def test_a_cancelled_run_stops_and_the_child_goes_on(tmp_path: Path) -> None:
    async def converse() -> None:
        file = tmp_path / "handlers.rb"
        file.write_text(HANDLERS)
        async with Bridge(command(file)) as bridge:
            worker = Worker()
            pid = await run_in(bridge, an_execute("pid"), worker.services)
            running = asyncio.create_task(
                run_in(bridge, an_execute("until_cancelled", run="run-2"), worker.services)
            )
            await worker.began.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await run_in(bridge, an_execute("pid", run="run-3"), worker.services) == pid
            assert bridge.restarts == 0

    asyncio.run(converse())


def test_a_child_that_dies_is_there_again(tmp_path: Path) -> None:
    async def converse() -> None:
        executes = [an_execute("die"), an_execute("pid", run="run-2")]
        lost, after = await _with_child(tmp_path, executes, Worker())
        assert isinstance(lost, Lost)
        assert isinstance(after, Complete)

    asyncio.run(converse())


def test_a_thousand_runs_at_once_each_come_back_with_their_own(tmp_path: Path) -> None:
    async def converse() -> None:
        file = tmp_path / "handlers.rb"
        file.write_text(HANDLERS)
        async with Bridge(command(file), environment={"TASKER_CONCURRENCY": "50"}) as bridge:
            assert bridge.child.concurrency == 50
            worker = Worker()
            ran = (
                run_in(bridge, an_execute("echo", run=f"run-{n}", input=n), worker.services)
                for n in range(1000)
            )
            assert await asyncio.gather(*ran) == [Complete("complete", n) for n in range(1000)]

    asyncio.run(converse())


async def _run_step(
    bridge: Bridge, template: Template, name: str, order: Any, results: dict[str, Any]
) -> tuple[Outcome | Any, Worker]:
    """A step as a worker would run it: again while it says so, each attempt within its time limit."""
    [step] = [step for step in template.steps if step.name == name]
    taken = {parent: results[parent] for parent in step.depends_on}
    for attempt in range(1, step.retry.max_attempts + 1):
        worker = Worker()
        limit = None if step.attempt_time_limit is None else min(step.attempt_time_limit, 0.5)
        run = f"{order['order_id']}-{name}-{attempt}"
        execute = an_execute(step.handler, run, order, taken, attempt=attempt, time_limit=limit)
        outcome = await run_in(bridge, execute, worker.services)
        if not isinstance(outcome, Retry):
            return outcome, worker
    raise AssertionError(f"{name} did not end: {outcome}")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_the_order_workflow(scenario: Scenario) -> None:
    [loaded] = load_templates(EXAMPLE / "order_processing.yaml")
    template = loaded.template

    async def converse(environment: dict[str, str]) -> dict[str, Any]:
        order = scenario.order(scenario.card).model_dump()
        results: dict[str, Any] = {}
        async with Bridge(command(EXAMPLE / "handlers.rb"), environment=environment) as bridge:
            assert {s.handler for s in template.steps} == {h.name for h in bridge.child.handlers}
            for step in template.steps:
                outcome, worker = await _run_step(bridge, template, step.name, order, results)
                if isinstance(outcome, GiveUp):
                    return {"failed": step.name, "kinds": outcome.error.kinds}
                assert isinstance(outcome, Complete), outcome
                results[step.name] = outcome.result
                if step.name == "reserve_stock":
                    assert [said.done for said in worker.progress] == [1, 2]
        return results

    with running_payment_service() as payments:
        results = asyncio.run(converse({"PAYMENT_SERVICE_URL": payments.url}))
        books = payments.books()
    assert len(books.charges_of(scenario.card)) == scenario.charges
    if scenario.state == "complete":
        receipt = results["write_receipt"]
        assert receipt["total_cents"] == 2320
        assert receipt["text"].startswith(
            f"Order {scenario.card}: 2 × mug, 1 × notebook. Paid 23.20 €. Parcel trk_"
        )
    else:
        assert results["failed"] == "process_payment"
        assert {"CardDeclined", "PermanentError"} <= set(results["kinds"])
