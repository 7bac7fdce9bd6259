"""A schedule as its client sees it. Touches the database through the client's session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from tasker.errors import InvalidInputError
from tasker.schedules import Overlap, Schedule, list_next_fires

__all__ = ["ScheduleHandle"]

Json = Any


@dataclass(frozen=True, slots=True)
class ScheduleHandle:
    """A schedule that is there. Its namespace and name are all that is needed: `client.schedule("shop/nightly")`.

    Changes are recorded with a reason and an actor, and need the role tasker_operator. Each raises NotFoundError when
    there is no such schedule.
    """

    namespace: str
    name: str
    ask: Callable[..., Awaitable[Any]]
    tell: Callable[..., Awaitable[Any]]
    """As `ask`, for what must not be done twice: raises DatabaseUnavailable when the connection is lost under it."""
    encode: Callable[[Schedule], Awaitable[tuple[str, str]]]

    @property
    def full_name(self) -> str:
        """Its namespace and name, as in "shop/nightly"."""
        return f"{self.namespace}/{self.name}"

    async def status(self) -> Mapping[str, Json]:
        """The schedule as `tasker.get_schedule` describes it: its definition, whether it is paused, what runs."""
        return await self._call("select tasker.get_schedule(%s, %s)")

    async def fires(self, limit: int = 20) -> list[Mapping[str, Json]]:
        """What became of its last fires, the last first, as `tasker.list_fires` describes them."""
        return await self._call(
            "select coalesce(json_agg(f), '[]') from tasker.list_fires(%s, %s, %s) as f", limit
        )

    async def next_fires(self, count: int = 10) -> list[datetime]:
        """Its next times, in UTC, before jitter; none while it is paused."""
        status = await self.status()
        return [] if status["paused"] else list_next_fires(status, count)

    async def pause(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """Let it start nothing by itself until it is resumed. Raises InvalidStateError when it is paused."""
        return await self._change("select tasker.pause_schedule(%s, %s, %s, %s)", reason, actor)

    async def resume(self, reason: str, *, actor: str = "client") -> Mapping[str, Json]:
        """Let it go on from now. Raises InvalidStateError when it is not paused."""
        return await self._change("select tasker.resume_schedule(%s, %s, %s, %s)", reason, actor)

    async def trigger(
        self, reason: str, *, overlap: Overlap | None = None, actor: str = "client"
    ) -> Mapping[str, Json]:
        """Fire now, beside its times, also while it is paused. Without `overlap` by its own policy.

        Returns the fire: its state is started (then there is a task_id), buffered, skipped, or refused (then there is a
        note).
        """
        return await self._change(
            "select tasker.trigger_schedule(%s, %s, %s, %s, %s)", reason, actor, overlap
        )

    async def backfill(
        self,
        start: datetime,
        end: datetime,
        reason: str,
        *,
        overlap: Overlap = "buffer_all",
        actor: str = "client",
    ) -> Mapping[str, Json]:
        """Fire for each of its times from `start` to `end`, both included; by default one task after the other.

        The orchestrator does it. Times that were fired before are fired again.
        """
        for at in (start, end):
            if at.utcoffset() is None:
                raise InvalidInputError(f"{at!r} is no time with a time zone", "Give it one.")
        return await self._change(
            "select tasker.backfill_schedule(%s, %s, %s, %s, %s, %s, %s)",
            start,
            end,
            reason,
            actor,
            overlap,
        )

    async def update(
        self, schedule: Schedule, reason: str, *, actor: str = "client"
    ) -> Mapping[str, Json]:
        """Give it another definition, from now on. Raises what `Client.create_schedule` raises."""
        namespace, definition = await self.encode(schedule)
        if namespace != self.namespace:
            raise InvalidInputError(
                f"schedule {self.full_name} cannot start a template of namespace {namespace}",
                "Create a schedule there.",
            )
        return await self._change(
            "select tasker.update_schedule(%s, %s, %s::jsonb, %s, %s)", definition, reason, actor
        )

    async def delete(self, reason: str, *, actor: str = "client") -> None:
        """Delete it, and what it has buffered. Its tasks go on."""
        await self._change("select tasker.delete_schedule(%s, %s, %s, %s)", reason, actor)

    async def _call(self, statement: LiteralString, *arguments: Any) -> Any:
        return await self.ask(statement, [self.namespace, self.name, *arguments])

    async def _change(self, statement: LiteralString, *arguments: Any) -> Any:
        return await self.tell(statement, [self.namespace, self.name, *arguments])
