"""Templates in the format of Tasker's public examples load and run as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasker import StepContext, handler, load_templates
from tasker.template import Template
from tasker.testing import Tasker

TEMPLATES = Path(__file__).parents[1] / "templates"

RESULTS: dict[str, Any] = {
    "approval.Route": ["manager_approval"],
    "approval.Finalize": "approved",
    "csv.Analyze": [{"row_number": 1}, {"row_number": 201}],
    "csv.Process": 200,
    "csv.Aggregate": 400,
    "fulfillment.Charge": {"charged": True},
}

WARNED = {
    "linear": {"resolver", "max_waiting_for_dependencies_minutes", "max_waiting_for_retry_minutes",
        "max_steps_in_process_minutes", "staleness_action", "auto_fail_on_timeout", "auto_dlq_on_timeout"},
    "diamond": {"system_dependencies", "system_dependency", "lifecycle"},
    "decision": set[str](),
    "batch": {"batch_size", "cursor_field", "worker_template"},
    "events": {"domain_events", "publishes_events"},
}  # fmt: skip

RAN = {
    "linear": ["square", "double", "halve", "check"],
    "diamond": ["validate", "reserve", "charge", "ship"],
    "decision": ["validate_request", "routing_decision", "manager_approval", "finalize_approval"],
    "batch": ["analyze_csv", "process_csv_batch/1", "process_csv_batch/2", "aggregate_csv_results"],
    "events": ["validate_order", "notify_customer"],
}

INPUTS: dict[str, Any] = {
    "linear": {"even_number": 4},
    "diamond": {"order_id": "a"},
    "decision": {"amount": 2000},
    "batch": {},
    "events": {},
}


def handlers_of(template: Template) -> list[Any]:
    """Handlers that give what they are said to, under all the names that a template has."""

    def make(name: str) -> Any:
        def run(ctx: StepContext) -> Any:
            return RESULTS.get(name)

        return handler(name)(run)

    return [make(name) for name, _ in template.handlers]


def test_there_are_five_of_them() -> None:
    assert sorted(path.stem for path in TEMPLATES.glob("*.yaml")) == sorted(RAN)


@pytest.mark.parametrize("name", RAN)
def test_a_published_template_loads_and_runs_unchanged(tasker: Tasker, name: str) -> None:
    [loaded] = load_templates(TEMPLATES / f"{name}.yaml")
    said = {word for warning in loaded.warnings for word in warning.what.replace('"', "").split()}
    assert WARNED[name] <= said
    assert len({w.what for w in loaded.warnings}) == len(WARNED[name]), loaded.warnings
    tasker.register(loaded.template, *handlers_of(loaded.template))
    task = tasker.submit(loaded.template.full_name, INPUTS[name])
    task.finish()
    steps = task.steps()
    assert {step["name"] for step in steps} == set(RAN[name])
    assert {step["state"] for step in steps} == {"complete"}


def test_an_environment_changes_what_it_says() -> None:
    [loaded] = load_templates(TEMPLATES / "diamond.yaml", environment="test")
    reserve = loaded.template.steps[1]
    assert reserve.attempt_time_limit == 5
    assert reserve.retry.max_attempts == 1
    assert reserve.config == {"warehouse": "none"}
