"""The steps in Python: the order is priced, and its articles are set aside.

Their contracts are their annotations. What they return goes to the other languages as JSON.
"""

from uuid import NAMESPACE_URL, uuid5

from tasker import PermanentError, StepContext, handler
from tasker.examples.orders import Cart, Order, Reservation

PRICES_IN_CENTS = {"mug": 950, "notebook": 420, "pencil": 80}


@handler("validate_cart")
async def validate_cart(input: Order) -> Cart:
    unknown = [line.sku for line in input.lines if line.sku not in PRICES_IN_CENTS]
    if unknown:
        raise PermanentError(f"the shop has no {', '.join(unknown)}")
    total = sum(PRICES_IN_CENTS[line.sku] * line.quantity for line in input.lines)
    return Cart(lines=input.lines, total_cents=total)


@handler("reserve_stock")
async def reserve_stock(validate_cart: Cart, ctx: StepContext) -> Reservation:
    pieces = sum(line.quantity for line in validate_cart.lines)
    reservation = uuid5(NAMESPACE_URL, ctx.idempotency_key).hex[:12]
    return Reservation(reservation_id=f"rsv_{reservation}", pieces=pieces)
