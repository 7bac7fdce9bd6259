"""The whole order workflow in TypeScript, from its YAML template through the whole engine."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from tests.runtime.support import PATIENCE

from tasker import Client, TaskFailed, Worker, load_templates
from tasker.examples.orders.scenarios import SCENARIOS
from tasker.examples.payments import running_payment_service
from tasker_ffi_bridge import Bridge
from tasker_ffi_bridge.node import typescript_command

pytestmark = pytest.mark.anyio

ORDERS = Path(__file__).parents[2] / "examples" / "typescript"


async def test_orders_meet_every_kind_of_failure(client: Client, database: str) -> None:
    [loaded] = load_templates(ORDERS / "order_processing.yaml")
    with running_payment_service() as payments:
        bridge = Bridge(
            typescript_command([ORDERS / "orders.ts"]),
            environment={"PAYMENT_SERVICE_URL": payments.url},
        )
        async with Worker(loaded.template, url=database, bridges=[bridge]):
            placed = [(each, each.order(uuid4().hex)) for each in SCENARIOS]
            tasks = [
                await client.submit("shop/order_processing", order.model_dump())
                for _, order in placed
            ]
            for (scenario, order), task in zip(placed, tasks, strict=True):
                if scenario.state == "complete":
                    receipt = await task.result(timeout=PATIENCE)
                    assert receipt["text"].startswith(f"Order {order.order_id}: 2 × mug")
                else:
                    with pytest.raises(TaskFailed, match="CardDeclined") as failed:
                        await task.result(timeout=PATIENCE)
                    assert failed.value.state == scenario.state
            assert bridge.restarts == 0
        books = payments.books()
        for scenario, order in placed:
            assert len(books.charges_of(order.order_id)) == scenario.charges
            assert books.calls_for(order.order_id) == list(scenario.answers)
