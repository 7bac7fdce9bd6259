"""The workflow that `tasker dev` runs when it is given none. Copy it to begin your own.

Four steps: `validate`, then `charge` and `reserve` side by side, then `ship`. Its first charge
fails, to show a retry.
"""

import anyio
from pydantic import BaseModel

from tasker import Retry, RetryableError, StepContext, Workflow


class Order(BaseModel):
    """A task's input."""

    item: str = "a lamp"
    cents: int = 4999


class Receipt(BaseModel):
    """What a charge comes to."""

    charge: str
    cents: int


class Parcel(BaseModel):
    """What a task comes to."""

    item: str
    receipt: Receipt


orders = Workflow("order", namespace="example", version="1.0.0", input=Order)


@orders.step
async def validate(input: Order) -> Order:
    """Look the order over."""
    await anyio.sleep(0.3)
    return input


@orders.step(retry=Retry(max_attempts=5, base="1s"), timeout="10s")
def charge(validate: Order, ctx: StepContext) -> Receipt:
    """Take the money, at the second attempt. A real service would be handed the key."""
    if ctx.attempt == 1:
        raise RetryableError("the payment service did not answer")
    return Receipt(charge=ctx.idempotency_key, cents=validate.cents)


@orders.step
async def reserve(validate: Order) -> str:
    """Take it off the shelf."""
    await anyio.sleep(0.5)
    return validate.item


@orders.step
async def ship(charge: Receipt, reserve: str) -> Parcel:
    """Send it, once it is paid and off the shelf."""
    return Parcel(item=reserve, receipt=charge)
