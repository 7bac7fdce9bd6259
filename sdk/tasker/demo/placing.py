"""Registering the examples and submitting tasks of them."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from tasker.cli.database import call_one
from tasker.demo.board import Run
from tasker.demo.stage import Stage
from tasker.examples.orders import orders
from tasker.examples.orders.scenarios import Scenario
from tasker.examples.pipeline import Source, penguins
from tasker.workflow import Workflow

__all__ = ["PlacedOrder", "place_order", "register_examples", "start_pipeline"]


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order that was submitted, and what it is to meet."""

    run: Run
    order_id: str
    scenario: Scenario


def register_examples(stage: Stage) -> None:
    """Register both workflows."""
    for workflow in (orders, penguins):
        template = workflow.template
        call_one(stage.connection, "register_template", definition=Jsonb(template.to_json()))
        stage.screen.say(f"registered {template.namespace}/{template.name}@{template.version}")


def place_order(stage: Stage, prefix: str, number: int, scenario: Scenario) -> PlacedOrder:
    """Submit an order."""
    order_id = f"{prefix}-{number}"
    task_id = _submit(stage, orders, scenario.order(order_id))
    return PlacedOrder(Run(f"order {number} ({scenario.title})", task_id), order_id, scenario)


def start_pipeline(stage: Stage) -> Run:
    """Submit the pipeline."""
    return Run("penguins", _submit(stage, penguins, Source()))


def _submit(stage: Stage, workflow: Workflow, value: BaseModel) -> str:
    task_id = call_one(
        stage.connection,
        "submit_task",
        namespace=workflow.template.namespace,
        template=workflow.template.name,
        input=Jsonb(value.model_dump(mode="json")),
        tags=["demo"],
    )
    return str(task_id)
