"""The order workflow in three languages at once: each task goes through Python, Ruby and TypeScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.ordering import assert_charged_as_promised, place_all
from tests.runtime.support import PATIENCE

from tasker import Client, TaskFailed, Worker
from tasker.discovery import discover
from tasker.examples.payments import running_payment_service
from tasker.languages import make_bridges

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[2] / "examples" / "polyglot"
RUBY, TYPESCRIPT = (
    EXAMPLE.parent / "ruby" / "payment.rb",
    EXAMPLE.parent / "typescript" / "shipping.ts",
)


async def test_one_task_goes_through_three_languages(
    client: Client, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = discover([str(EXAMPLE / "orders.py")], [EXAMPLE / "order_processing.yaml"])
    with running_payment_service() as payments:
        monkeypatch.setenv("PAYMENT_SERVICE_URL", payments.url)
        bridges = make_bridges([str(RUBY), str(TYPESCRIPT)], [], worker="polyglot", grace=10)
        assert [bridge.name for bridge in bridges] == ["ruby", "typescript"]
        async with Worker(*found.templates, *found.handlers, url=database, bridges=bridges):
            # Each language has its own steps and no others, so a task that is complete went through all three.
            served = [{handler.name for handler in bridge.child.handlers} for bridge in bridges]
            assert {handler.name for handler in found.handlers} == {
                "validate_cart",
                "reserve_stock",
            }
            assert served == [{"process_payment"}, {"ship", "write_receipt"}]
            placed = await place_all(client, "shop_polyglot/order_processing")
            for scenario, order, task in placed:
                if scenario.state == "complete":
                    receipt = await task.result(timeout=PATIENCE)
                    bought = f"Order {order.order_id}: 2 × mug, 1 × notebook. Paid 23.20 €."
                    assert receipt["text"].startswith(bought)
                    [charge] = payments.books().charges_of(order.order_id)
                    assert receipt["charge_id"] == charge.charge_id
                else:
                    with pytest.raises(TaskFailed) as failed:
                        await task.result(timeout=PATIENCE)
                    assert failed.value.state == scenario.state
                    assert failed.value.errors[0].type == "PaymentClient::CardDeclined"
            assert [bridge.restarts for bridge in bridges] == [0, 0]
        assert_charged_as_promised(payments.books(), placed)
