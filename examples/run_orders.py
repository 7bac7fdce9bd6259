"""A whole program: submits orders, runs them, and prints what became of them.

Without TASKER_DATABASE_URL it needs nothing else: on the embedded PostgreSQL, a client also runs
the workflows that it registers. With one, run beside it, with the PAYMENT_SERVICE_URL that it prints,
`tasker worker tasker.examples.orders` and `tasker orchestrator`.
"""

import asyncio
import os
from uuid import uuid4

from tasker import Client, TaskFailed
from tasker.examples.orders import PAYMENT_SERVICE_URL, orders
from tasker.examples.orders.scenarios import SCENARIOS
from tasker.examples.payments import running_payment_service


async def main() -> None:
    with running_payment_service() as payments:
        os.environ[PAYMENT_SERVICE_URL] = payments.url
        print(f"{PAYMENT_SERVICE_URL}={payments.url}")
        async with Client() as client:
            await client.register(orders)
            run = uuid4().hex[:6]
            placed = [scenario.order(f"{run}-{n}") for n, scenario in enumerate(SCENARIOS, start=1)]
            # The key makes it safe to submit again when this program was interrupted.
            tasks = [
                await client.submit(orders, order, idempotency_key=order.order_id)
                for order in placed
            ]
            for order, task in zip(placed, tasks, strict=True):
                try:
                    receipt = await task.result()
                    print(receipt.text)
                except TaskFailed as failure:
                    print(f"Order {order.order_id}: {failure.errors[0]}")
        books = payments.books()
        print(f"{len(books.calls)} calls to the payment service, {len(books.charges)} charges")


if __name__ == "__main__":
    asyncio.run(main())
