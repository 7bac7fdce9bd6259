"""As operations, for programs without an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal

from tasker.filters import Filter
from tasker.operating import Changes
from tasker.operations import Operations

__all__ = ["SyncOperations", "iterate"]

T = TypeVar("T")
Json = Any


def iterate(portal: BlockingPortal, items: AsyncIterator[T]) -> Iterator[T]:
    """The items of an asynchronous iterator, each waited for when it is asked for."""
    while True:
        try:
            yield portal.call(items.__anext__)
        except StopAsyncIteration:
            return


class SyncOperations:
    """What `SyncClient` does with tasks that fit a filter, as `Client`."""

    _operations: Operations
    _portal: BlockingPortal

    def list_tasks(
        self, filter: Filter | None = None, *, limit: int | None = None
    ) -> Iterator[Mapping[str, Json]]:
        """As Client.list_tasks."""
        return iterate(self._portal, self._operations.list_tasks(filter, limit=limit))

    def dead_letters(self, namespace: str | None = None) -> Sequence[Mapping[str, Json]]:
        """As Client.dead_letters."""
        return self._portal.call(self._operations.dead_letters, namespace)

    def cancel_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        compensate: bool = False,
        dry_run: bool = False,
    ) -> Changes:
        """As Client.cancel_all."""
        return self._portal.call(
            partial(
                self._operations.cancel_all,
                filter,
                reason,
                actor=actor,
                compensate=compensate,
                dry_run=dry_run,
            )
        )

    def retry_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """As Client.retry_all."""
        return self._portal.call(
            partial(
                self._operations.retry_all,
                filter,
                reason,
                actor=actor,
                dry_run=dry_run,
            )
        )

    def pause_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """As Client.pause_all."""
        return self._portal.call(
            partial(
                self._operations.pause_all,
                filter,
                reason,
                actor=actor,
                dry_run=dry_run,
            )
        )

    def resume_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """As Client.resume_all."""
        return self._portal.call(
            partial(
                self._operations.resume_all,
                filter,
                reason,
                actor=actor,
                dry_run=dry_run,
            )
        )

    def resolve_all(
        self,
        filter: Filter,
        reason: str,
        *,
        actor: str = "client",
        dry_run: bool = False,
    ) -> Changes:
        """As Client.resolve_all."""
        return self._portal.call(
            partial(
                self._operations.resolve_all,
                filter,
                reason,
                actor=actor,
                dry_run=dry_run,
            )
        )

    def pause_template(self, template: str, reason: str, *, actor: str = "client") -> Changes:
        """As Client.pause_template."""
        call = partial(self._operations.pause_template, template, reason, actor=actor)
        return self._portal.call(call)

    def resume_template(self, template: str, reason: str, *, actor: str = "client") -> Changes:
        """As Client.resume_template."""
        call = partial(self._operations.resume_template, template, reason, actor=actor)
        return self._portal.call(call)
