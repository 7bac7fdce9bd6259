"""Handlers in another language, through the whole engine: every outcome, what runs ask for, and how children die."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.bridge.support import COMMAND
from tests.runtime.support import AT_ONCE, PATIENCE, ask, attempts, failure, run, until

from tasker import Client, Worker, handler
from tasker.discovery import DiscoveryError
from tasker.errors import DefinitionError
from tasker.languages import is_foreign, make_bridges
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge import Bridge

pytestmark = pytest.mark.anyio


def one(name: str, **more: Any) -> Template:
    """A template of one step, whose handler is the child's of that name."""
    step = StepDefinition(f"the_{name}", name, retry=AT_ONCE, **more)
    return Template("n", f"t_{name}", "1", (step,))


@pytest.fixture
async def bridge(client: Client, database: str) -> AsyncIterator[Bridge]:
    """A worker with the child's handlers runs; the templates are registered."""
    templates = [one(name) for name in ("echo", "pid", "die", "hold", "odd", "ask", "tell")]
    child = Bridge(COMMAND, name="odd child", grace=2)
    async with Worker(*templates, url=database, bridges=[child], lease="5s", grace="2s"):
        await client.register(*templates)
        yield child


async def test_one_task_runs_through_two_languages(client: Client, database: str) -> None:
    @handler("double")
    def double(echo: int) -> int:
        return 2 * echo

    first = StepDefinition("echo", "echo")
    second = StepDefinition("double", "double", depends_on=("echo",))
    template = Template("n", "both", "1", (first, second))
    async with Worker(template, double, url=database, bridges=[Bridge(COMMAND)]):
        assert await run(client, "n/both", 21) == 42


@pytest.mark.usefixtures("bridge")
async def test_values_of_every_kind_come_back_as_they_are(client: Client) -> None:
    for value in (True, 0, 2**53, -1.5, "ünï ✓", [], {"a": [{}]}, "x" * 1_000_000):
        assert await run(client, "n/t_echo", value) == value


@pytest.mark.usefixtures("bridge")
async def test_failures_keep_their_names_and_their_policy(
    client: Client, db: psycopg.AsyncConnection
) -> None:
    error = {
        "type": "CardDeclined",
        "message": "no money",
        "kinds": ["PaymentError"],
        "traceback": "line 7",
    }
    task = await client.submit("n/t_odd", {"outcome": "error", "error": error})
    found = await failure(task)
    assert (found.type, found.message) == ("CardDeclined", "no money")
    task = await client.submit("n/t_odd", {"outcome": "retry", "error": error, "delay": 0})
    await failure(task)
    assert len(await attempts(db, task, "the_odd")) == 3
    stored = await ask(db, "select tasker.get_step(%s, 'the_odd')", task.id)
    assert stored["error"]["kinds"] == ["CardDeclined", "PaymentError"]
    assert stored["error"]["traceback"] == "line 7"


@pytest.mark.usefixtures("bridge")
@pytest.mark.parametrize(
    ("outcome", "kind", "said"),
    [
        ({"outcome": "perhaps"}, "BridgeError", "no outcome"),
        ({"outcome": "complete", "result": "a$NULb"}, "ContractError", "NUL"),
        (
            {"outcome": "complete", "result": 1, "expansion": [{"step": "x"}]},
            None,
            "expands to none",
        ),
        (
            {"outcome": "wait", "wait": {"name": "task:x", "task": "no-id"}},
            "BridgeError",
            "no task's id",
        ),
        ({"outcome": "cancelled"}, "BridgeError", "nobody had cancelled"),
        (
            {
                "outcome": "wait",
                "wait": {"name": "ask:q", "approval": {"name": "q", "data": "$DEEP"}},
            },
            "ContractError",
            "the data of approval q",
        ),
        (
            {
                "outcome": "wait",
                "wait": {"name": "ask:q", "approval": {"name": "q", "data": "$EDGE"}},
            },
            "ContractError",
            "the database cannot store this outcome: Recursion",
        ),
    ],
)
async def test_what_cannot_be_taken_fails_the_step_and_says_why(
    client: Client, outcome: Any, kind: str | None, said: str
) -> None:
    found = await failure(await client.submit("n/t_odd", outcome))
    assert said in found.message
    assert kind is None or found.type == kind


@pytest.mark.usefixtures("bridge")
async def test_an_input_that_cannot_be_sent_fails_for_good_and_takes_no_place(
    client: Client, db: psycopg.AsyncConnection
) -> None:
    submit = "select tasker.submit_task('n', 't_echo', %s::jsonb)"
    deep = "[" * 300 + "]" * 300
    for _ in range(6):  # one more than the child has places
        task = client.handle(await ask(db, submit, deep))
        found = await failure(task)
        assert found.type == "BridgeError" and "makes no message" in found.message
        assert await attempts(db, task, "the_echo") == ["error"]
    assert await run(client, "n/t_echo", 1) == 1


@pytest.mark.usefixtures("bridge")
async def test_a_wait_gives_the_place_back_and_goes_on(
    client: Client, db: psycopg.AsyncConnection
) -> None:
    """The child says the same again on each run, so this step waits for ever: once for the time, then for the event."""
    wait = {"name": "event:paid", "event": "paid", "seconds": 600}
    task = await client.submit("n/t_odd", {"outcome": "wait", "wait": wait})
    await until(db, "select state = 'waiting' from tasker.step where task_id = %s", task.id)
    await task.cancel(reason="enough")


@pytest.mark.usefixtures("bridge")
async def test_checkpoints_and_children_and_progress_reach_the_database(
    client: Client, db: psycopg.AsyncConnection
) -> None:
    asking = {"id": 1, "method": "checkpoint", "params": {"name": "run:a", "value": {"x": 1}}}
    assert await run(client, "n/t_ask", asking) == {"saved": True}
    task = await client.submit(
        "n/t_ask", {"id": 1, "method": "checkpoint", "params": {"name": "run:a", "value": "$NUL"}}
    )
    refused = await task.result(timeout=PATIENCE)
    assert refused["code"] == -32602 and "NUL" in refused["message"]
    start = {"name": "kid", "template": "n/t_echo", "input": 5}
    started = await run(client, "n/t_ask", {"id": 2, "method": "start_task", "params": start})
    assert await client.handle(started["task_id"]).result(timeout=PATIENCE) == 5
    start["template"] = "n/no_such"
    refused = await run(client, "n/t_ask", {"id": 2, "method": "start_task", "params": start})
    assert "no_such" in refused["message"]


async def test_a_killed_child_costs_an_attempt_and_the_task_completes(
    client: Client, db: psycopg.AsyncConnection, bridge: Bridge
) -> None:
    held = await client.submit("n/t_hold")
    await until(db, "select state = 'in_progress' from tasker.step where task_id = %s", held.id)
    before = await run(client, "n/t_pid")
    os.kill(before, signal.SIGKILL)
    await until(db, "select attempt = 2 from tasker.step where task_id = %s", held.id)
    assert await attempts(db, held, "the_hold") == ["lost"]
    assert await run(client, "n/t_pid") != before
    assert bridge.restarts == 1
    await held.cancel(reason="enough")


async def test_a_step_that_kills_every_child_ends_as_a_dead_letter_and_others_go_on(
    client: Client, db: psycopg.AsyncConnection, bridge: Bridge
) -> None:
    killing = await client.submit("n/t_die")
    assert await run(client, "n/t_echo", 1) == 1
    found = await failure(killing)
    assert (found.type, found.message) == ("ChildDied", "the child was ended by signal 9")
    assert await attempts(db, killing, "the_die") == ["lost"] * 3
    assert bridge.restarts >= 2


async def test_a_cancelled_task_is_cancelled_in_the_child(
    client: Client, db: psycopg.AsyncConnection, bridge: Bridge
) -> None:
    tasks = [await client.submit("n/t_hold") for _ in range(8)]
    begun = (
        "select count(*) >= 5 from tasker.step where state = 'in_progress' and task_id = any(%s)"
    )
    await until(db, begun, [task.id for task in tasks])
    for task in tasks:
        await task.cancel(reason="enough")
    assert await run(client, "n/t_echo", "free") == "free"
    assert bridge.restarts == 0


async def test_a_child_is_told_why_a_run_is_to_stop(
    client: Client, database: str, db: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    late, held = one("hold", attempt_time_limit=0.3), one("hold")
    held = replace(held, name="t_held")
    with caplog.at_level(logging.INFO, logger="tasker.handler"):
        async with Worker(
            late, held, url=database, bridges=[Bridge(COMMAND)], lease="1s", grace="0.1s"
        ):
            await failure(await client.submit("n/t_hold"))
            task = await client.submit("n/t_held")
            begun = "select state = 'in_progress' from tasker.step where task_id = %s"
            await until(db, begun, task.id)
            await task.cancel(reason="enough")
            while "cancelled" not in caplog.messages:
                await asyncio.sleep(0.01)
            last = await client.submit("n/t_held")
            await until(db, begun, last.id)
    assert {"timed_out", "cancelled", "stopping"} <= set(caplog.messages)


async def test_a_time_limit_holds_in_a_child(client: Client, database: str) -> None:
    template = one("stubborn", attempt_time_limit=0.3)
    beside = one("echo")
    async with Worker(
        template, beside, url=database, bridges=[Bridge(COMMAND, grace=0.5)]
    ) as worker:
        found = await failure(await client.submit("n/t_stubborn"))
        assert found.type == "AttemptTimedOut"
        assert await run(client, "n/t_echo", 1) == 1
        worker.stop()


async def test_a_child_that_does_not_start_is_an_error_that_says_why(database: str) -> None:
    broken = Bridge(("/bin/sh", "-c", "echo no such gem >&2; exit 1"), name="ruby")
    with pytest.raises(DefinitionError, match=r"the handlers of ruby cannot be run.*\nno such gem"):
        async with Worker(one("echo"), url=database, bridges=[broken]):
            pass


async def test_two_handlers_of_one_name_are_refused(database: str) -> None:
    @handler("echo")
    def echo(input: Any) -> Any:
        return input

    with pytest.raises(DefinitionError, match="two handlers are named echo"):
        async with Worker(one("echo"), echo, url=database, bridges=[Bridge(COMMAND)]):
            pass


async def test_schemas_that_the_child_says_are_held(client: Client, database: str) -> None:
    says = {
        "handlers": [
            {"name": "echo", "input_schema": {"type": "integer"}, "result_schema": {"maximum": 5}}
        ]
    }
    child = Bridge(COMMAND, environment={"CHILD_SAYS": json.dumps(says)})
    async with Worker(one("echo"), url=database, bridges=[child]):
        assert await run(client, "n/t_echo", 5) == 5
        for wrong in ("five", 6):
            assert (await failure(await client.submit("n/t_echo", wrong))).type == "ContractError"


async def test_what_a_step_takes_is_held_before_a_child_runs_it(
    client: Client, database: str
) -> None:
    takes = {"type": "object", "properties": {"input": {"type": "integer"}}}
    template = one("echo", input_schema=takes)
    async with Worker(template, url=database, bridges=[Bridge(COMMAND)]):
        assert await run(client, "n/t_echo", 5) == 5
        found = await failure(await client.submit("n/t_echo", "five"))
    assert found.type == "ContractError"
    assert "what step the_echo takes: at $.input" in found.message


async def test_a_handler_that_no_child_has_is_told_with_the_nearest_and_where_was_looked(
    client: Client,
    database: str,
    db: psycopg.AsyncConnection,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "charge.rb"
    file.write_text('require "tasker"\nTasker.step("charge") { 1 }\n')
    bridges = make_bridges([str(file)], [], worker="w", grace=5)
    async with Worker(one("chrage"), url=database, bridges=bridges, name="w"):
        task = await client.submit("n/t_chrage")
        await until(db, "select error is not null from tasker.step where task_id = %s", task.id)
    stored = await ask(db, "select tasker.get_step(%s, 'the_chrage')", task.id)
    hint = f'Did you mean "charge"? Neither Python nor these children have it: ruby ({file})'
    assert stored["error"]["message"] == f"worker w has no handler chrage. {hint}"
    [warned] = [text for text in caplog.messages if "another worker must have it" in text]
    assert warned.endswith(hint)
    await task.cancel(reason="enough")


def test_a_file_in_a_language_that_needs_a_program_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "a.php"
    file.write_text("<?php")
    with pytest.raises(DiscoveryError, match="For other languages use --exec"):
        is_foreign(str(file))
    assert not is_foreign("shop.orders") and not is_foreign("shop.py")
