"""The order workflow on a database, with the payment service in a process of its own."""

import asyncio

import psycopg
import pytest
from tests.examples.support import serving

from tasker import ContractError, TaskFailed
from tasker.client import Client
from tasker.examples.orders import PAYMENT_SERVICE_URL, Receipt, orders
from tasker.examples.orders.scenarios import SCENARIOS
from tasker.examples.payments import running_payment_service
from tasker.handle import TaskHandle


async def settle(task: TaskHandle) -> str:
    """Wait for a task; the receipt's text, or the type of what failed."""
    try:
        return (await task.result(Receipt, timeout=30)).text
    except TaskFailed as failure:
        return failure.errors[0].type


def test_orders_are_charged_once_whatever_their_payment_meets(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> list[tuple[str, str, list[str]]]:
        async with serving(database, orders) as client:
            tasks = [
                await client.submit(orders, scenario.order(scenario.card)) for scenario in SCENARIOS
            ]
            texts = await asyncio.gather(*map(settle, tasks))
            return [
                (
                    (await task.status())["state"],
                    text,
                    [step["state"] for step in await task.steps()],
                )
                for task, text in zip(tasks, texts, strict=True)
            ]

    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        ended = asyncio.run(main())
        books = service.books()

    for scenario, (state, text, steps) in zip(SCENARIOS, ended, strict=True):
        assert state == scenario.state
        assert books.calls_for(scenario.card) == list(scenario.answers)
        if state == "complete":
            [charge] = books.charges_of(scenario.card)
            assert charge.amount_cents == 2320
            assert f"Order {scenario.card}: 2 × mug, 1 × notebook. Paid 23.20 €." in text
            assert set(steps) == {"complete"}
        else:
            assert books.charges_of(scenario.card) == []
            assert text == "CardDeclined"
            assert steps == ["complete", "complete", "error", "pending", "pending"]

    keys = {(call.order_id, call.idempotency_key) for call in books.calls}
    assert len(keys) == len(SCENARIOS), "an order's key changed between attempts"
    with psycopg.connect(database) as connection:
        query = "select tasker.verify(task_id) from tasker.task"
        assert connection.execute(query).fetchall() == []


def test_retry_waits_as_long_as_the_service_asked(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> float:
        async with serving(database, orders) as client:
            busy = next(s for s in SCENARIOS if "busy" in s.answers)
            task = await client.submit(orders, busy.order("busy"))
            await task.result(timeout=30)
            with psycopg.connect(database) as connection:
                row = connection.execute(
                    "select extract(epoch from s.started_at - a.ended_at)::float"
                    " from tasker.attempt a join tasker.step s using (task_id, step_no)"
                ).fetchone()
            assert row is not None
            return row[0]

    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        # The policy's own backoff would have been 0.3 s.
        assert 1.0 <= asyncio.run(main()) < 3.0


def test_order_that_does_not_fit_is_refused_when_it_is_submitted(database: str) -> None:
    async def main() -> None:
        async with Client(database) as client:
            await client.register(orders)
            with pytest.raises(ContractError, match="lines"):
                await client.submit(orders, {"order_id": "1", "card": "card-good", "lines": []})

    asyncio.run(main())
