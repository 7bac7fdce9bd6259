"""A schedule for programs without an event loop: the same handle, called through the client's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal

from tasker.schedule_handle import ScheduleHandle
from tasker.schedules import Overlap, Schedule

__all__ = ["SyncScheduleHandle"]

Json = Any


@dataclass(frozen=True, slots=True)
class SyncScheduleHandle:
    """As ScheduleHandle, for programs without an event loop."""

    _handle: ScheduleHandle
    _portal: BlockingPortal

    @property
    def full_name(self) -> str:
        """Its namespace and name, as in "shop/nightly"."""
        return self._handle.full_name

    def status(self) -> Mapping[str, Json]:
        """As ScheduleHandle.status."""
        return self._portal.call(self._handle.status)

    def fires(self, limit: int = 20) -> Sequence[Mapping[str, Json]]:
        """As ScheduleHandle.fires."""
        return self._portal.call(self._handle.fires, limit)

    def next_fires(self, count: int = 10) -> list[datetime]:
        """As ScheduleHandle.next_fires."""
        return self._portal.call(self._handle.next_fires, count)

    def pause(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """As ScheduleHandle.pause."""
        return self._portal.call(partial(self._handle.pause, reason, actor=actor))

    def resume(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """As ScheduleHandle.resume."""
        return self._portal.call(partial(self._handle.resume, reason, actor=actor))

    def trigger(
        self, reason: str, *, overlap: Overlap | None = None, actor: str = "client"
    ) -> Mapping[str, Json]:
        """As ScheduleHandle.trigger."""
        call = partial(self._handle.trigger, reason, overlap=overlap, actor=actor)
        return self._portal.call(call)

    def backfill(
        self,
        start: datetime,
        end: datetime,
        reason: str,
        *,
        overlap: Overlap = "buffer_all",
        actor: str = "client",
    ) -> Mapping[str, Json]:
        """As ScheduleHandle.backfill."""
        return self._portal.call(
            partial(self._handle.backfill, start, end, reason, overlap=overlap, actor=actor)
        )

    def update(
        self, schedule: Schedule, reason: str, *, actor: str = "client"
    ) -> Mapping[str, Json]:
        """As ScheduleHandle.update."""
        return self._portal.call(partial(self._handle.update, schedule, reason, actor=actor))

    def delete(self, reason: str, *, actor: str = "client") -> None:
        """As ScheduleHandle.delete."""
        self._portal.call(partial(self._handle.delete, reason, actor=actor))
