"""The whole order workflow in TypeScript, from its YAML template through the whole engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.ordering import assert_charged_as_promised, place_all
from tests.runtime.support import PATIENCE

from tasker import Client, TaskFailed, Worker, load_templates
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
            placed = await place_all(client, "shop/order_processing")
            for scenario, order, task in placed:
                if scenario.state == "complete":
                    receipt = await task.result(timeout=PATIENCE)
                    assert receipt["text"].startswith(f"Order {order.order_id}: 2 × mug")
                else:
                    with pytest.raises(TaskFailed, match="CardDeclined") as failed:
                        await task.result(timeout=PATIENCE)
                    assert failed.value.state == scenario.state
            assert bridge.restarts == 0
        assert_charged_as_promised(payments.books(), placed)
