"""The order workflow's handlers, called as the plain functions they are."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tasker import PermanentError, RetryableError, StepContext
from tasker.context import Progress
from tasker.examples.orders import (
    PAYMENT_SERVICE_URL,
    CardDeclined,
    Cart,
    Line,
    Order,
    Payment,
    Reservation,
    process_payment,
    reserve_stock,
    ship,
    validate_cart,
    write_receipt,
)
from tasker.examples.orders.payment_client import PaymentServiceFailed
from tasker.examples.payments import Charge, PaymentService, running_payment_service

LINES = [Line(sku="mug", quantity=2), Line(sku="pencil", quantity=3)]
CART = Cart(lines=LINES, total_cents=2140)


@pytest.fixture
def task() -> UUID:
    return uuid4()


@pytest.fixture(scope="module")
def running() -> Iterator[PaymentService]:
    with running_payment_service() as service:
        yield service


@pytest.fixture
def service(running: PaymentService, monkeypatch: pytest.MonkeyPatch) -> PaymentService:
    monkeypatch.setenv(PAYMENT_SERVICE_URL, running.url)
    return running


def order(task: UUID, card: str = "card-good") -> Order:
    return Order(order_id=f"order-{task}", card=card, lines=LINES)


def context(
    task: UUID,
    step: str = "process_payment",
    seconds: float | None = None,
    reports: list[Progress] | None = None,
) -> StepContext:
    return StepContext(
        task_id=task,
        namespace="shop",
        template="order_processing",
        version="1.0.0",
        step_name=step,
        deadline=None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds),
        report=([] if reports is None else reports).append,
    )


def charges(service: PaymentService, task: UUID) -> list[Charge]:
    return service.books().charges_of(f"order-{task}")


def test_cart_is_priced(task: UUID) -> None:
    assert asyncio.run(validate_cart(order(task))) == CART


def test_article_that_the_shop_does_not_have_is_permanent() -> None:
    strange = Order(order_id="1", card="card-good", lines=[Line(sku="anvil", quantity=1)])
    with pytest.raises(PermanentError, match="anvil"):
        asyncio.run(validate_cart(strange))


def test_reservation_is_the_same_on_every_attempt_and_reports_progress(task: UUID) -> None:
    reports: list[Progress] = []
    first = asyncio.run(reserve_stock(CART, context(task, "reserve_stock", reports=reports)))
    assert asyncio.run(reserve_stock(CART, context(task, "reserve_stock"))) == first
    assert first.pieces == 5
    assert [(report.done, report.total) for report in reports] == [(1, 2), (2, 2)]


def test_payment_charges_the_total_under_the_idempotency_key(
    service: PaymentService, task: UUID
) -> None:
    payment = process_payment(CART, order(task), context(task))
    [charge] = charges(service, task)
    assert payment == Payment(charge_id=charge.charge_id, amount_cents=2140, replayed=False)
    assert charge.idempotency_key == context(task).idempotency_key
    assert charge.amount_cents == 2140


def test_payment_made_again_charges_nothing(service: PaymentService, task: UUID) -> None:
    process_payment(CART, order(task), context(task))
    again = process_payment(CART, order(task), context(task))
    assert again.replayed
    assert len(charges(service, task)) == 1


def test_declined_card_is_permanent(service: PaymentService, task: UUID) -> None:
    with pytest.raises(CardDeclined, match="card-declined was declined"):
        process_payment(CART, order(task, "card-declined"), context(task))
    assert charges(service, task) == []
    assert issubclass(CardDeclined, PermanentError)


@pytest.mark.usefixtures("service")
def test_busy_service_sets_the_delay(task: UUID) -> None:
    with pytest.raises(RetryableError) as caught:
        process_payment(CART, order(task, "card-busy"), context(task))
    assert caught.value.retry_after == 1.0


@pytest.mark.usefixtures("service")
def test_server_error_is_an_ordinary_exception(task: UUID) -> None:
    with pytest.raises(PaymentServiceFailed, match="answered 500"):
        process_payment(CART, order(task, "card-fails-twice"), context(task))


def test_stalled_call_ends_with_the_attempt(service: PaymentService, task: UUID) -> None:
    with pytest.raises(TimeoutError):
        process_payment(CART, order(task, "card-stalls"), context(task, seconds=0.3))
    assert len(charges(service, task)) == 1


@pytest.mark.usefixtures("service")
def test_key_in_use_for_another_amount_is_permanent(task: UUID) -> None:
    process_payment(CART, order(task), context(task))
    other = Cart(lines=LINES, total_cents=1)
    with pytest.raises(PermanentError, match="answered 422"):
        process_payment(other, order(task), context(task))


def test_service_that_is_not_there_is_retried(monkeypatch: pytest.MonkeyPatch, task: UUID) -> None:
    with running_payment_service() as gone:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, gone.url)
    with pytest.raises(OSError, match="refused"):
        process_payment(CART, order(task), context(task))


def test_worker_that_does_not_know_the_service_leaves_it_to_another(
    monkeypatch: pytest.MonkeyPatch, task: UUID
) -> None:
    monkeypatch.delenv(PAYMENT_SERVICE_URL, raising=False)
    with pytest.raises(RetryableError, match=PAYMENT_SERVICE_URL):
        process_payment(CART, order(task), context(task))


def test_receipt_says_what_was_paid_and_where_it_is(task: UUID) -> None:
    payment = Payment(charge_id="ch_9", amount_cents=2140, replayed=False)
    reservation = Reservation(reservation_id="rsv_1", pieces=5)
    shipment = asyncio.run(ship(payment, reservation, context(task, "ship")))
    receipt = write_receipt(order(task), CART, payment, shipment)
    assert receipt.text == (
        f"Order order-{task}: 2 × mug, 3 × pencil. Paid 21.40 €. Parcel {shipment.tracking_id}."
    )
    assert shipment.reservation_id == "rsv_1"
