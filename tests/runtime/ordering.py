"""Orders of every scenario, placed at once with a worker in whatever language, and what was charged for them."""

from __future__ import annotations

from uuid import uuid4

from tasker import Client, TaskHandle
from tasker.examples.orders import Order
from tasker.examples.orders.scenarios import SCENARIOS, Scenario
from tasker.examples.payments import Books

Placed = tuple[Scenario, Order, TaskHandle]


async def place_all(client: Client, template: str) -> list[Placed]:
    """Submit an order of each scenario."""
    orders = [(each, each.order(uuid4().hex)) for each in SCENARIOS]
    return [
        (each, order, await client.submit(template, order.model_dump())) for each, order in orders
    ]


def assert_charged_as_promised(books: Books, placed: list[Placed]) -> None:
    """The service was called as each scenario has it, and took the money once or not at all."""
    for scenario, order, _ in placed:
        assert books.calls_for(order.order_id) == list(scenario.answers)
        assert len(books.charges_of(order.order_id)) == scenario.charges
