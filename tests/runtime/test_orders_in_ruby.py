"""The order workflow with handlers in Ruby, from its YAML template to its receipts: engine, worker and child."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.runtime.support import PATIENCE

from tasker import Client, ContractError, TaskFailed, Worker, load_templates
from tasker.examples.orders.scenarios import SCENARIOS
from tasker.examples.payments import running_payment_service
from tasker_ffi_bridge import Bridge

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ruby"


async def test_orders_are_charged_once_whatever_their_payment_meets(
    client: Client, database: str
) -> None:
    ruby = shutil.which("ruby")
    assert ruby, "there is no ruby: sh checks/setup_debian.sh installs it as root"
    lib = str(ROOT / "ffi_bridge" / "ruby" / "lib")
    [loaded] = load_templates(EXAMPLE / "order_processing.yaml")
    await client.register(loaded.template)
    with running_payment_service() as payments:
        child = Bridge(
            [ruby, "-w", "-I", lib, "-r", "tasker/main", str(EXAMPLE / "handlers.rb")],
            environment={"PAYMENT_SERVICE_URL": payments.url},
        )
        async with Worker(loaded.template, url=database, bridges=[child]):
            tasks = [
                await client.submit("shop_ruby/order_processing", scenario.order(scenario.card))
                for scenario in SCENARIOS
            ]
            for scenario, task in zip(SCENARIOS, tasks, strict=True):
                if scenario.state == "complete":
                    receipt = await task.result(timeout=PATIENCE)
                    assert receipt["total_cents"] == 2320
                    assert "2 × mug, 1 × notebook. Paid 23.20 €" in receipt["text"]
                else:
                    with pytest.raises(TaskFailed) as failed:
                        await task.result(timeout=PATIENCE)
                    assert failed.value.errors[0].type == "PaymentClient::CardDeclined"
        books = payments.books()
    for scenario in SCENARIOS:
        assert books.calls_for(scenario.card) == list(scenario.answers)
        assert len(books.charges_of(scenario.card)) == scenario.charges


async def test_an_order_that_is_none_is_refused(client: Client) -> None:
    [loaded] = load_templates(EXAMPLE / "order_processing.yaml")
    await client.register(loaded.template)
    with pytest.raises(ContractError):
        await client.submit("shop_ruby/order_processing", {"order_id": "1", "card": "c"})
