"""What typed steps give that are not the user's own types. Pure."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

__all__ = ["Both", "Invalid", "Parted", "Saved", "Sent"]

T = TypeVar("T")
L = TypeVar("L")
R = TypeVar("R")


class Both(BaseModel, Generic[L, R]):
    """What two steps gave for the same input."""

    left: L
    right: R


class Saved(BaseModel):
    """How many rows were given to a table, and how many of them changed something."""

    rows: int
    changed: int


class Sent(BaseModel):
    """The event that was sent."""

    event_id: str


class Invalid(BaseModel):
    """An item that does not keep a contract: its place in the list, itself, and why."""

    index: int
    value: Any
    errors: list[Any]


class Parted(BaseModel, Generic[T]):
    """The items that keep a contract, and those that do not."""

    valid: list[T]
    invalid: list[Invalid]
