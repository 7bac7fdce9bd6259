"""The part of a client that looks after many tasks at once. Touches the database through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, LiteralString

from tasker.filters import Filter
from tasker.operating import Changes, change_all, list_tasks, pause_template

__all__ = ["Operations"]


class Operations(ABC):
    """What `Client` does with tasks that fit a filter.

    It is a text, as in "state=error template=shop/order created>2d", or an object as `tasker.list_tasks` takes it.
    """

    @abstractmethod
    async def _ask(self, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
        """The value that a statement of the SQL API gives."""

    def list_tasks(
        self, filter: Filter | None = None, *, limit: int | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """The tasks that fit a filter, newest first, as `tasker.list_tasks` describes them; all, or at most `limit`.

        The filter is a text, as in "state=error template=shop/order created>2d", or an object. Pages are asked for as
        they are needed. Raises InvalidInputError for a filter that is none, NotFoundError for a template that is not
        there.
        """
        return list_tasks(self._ask, filter, limit)

    async def dead_letters(self, namespace: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Steps that failed for good in open tasks, in groups of one cause, the largest first.

        Each group is as `tasker.list_dead_letters` describes it; the filter "fingerprint=…" fits its tasks.
        """
        found = await self._ask("select tasker.list_dead_letters(%s)", [namespace])
        return found["groups"]

    async def cancel_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        compensate: bool = False,
        dry_run: bool = False,
    ) -> Changes:
        """Cancel all tasks that fit a filter. With `compensate`, what they had completed is undone first.

        They are changed in pages, each in a transaction of its own, beside workers that go on. A task that the verb
        cannot be done to any more is counted as skipped, by why. With `dry_run` nothing is changed. Raises
        InvalidInputError for a filter that is none, or that is empty, NotFoundError for a template that is not there.
        """
        return await change_all(
            self._ask, "compensate" if compensate else "cancel", filter, reason, actor, dry_run
        )

    async def retry_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """Retry the failed steps of all tasks that fit a filter; see `cancel_all`."""
        return await change_all(self._ask, "retry", filter, reason, actor, dry_run)

    async def pause_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """Pause all tasks that fit a filter; see `cancel_all`."""
        return await change_all(self._ask, "pause", filter, reason, actor, dry_run)

    async def resume_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """Resume all paused tasks that fit a filter; see `cancel_all`."""
        return await change_all(self._ask, "resume", filter, reason, actor, dry_run)

    async def resolve_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """Close all tasks that fit a filter as dealt with by hand; see `cancel_all`."""
        return await change_all(self._ask, "resolve", filter, reason, actor, dry_run)

    async def pause_template(self, template: str, reason: str, *, actor: str = "client") -> Changes:
        """Pause a template, "namespace/name" or "namespace/name@version", and its open tasks.

        No step of its tasks starts until it is resumed; new tasks are accepted, and wait. Raises NotFoundError when
        there is none, InvalidStateError when it is paused already.
        """
        return await pause_template(self._ask, "pause", template, reason, actor)

    async def resume_template(
        self, template: str, reason: str, *, actor: str = "client"
    ) -> Changes:
        """Resume a template, and what its pause has paused. Raises InvalidStateError when it is not paused."""
        return await pause_template(self._ask, "resume", template, reason, actor)
