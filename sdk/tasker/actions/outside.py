"""What one worker keeps of the outside for the compositions that it runs. Opens nothing before it is needed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio.to_thread

from tasker.actions.databases import Databases
from tasker.actions.invoking import Invocable, with_actions
from tasker.actions.secrets import Secrets
from tasker.actions.table_shape import Shape, Shapes
from tasker.actions.web import Web
from tasker_grammar.resources import Resources

__all__ = ["Outside", "open_outside"]


@dataclass(frozen=True, slots=True)
class Outside:
    """Resources, and the connections through which they are reached. `shapes` are those of Tasker's own database."""

    resources: Resources
    secrets: Secrets
    web: Web
    databases: Databases
    actions: Mapping[str, Invocable]
    shapes: Shapes = field(default_factory=dict[tuple[str, str], Shape])
    computing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    async def compute(self, call: Callable[[], Any]) -> Any:
        """What the call gives, which computes long and touches nothing, while the event loop goes on. One at a time:
        more threads would take turns with each other, and leave the loop a smaller share.
        """
        return await anyio.to_thread.run_sync(call, limiter=self.computing)


@asynccontextmanager
async def open_outside(
    resources: Resources, secrets: Secrets, actions: Mapping[str, Invocable]
) -> AsyncGenerator[Outside]:
    """What a worker needs, until it stops. Raises DefinitionError where resources and actions do not agree."""
    known = with_actions(resources, actions)
    async with Web() as web, Databases(secrets) as databases:
        yield Outside(known, secrets, web, databases, actions)
