"""The order workflow's steps.

    validate_cart ─┬─ reserve_stock ───┬─ ship ── write_receipt
                   └─ process_payment ─┘

Each is a plain function, so a unit test calls it. Each may run more than once, so each is written
to come to the same again: ids are derived from the step's idempotency key, and the payment service
is handed that key.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import NAMESPACE_URL, uuid5

from tasker import PermanentError, Retry, StepContext, Workflow
from tasker.examples.orders.models import Cart, Order, Payment, Receipt, Reservation, Shipment
from tasker.examples.orders.payment_client import charge_card, payment_service_url

__all__ = ["orders", "process_payment", "reserve_stock", "ship", "validate_cart", "write_receipt"]

PRICES_IN_CENTS: Mapping[str, int] = {"mug": 950, "notebook": 420, "pencil": 80}

orders = Workflow("order_processing", namespace="shop", version="1.0.0", input=Order)


@orders.step
async def validate_cart(input: Order) -> Cart:
    """Price the order. Raises PermanentError for an article that the shop does not have."""
    unknown = [line.sku for line in input.lines if line.sku not in PRICES_IN_CENTS]
    if unknown:
        raise PermanentError(f"the shop has no {', '.join(unknown)}")
    total = sum(PRICES_IN_CENTS[line.sku] * line.quantity for line in input.lines)
    return Cart(lines=input.lines, total_cents=total)


@orders.step
async def reserve_stock(validate_cart: Cart, ctx: StepContext) -> Reservation:
    """Set the articles aside, one after the other, saying how far it is."""
    for done, line in enumerate(validate_cart.lines, start=1):
        ctx.progress(done, len(validate_cart.lines), f"{line.quantity} × {line.sku}")
    pieces = sum(line.quantity for line in validate_cart.lines)
    return Reservation(reservation_id=_id("rsv", ctx), pieces=pieces)


@orders.step(retry=Retry(max_attempts=5, base="300ms", cap="5s"), timeout="5s")
def process_payment(validate_cart: Cart, input: Order, ctx: StepContext) -> Payment:
    """Charge the card. Blocking, so it is a plain `def`: the worker runs it on a thread."""
    return charge_card(
        payment_service_url(),
        order_id=input.order_id,
        card=input.card,
        amount_cents=validate_cart.total_cents,
        idempotency_key=ctx.idempotency_key,
        timeout=ctx.remaining(),
    )


@orders.step
async def ship(process_payment: Payment, reserve_stock: Reservation, ctx: StepContext) -> Shipment:
    """Hand the parcel over. Starts only after payment and reservation are both committed."""
    ctx.logger.info("shipping against charge %s", process_payment.charge_id)
    return Shipment(tracking_id=_id("trk", ctx), reservation_id=reserve_stock.reservation_id)


@orders.step
def write_receipt(
    input: Order, validate_cart: Cart, process_payment: Payment, ship: Shipment
) -> Receipt:
    """Tell the customer what they bought."""
    lines = [f"{line.quantity} × {line.sku}" for line in validate_cart.lines]
    euros, cents = divmod(process_payment.amount_cents, 100)
    return Receipt(
        order_id=input.order_id,
        total_cents=process_payment.amount_cents,
        charge_id=process_payment.charge_id,
        tracking_id=ship.tracking_id,
        text=f"Order {input.order_id}: {', '.join(lines)}. Paid {euros}.{cents:02d} €. "
        f"Parcel {ship.tracking_id}.",
    )


def _id(prefix: str, ctx: StepContext) -> str:
    """Make an id that is the same on every attempt of the step."""
    return f"{prefix}_{uuid5(NAMESPACE_URL, ctx.idempotency_key).hex[:12]}"
