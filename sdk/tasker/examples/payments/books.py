"""What goes over the wire: requests for charges, and the service's books. Pure."""

from __future__ import annotations

from pydantic import BaseModel

__all__ = ["Books", "Call", "Charge", "Request"]


class Request(BaseModel):
    """The body of `POST /charges`."""

    order_id: str
    card: str
    amount_cents: int


class Charge(BaseModel):
    """Money taken from a card."""

    charge_id: str
    idempotency_key: str
    order_id: str
    amount_cents: int


class Call(BaseModel):
    """A request that came. `done` is charged, stalled, replayed, conflict, failed, busy or
    declined.
    """

    idempotency_key: str
    order_id: str
    done: str


class Books(BaseModel):
    """Everything charged and everything asked since the start, in order: the answer to `GET
    /ledger`.
    """

    charges: list[Charge]
    calls: list[Call]

    def charges_of(self, order_id: str) -> list[Charge]:
        """Give the charges made for an order."""
        return [charge for charge in self.charges if charge.order_id == order_id]

    def calls_for(self, order_id: str) -> list[str]:
        """Give what was done with each request for an order."""
        return [call.done for call in self.calls if call.order_id == order_id]
