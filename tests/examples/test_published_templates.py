"""Templates in the format of Tasker's public examples load and run as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

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
    "images.Find": ["a.png"],
    "prices.Find": [],
    "fulfillment.Charge": {"charged": True},
}

WARNED = {
    "linear": {"resolver", "max_waiting_for_dependencies_minutes", "max_waiting_for_retry_minutes",
        "max_steps_in_process_minutes", "staleness_action", "auto_fail_on_timeout", "auto_dlq_on_timeout"},
    "diamond": {"system_dependencies", "system_dependency", "lifecycle", "staleness_action"},
    "decision": {"staleness_action"},
    "batch": {"batch_size", "cursor_field", "worker_template"},
    "events": {"domain_events", "publishes_events", "composition"},
}  # fmt: skip

RAN = {
    "linear": ["square", "double", "halve", "check"],
    "diamond": ["validate", "reserve", "charge", "ship"],
    "decision": ["validate_request", "routing_decision", "manager_approval", "finalize_approval"],
    "batch": [
        "analyze_csv",
        "process_csv_batch/1",
        "process_csv_batch/2",
        "aggregate_csv_results",
        "find_images",
        "find_prices",
        "resize_image/1",
        "publish_products",
    ],
    "events": ["validate_order", "notify_customer"],
}

# Every field of the format, and every value of those that have a few.
FIELDS = {
    "name", "namespace_name", "version", "description", "input_schema", "composition", "result_schema",
    "timeout_seconds",
    "metadata.author", "metadata.tags", "metadata.documentation_url", "metadata.created_at", "metadata.updated_at",
    "metadata.notes", "system_dependencies.primary", "system_dependencies.secondary", "system_dependency",
    "domain_events.name", "domain_events.description", "domain_events.schema",
    "lifecycle.max_duration_minutes", "lifecycle.max_waiting_for_dependencies_minutes",
    "lifecycle.max_waiting_for_retry_minutes", "lifecycle.max_steps_in_process_minutes",
    "lifecycle.staleness_action=dlq", "lifecycle.staleness_action=error", "lifecycle.staleness_action=none",
    "lifecycle.auto_fail_on_timeout", "lifecycle.auto_dlq_on_timeout",
    "handler.callable", "handler.method", "handler.resolver", "handler.initialization",
    "type=standard", "type=decision", "type=deferred_convergence", "type=batchable", "type=batch_worker",
    "step_type=batch_worker", "dependencies", "depends_on",
    "retry.retryable", "retry.max_attempts", "retry.backoff_base_ms", "retry.max_backoff_ms",
    "retry.backoff=none", "retry.backoff=linear", "retry.backoff=exponential", "retry.backoff=fibonacci",
    "publishes_events.name", "publishes_events.description", "publishes_events.schema", "publishes_events.publisher",
    "publishes_events.condition=success", "publishes_events.condition=failure", "publishes_events.condition=always",
    "publishes_events.condition=retryable_failure", "publishes_events.condition=permanent_failure",
    "publishes_events.delivery_mode=durable", "publishes_events.delivery_mode=fast",
    "publishes_events.delivery_mode=broadcast",
    "batch_config.batch_size", "batch_config.parallelism", "batch_config.cursor_field", "batch_config.worker_template",
    "batch_config.failure_strategy=continue_on_failure", "batch_config.failure_strategy=fail_fast",
    "batch_config.failure_strategy=isolate",
    "environments.name=ALL", "environments.handler.initialization", "environments.timeout_seconds",
    "environments.retry.max_attempts",
}  # fmt: skip

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


def fields_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The fields of a template, as FIELDS has them: without the steps and environments that they are in."""
    match value:
        case dict():
            for name, below in cast("dict[str, Any]", value).items():
                inner = (
                    path
                    if name == "steps" or (path == ("environments",) and name in ENVIRONMENTS)
                    else (*path, name)
                )
                yield ".".join(inner)
                yield from fields_of(below, inner)
        case list():
            for each in cast("list[Any]", value):
                yield from fields_of(each, path)
        case _:
            yield f"{'.'.join(path)}={value}"


ENVIRONMENTS = ("test", "production")


def test_there_are_five_of_them_and_they_have_every_field() -> None:
    paths = list(TEMPLATES.glob("*.yaml"))
    assert sorted(path.stem for path in paths) == sorted(RAN)
    known = {field for path in paths for field in fields_of(yaml.safe_load(path.read_text()))}
    assert FIELDS - known == set()


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
