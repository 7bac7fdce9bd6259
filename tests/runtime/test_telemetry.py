"""Spans and metrics of a task that really ran, with an OpenTelemetry SDK, and nothing without one."""

import json
import re
import subprocess
import sys
from typing import Any

import psycopg
import pytest


def run_program(mode: str, url: str) -> tuple[Any, str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.runtime.traced_program", mode, url],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def record(mode: str, url: str) -> dict[str, Any]:
    recorded, errors = run_program(mode, url)
    said = re.sub(r"\nTraceback .*?\nOSError: once\n", "\n", errors, flags=re.DOTALL)
    assert re.fullmatch(r"flaky of task \S+ failed in attempt 1 of 2: OSError: once\n", said), said
    return recorded


@pytest.fixture
def recorded(database: str) -> dict[str, Any]:
    return record("traced", database)


def stored_trace(url: str) -> Any:
    with psycopg.connect(url) as connection:
        row = connection.execute("select trace_context from tasker.task").fetchone()
    return row and row[0]


def test_each_attempt_is_a_child_of_the_span_that_submitted_its_task(
    database: str, recorded: dict[str, Any]
) -> None:
    spans = recorded["spans"]
    [submit] = [span for span in spans if span["name"] == "tasker.submit"]
    steps = [span for span in spans if span["name"].startswith("tasker.step ")]
    assert [span["name"] for span in steps] == [
        "tasker.step flaky", "tasker.step flaky", "tasker.step last",
    ]  # fmt: skip
    assert {span["trace"] for span in spans} == {submit["trace"]}
    assert {span["parent"] for span in steps} == {submit["id"]}
    assert (submit["kind"], {span["kind"] for span in steps}) == ("PRODUCER", {"CONSUMER"})
    stored = stored_trace(database)["traceparent"]
    assert stored.startswith(f"00-{submit['trace']}-{submit['id']}-"), "the link is with the task"


def test_a_handlers_own_spans_are_children_of_its_attempts(recorded: dict[str, Any]) -> None:
    by_name = {span["name"]: span for span in recorded["spans"]}
    assert by_name["inside"]["parent"] == by_name["tasker.step last"]["id"]


def test_an_attempt_in_a_child_has_its_span_and_the_child_is_told_of_it(database: str) -> None:
    recorded, _ = run_program("abroad", database)
    [submit] = [span for span in recorded["spans"] if span["name"] == "tasker.submit"]
    [step] = [span for span in recorded["spans"] if span["name"] == "tasker.step show"]
    assert (step["trace"], step["parent"]) == (submit["trace"], submit["id"])
    assert step["attributes"]["tasker.outcome"] == "completed"
    told = recorded["came_to"]["traceparent"]
    assert told.startswith(f"00-{step['trace']}-{step['id']}-")


def test_a_span_says_what_it_was_and_what_it_came_to(recorded: dict[str, Any]) -> None:
    first, second = [span for span in recorded["spans"] if span["name"] == "tasker.step flaky"]
    assert first["attributes"] == {
        "tasker.namespace": "telemetry",
        "tasker.template": "traced",
        "tasker.version": "1.0.0",
        "tasker.step": "flaky",
        "tasker.task_id": recorded["came_to"],
        "tasker.attempt": 1,
        "tasker.outcome": "retried",
    }
    assert (second["attributes"]["tasker.attempt"], second["status"]) == (2, "UNSET")
    assert (second["attributes"]["tasker.outcome"], first["status"]) == ("completed", "ERROR")


def test_attempts_are_counted_and_timed_by_outcome(recorded: dict[str, Any]) -> None:
    for name in ("tasker.steps", "tasker.step.duration"):
        counts = {
            (point["attributes"]["tasker.step"], point["attributes"]["tasker.outcome"]): point[
                "count"
            ]
            for point in recorded["metrics"][name]
        }
        assert counts == {
            ("flaky", "retried"): 1,
            ("flaky", "completed"): 1,
            ("last", "completed"): 1,
        }
    directions = {
        point["attributes"]["tasker.direction"]
        for point in recorded["metrics"]["tasker.exchange.batch"]
    }
    assert directions == {"outcomes", "grants"}


def test_without_an_sdk_nothing_is_recorded_and_nothing_fails(database: str) -> None:
    assert record("plain", database)["sdk"] is False
    assert stored_trace(database) is None
