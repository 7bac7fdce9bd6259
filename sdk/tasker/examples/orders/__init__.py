"""An order workflow: from a cart, through stock and payment side by side, to a receipt.

Its payment step calls a service that fails, stalls, declines and asks for patience, and must charge
once all the same. Run a worker with `PAYMENT_SERVICE_URL=… tasker worker tasker.examples.orders`.
"""

from tasker.examples.orders.models import Cart, Line, Order, Payment, Receipt, Reservation, Shipment
from tasker.examples.orders.payment_client import PAYMENT_SERVICE_URL, CardDeclined
from tasker.examples.orders.workflow import (
    orders,
    process_payment,
    reserve_stock,
    ship,
    validate_cart,
    write_receipt,
)

__all__ = [
    "PAYMENT_SERVICE_URL",
    "CardDeclined",
    "Cart",
    "Line",
    "Order",
    "Payment",
    "Receipt",
    "Reservation",
    "Shipment",
    "orders",
    "process_payment",
    "reserve_stock",
    "ship",
    "validate_cart",
    "write_receipt",
]
