"""The order workflow's handlers, called as the plain functions they are."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

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
    Shipment,
    process_payment,
    reserve_stock,
    ship,
    validate_cart,
    write_receipt,
)
from tasker.examples.orders.payment_client import PaymentServiceFailed
from tasker.examples.payments import PaymentService, running_payment_service

LINES = [Line(sku="mug", quantity=2), Line(sku="pencil", quantity=3)]
CART = Cart(lines=LINES, total_cents=2140)


def order(card: str = "card-good") -> Order:
    return Order(order_id="o1", card=card, lines=LINES)


def context(
    step: str, seconds: float | None = None, reports: list[Progress] | None = None
) -> StepContext:
    return StepContext(
        task_id=UUID(int=7),
        namespace="shop",
        template="order_processing",
        version="1.0.0",
        step_name=step,
        deadline=None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds),
        report=([] if reports is None else reports).append,
    )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[PaymentService]:
    with running_payment_service() as service:
        monkeypatch.setenv(PAYMENT_SERVICE_URL, service.url)
        yield service


def test_cart_is_priced() -> None:
    assert asyncio.run(validate_cart(order())) == CART


def test_article_that_the_shop_does_not_have_is_permanent() -> None:
    strange = Order(order_id="o1", card="card-good", lines=[Line(sku="anvil", quantity=1)])
    with pytest.raises(PermanentError, match="anvil"):
        asyncio.run(validate_cart(strange))


def test_reservation_is_the_same_on_every_attempt_and_reports_progress() -> None:
    reports: list[Progress] = []
    first = asyncio.run(reserve_stock(CART, context("reserve_stock", reports=reports)))
    assert asyncio.run(reserve_stock(CART, context("reserve_stock"))) == first
    assert first.pieces == 5
    assert [(report.done, report.total) for report in reports] == [(1, 2), (2, 2)]


def test_payment_charges_the_total_under_the_idempotency_key(service: PaymentService) -> None:
    ctx = context("process_payment")
    payment = process_payment(CART, order(), ctx)
    assert payment == Payment(charge_id="ch_1", amount_cents=2140, replayed=False)
    [charge] = service.books().charges
    assert (charge.idempotency_key, charge.order_id) == (ctx.idempotency_key, "o1")


def test_payment_made_again_charges_nothing(service: PaymentService) -> None:
    process_payment(CART, order(), context("process_payment"))
    again = process_payment(CART, order(), context("process_payment"))
    assert again.replayed
    assert len(service.books().charges) == 1


def test_declined_card_is_permanent(service: PaymentService) -> None:
    with pytest.raises(CardDeclined, match="card-declined was declined"):
        process_payment(CART, order("card-declined"), context("process_payment"))
    assert service.books().charges == []
    assert issubclass(CardDeclined, PermanentError)


def test_busy_service_sets_the_delay(service: PaymentService) -> None:
    with pytest.raises(RetryableError) as caught:
        process_payment(CART, order("card-busy"), context("process_payment"))
    assert caught.value.retry_after == 1.0


def test_server_error_is_an_ordinary_exception(service: PaymentService) -> None:
    with pytest.raises(PaymentServiceFailed, match="answered 500"):
        process_payment(CART, order("card-fails-twice"), context("process_payment"))


def test_stalled_call_ends_with_the_attempt(service: PaymentService) -> None:
    with pytest.raises(TimeoutError):
        process_payment(CART, order("card-stalls"), context("process_payment", seconds=0.3))
    assert len(service.books().charges) == 1


def test_key_in_use_for_another_amount_is_permanent(service: PaymentService) -> None:
    process_payment(CART, order(), context("process_payment"))
    other = Cart(lines=LINES, total_cents=1)
    with pytest.raises(PermanentError, match="answered 422"):
        process_payment(other, order(), context("process_payment"))


def test_worker_that_does_not_know_the_service_leaves_it_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(PAYMENT_SERVICE_URL, raising=False)
    with pytest.raises(RetryableError, match=PAYMENT_SERVICE_URL):
        process_payment(CART, order(), context("process_payment"))


def test_receipt_says_what_was_paid_and_where_it_is() -> None:
    payment = Payment(charge_id="ch_9", amount_cents=2140, replayed=False)
    shipment = asyncio.run(
        ship(payment, Reservation(reservation_id="rsv_1", pieces=5), context("ship"))
    )
    receipt = write_receipt(order(), CART, payment, shipment)
    assert isinstance(shipment, Shipment)
    assert receipt.text == (
        f"Order o1: 2 × mug, 3 × pencil. Paid 21.40 €. Parcel {shipment.tracking_id}."
    )
