"""The order workflow on a database, with the payment service in a process of its own."""

import psycopg
import pytest

from tasker import ContractError, TaskFailed
from tasker.examples.orders import PAYMENT_SERVICE_URL, Receipt, orders
from tasker.examples.orders.scenarios import SCENARIOS
from tasker.examples.payments import running_payment_service
from tasker.testing import Task, Tasker


def settle(task: Task) -> str:
    """Let a task end; the receipt's text, or the type of what failed."""
    task.finish()
    try:
        return task.result(Receipt).text
    except TaskFailed as failure:
        return failure.errors[0].type


def test_orders_are_charged_once_whatever_their_payment_meets(
    tasker: Tasker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        tasks = [tasker.submit(orders, scenario.order(scenario.card)) for scenario in SCENARIOS]
        texts = [settle(task) for task in tasks]
        books = service.books()

    for scenario, task, text in zip(SCENARIOS, tasks, texts, strict=True):
        assert task.status()["state"] == scenario.state
        assert books.calls_for(scenario.card) == list(scenario.answers)
        states = [step["state"] for step in task.steps()]
        if scenario.state == "complete":
            [charge] = books.charges_of(scenario.card)
            assert charge.amount_cents == 2320
            assert f"Order {scenario.card}: 2 × mug, 1 × notebook. Paid 23.20 €." in text
            assert set(states) == {"complete"}
        else:
            assert books.charges_of(scenario.card) == []
            assert text == "CardDeclined"
            assert states == ["complete", "complete", "error", "pending", "pending"]

    keys = {(call.order_id, call.idempotency_key) for call in books.calls}
    assert len(keys) == len(SCENARIOS), "an order's key changed between attempts"
    with psycopg.connect(tasker.database_url) as connection:
        query = "select tasker.verify(task_id) from tasker.task"
        assert connection.execute(query).fetchall() == []


def test_an_order_is_charged_once_whatever_its_worker_meets(
    tasker: Tasker, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = next(scenario for scenario in SCENARIOS if scenario.state == "complete")
    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        task = tasker.submit(orders, good.order("crashed"))
        tasker.faults.crash_after("handler", "process_payment")
        tasker.faults.lose_lease("process_payment")
        assert "Paid 23.20 €." in settle(task)
        books = service.books()
    assert len(books.charges_of("crashed")) == 1
    assert set(books.calls_for("crashed")) == {"charged", "replayed"}


def test_retry_waits_as_long_as_the_service_asked(
    tasker: Tasker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        busy = next(s for s in SCENARIOS if "busy" in s.answers)
        tasker.run(orders, busy.order("busy"))
    with psycopg.connect(tasker.database_url) as connection:
        row = connection.execute(
            "select extract(epoch from s.started_at - a.ended_at)::float"
            " from tasker.attempt a join tasker.step s using (task_id, step_no)"
        ).fetchone()
    assert row is not None
    # The policy's own backoff would have been 0.3 s.
    assert 1.0 <= row[0] < 2.0


def test_order_that_does_not_fit_is_refused_when_it_is_submitted(tasker: Tasker) -> None:
    with pytest.raises(ContractError, match="lines"):
        tasker.submit(orders, {"order_id": "1", "card": "card-good", "lines": []})
