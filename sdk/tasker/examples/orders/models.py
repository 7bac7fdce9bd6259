"""What the order workflow's steps take and give. Money is whole cents."""

from __future__ import annotations

from pydantic import BaseModel, Field

__all__ = ["Cart", "Line", "Order", "Payment", "Receipt", "Reservation", "Shipment"]


class Line(BaseModel):
    """So many of one article."""

    sku: str
    quantity: int = Field(gt=0, le=1000)


class Order(BaseModel):
    """The task's input: what a customer wants and how they pay."""

    order_id: str = Field(min_length=1)
    card: str
    lines: list[Line] = Field(min_length=1)


class Cart(BaseModel):
    """An order that can be filled, with its price."""

    lines: list[Line]
    total_cents: int = Field(ge=0)


class Reservation(BaseModel):
    """Stock set aside for an order."""

    reservation_id: str
    pieces: int


class Payment(BaseModel):
    """A charge. `replayed`: an earlier attempt had made it, and never heard of it."""

    charge_id: str
    amount_cents: int
    replayed: bool


class Shipment(BaseModel):
    """A parcel under way."""

    tracking_id: str
    reservation_id: str


class Receipt(BaseModel):
    """The task's result."""

    order_id: str
    total_cents: int
    charge_id: str
    tracking_id: str
    text: str
