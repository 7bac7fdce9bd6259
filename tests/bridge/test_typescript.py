"""Handlers in TypeScript, in a real child: its own suite, the example's tests, and the order workflow over a Bridge."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from tests.bridge.support import Calls, make_execute, run_in

from tasker import load_templates
from tasker.examples.orders.scenarios import SCENARIOS, Scenario
from tasker.examples.payments import PaymentService, running_payment_service
from tasker_ffi_bridge import Bridge, BridgeError, Lost, Refused, node
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

LIBRARY = node.find_library()
EXAMPLES = Path(__file__).parents[2] / "examples"
ORDERS = EXAMPLES / "typescript"
FLAGS = [
    "--experimental-strip-types",
    "--disable-warning=ExperimentalWarning",
    "--test-force-exit",  # a test that fails may leave its child behind
    "--test-timeout=60000",
]

HANDLERS = """
import { execSync } from "node:child_process";
import { writeSync } from "node:fs";
import { step } from "tasker-pg";

step("square", ({ input }) => (input as number) ** 2);
step("save", async ({ ctx }) => await ctx.run("once", () => ({ at: 1 })));
step("start", async ({ ctx }) => await ctx.runTask("shop/refund", { order: 7 }));
step("forever", async ({ ctx }) => {
  await new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
});
step("die", () => process.exit(3));
step("print", () => {
  execSync("echo printed by a program", { stdio: ["ignore", "inherit", "inherit"] });
  writeSync(1, "printed to the descriptor\\n");
  return "printed";
});
step("leave", ({ ctx }) => { void ctx.startTask("shop/refund", { order: 7 }); return "left"; });
"""


class Worker:
    """What runs ask for, written down."""

    def __init__(self) -> None:
        self.progress: list[Progress] = []
        self.logs: list[Log] = []
        self.saved: dict[str, Any] = {}
        self.started: list[StartTask] = []
        self.services = Calls(self.progress.append, self._save, self._start, self.logs.append)

    async def _save(self, checkpoint: Checkpoint) -> bool:
        self.saved[checkpoint.name] = checkpoint.value
        return True

    async def _start(self, task: StartTask) -> str:
        self.started.append(task)
        return "01980000-0000-7000-8000-000000000001"


def execute(
    handler: str,
    input: Any = None,
    results: Mapping[str, Any] | None = None,
    saved: Mapping[str, Any] | None = None,
    key: str = "key",
) -> Execute:
    return make_execute(
        uuid4().hex,
        handler,
        input,
        task_id=str(uuid4()),
        key=key,
        results=results,
        saved=saved,
    )


@asynccontextmanager
async def serving(
    *files: Path, environment: Mapping[str, str] | None = None, grace: float = 10.0
) -> AsyncGenerator[Bridge]:
    async with Bridge(
        node.typescript_command(files), environment=environment, grace=grace
    ) as bridge:
        yield bridge


@pytest.fixture
def handlers(tmp_path: Path) -> Path:
    file = tmp_path / "handlers.ts"
    file.write_text(HANDLERS)
    return file


@pytest.fixture(scope="module")
def payments() -> Iterator[PaymentService]:
    with running_payment_service() as service:
        yield service


def run_node_tests(*parameters: str | Path) -> None:
    # NODE_TEST_CONTEXT would make it report to a test runner of Node's that is not there.
    environment = {k: v for k, v in os.environ.items() if k != "NODE_TEST_CONTEXT"}
    done = subprocess.run(
        [node.find_node(), *FLAGS, *parameters],
        cwd=LIBRARY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout, done.stdout
    assert "# pass 0" not in done.stdout, done.stdout


def test_its_own_suite_passes() -> None:
    run_node_tests("--test", "--test-reporter=tap", *sorted((LIBRARY / "test").glob("*.test.ts")))


def test_the_example_s_own_tests_pass() -> None:
    register = (LIBRARY / "src" / "register.ts").as_uri()
    run_node_tests("--import", register, "--test", "--test-reporter=tap", ORDERS / "orders.test.ts")


def test_it_passes_the_conformance_kit() -> None:
    async def check() -> list[str]:
        command = node.typescript_command([EXAMPLES / "bridge" / "handlers.ts"])
        trying = try_child(command, load_cases("full"), patience=30)
        return [f"{each.case.name}: {each.fault}" async for each in trying if each.fault]

    assert asyncio.run(check()) == []


def test_child_says_what_it_has(handlers: Path) -> None:
    async def check() -> None:
        async with serving(handlers) as bridge:
            assert bridge.child.child.language == "typescript"
            assert bridge.child.concurrency == 100
            assert [each.name for each in bridge.child.handlers] == [
                "square",
                "save",
                "start",
                "forever",
                "die",
                "print",
                "leave",
            ]

    asyncio.run(check())


def test_many_runs_at_once(handlers: Path) -> None:
    async def check() -> None:
        worker = Worker()
        async with serving(handlers) as bridge:
            ran = await asyncio.gather(
                *(run_in(bridge, execute("square", n), worker.services) for n in range(500))
            )
        assert ran == [Complete("complete", n * n) for n in range(500)]

    asyncio.run(check())


def test_runs_save_start_and_wait(handlers: Path) -> None:
    async def check() -> None:
        worker = Worker()
        async with serving(handlers) as bridge:
            assert await run_in(bridge, execute("save"), worker.services) == Complete(
                "complete", {"at": 1}
            )
            assert worker.saved == {"run:once": {"at": 1}}
            waiting = await run_in(bridge, execute("start"), worker.services)
            assert isinstance(waiting, Wait)
            assert waiting.wait.task == "01980000-0000-7000-8000-000000000001"
            assert [started.template for started in worker.started] == ["shop/refund"]
            saved = {
                "start:refund": waiting.wait.task,
                waiting.wait.name: {"state": "complete", "result": 9, "errors": [], "reason": None},
            }
            done = await run_in(bridge, execute("start", saved=saved), worker.services)
            assert done == Complete("complete", 9)

    asyncio.run(check())


def test_what_is_printed_past_the_library_is_no_line_of_the_protocol(
    handlers: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def check() -> None:
        async with serving(handlers) as bridge:
            came_to = await run_in(bridge, execute("print"), Worker().services)
            assert came_to == Complete("complete", "printed")
            assert bridge.restarts == 0

    with caplog.at_level(logging.INFO, logger="tasker.bridge"):
        asyncio.run(check())
    said = [message.partition(": ")[2] for message in caplog.messages]
    assert {"printed by a program", "printed to the descriptor"} <= {*said}


def test_what_a_run_asked_for_and_did_not_wait_for_is_done(handlers: Path) -> None:
    async def check() -> None:
        worker = Worker()
        async with serving(handlers) as bridge:
            assert await run_in(bridge, execute("leave"), worker.services) == Complete(
                "complete", "left"
            )
            assert await run_in(bridge, execute("square", 2), worker.services) == Complete(
                "complete", 4
            )
            assert [started.template for started in worker.started] == ["shop/refund"]

    asyncio.run(check())


def test_cancelled_run_stops_and_the_child_stays(handlers: Path) -> None:
    async def check() -> None:
        worker = Worker()
        async with serving(handlers) as bridge:
            child = bridge.process_id
            running = asyncio.create_task(run_in(bridge, execute("forever"), worker.services))
            await run_in(bridge, execute("square", 1), worker.services)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert await run_in(bridge, execute("square", 2), worker.services) == Complete(
                "complete", 4
            )
            assert (bridge.process_id, bridge.restarts) == (child, 0)

    asyncio.run(check())


def test_child_that_dies_loses_its_runs_and_comes_back(handlers: Path) -> None:
    async def check() -> None:
        worker = Worker()
        async with serving(handlers) as bridge:
            other = asyncio.create_task(run_in(bridge, execute("forever"), worker.services))
            await run_in(bridge, execute("square", 1), worker.services)
            died = await run_in(bridge, execute("die"), worker.services)
            assert isinstance(died, Lost)
            assert isinstance(await other, Lost)
            assert await run_in(bridge, execute("square", 3), worker.services) == Complete(
                "complete", 9
            )
            assert bridge.restarts == 1

    asyncio.run(check())


def test_file_that_does_not_load_is_told_of(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ts"
    broken.write_text("throw new Error('no database here');")

    async def check() -> None:
        with pytest.raises(BridgeError, match=r"(?s)status 1.*no database here"):
            async with serving(broken):
                pass

    asyncio.run(check())


def test_template_calls_handlers_that_are_there() -> None:
    (loaded,) = load_templates(ORDERS / "order_processing.yaml")

    async def check() -> None:
        async with serving(ORDERS / "orders.ts") as bridge:
            served = {each.name for each in bridge.child.handlers}
            assert {handler for handler, _ in loaded.template.handlers} == served

    asyncio.run(check())


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_order_workflow(scenario: Scenario, payments: PaymentService) -> None:
    """Its five steps in the template's order, each retried as the template says; one charge per order."""
    order = scenario.order(uuid4().hex)
    steps = yaml.safe_load((ORDERS / "order_processing.yaml").read_text())["steps"]
    environment = {"PAYMENT_SERVICE_URL": payments.url}

    async def check() -> None:
        worker = Worker()
        results: dict[str, Any] = {}
        async with serving(ORDERS / "orders.ts", environment=environment) as bridge:
            for step in steps:
                given = {name: results[name] for name in step.get("dependencies", ())}
                key = f"{order.order_id}:{step['name']}"
                came_to = await attempt(bridge, worker, step, order.model_dump(), given, key)
                if isinstance(came_to, GiveUp):
                    assert scenario.state == "blocked_by_failures"
                    assert came_to.error.type == "CardDeclined"
                    assert "PermanentError" in came_to.error.kinds
                    return
                assert isinstance(came_to, Complete)
                results[step["name"]] = came_to.result
        assert scenario.state == "complete"
        assert results["write_receipt"]["text"].startswith(
            f"Order {order.order_id}: 2 × mug, 1 × notebook. Paid 23.20 €."
        )
        assert [progress.done for progress in worker.progress][-1] == 2

    asyncio.run(check())
    assert len(payments.books().charges_of(order.order_id)) == scenario.charges


async def attempt(
    bridge: Bridge, worker: Worker, step: dict[str, Any], order: Any, given: Any, key: str
) -> Outcome:
    """Try a step as often as it may be tried, with a time limit that a stalling service meets soon."""
    for _ in range(step.get("retry", {}).get("max_attempts", 1)):
        try:
            async with asyncio.timeout(1):
                came_to = await run_in(
                    bridge, execute(step["name"], order, given, key=key), worker.services
                )
        except TimeoutError:
            continue
        assert not isinstance(came_to, Lost | Refused)
        if not isinstance(came_to, Retry):
            return came_to
        if came_to.delay is not None:
            assert came_to.delay == 1
            await asyncio.sleep(came_to.delay)
    raise AssertionError(f"{step['name']} did not come to an end")


def test_node_that_is_too_old_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v20.1.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert node.find_node() != old
    monkeypatch.setattr(node, "_find_packaged", lambda: None)
    with pytest.raises(BridgeError, match=r"Node 22\.6 or newer, and .* is 20\.1: pip install"):
        node.find_node()
    old.write_text("#!/bin/sh\necho v22.6.0\n")
    assert node.find_node() == old
    old.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(BridgeError, match="does not tell its version"):
        node.find_node()
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(BridgeError, match="none is here"):
        node.find_node()
