"""What a batch came to, and ways to split one. Pure."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

__all__ = ["BatchFailure", "BatchResults", "Slice", "slices"]

Result = TypeVar("Result")

_MOST_WORKERS = 100_000


class BatchFailure(BaseModel):
    """A batch worker that failed for good: its place in the batch from 1, its item, its error."""

    instance: int
    input: Any
    error: dict[str, Any]
    """`type` and `message` of what it raised last."""


class BatchResults(BaseModel, Generic[Result]):
    """What a batch came to that goes on without those that fail, each in the order of the items."""

    results: list[Result]
    failures: list[BatchFailure] = Field(default_factory=list[BatchFailure])


class Slice(BaseModel):
    """A part of something counted: from `start` up to, and without, `stop`."""

    start: int
    stop: int


def slices(total: int, size: int) -> list[Slice]:
    """Split `total` things into parts of `size`, the last one shorter: what a batch may return.

    Raises `ValueError` when `total` is negative, `size` not positive, or the parts too many.
    """
    if total < 0 or size < 1:
        raise ValueError(f"{total} things cannot be split into parts of {size}")
    if total > size * _MOST_WORKERS:
        raise ValueError(f"{total} in parts of {size} are more than {_MOST_WORKERS:,} parts")
    return [Slice(start=start, stop=min(start + size, total)) for start in range(0, total, size)]
