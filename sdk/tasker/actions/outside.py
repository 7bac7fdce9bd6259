"""What one worker keeps of the outside for the compositions that it runs. Opens nothing before it is needed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

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


@asynccontextmanager
async def open_outside(
    resources: Resources, secrets: Secrets, actions: Mapping[str, Invocable]
) -> AsyncGenerator[Outside]:
    """What a worker needs, until it stops. Raises DefinitionError where resources and actions do not agree."""
    known = with_actions(resources, actions)
    async with Web() as web, Databases(secrets) as databases:
        yield Outside(known, secrets, web, databases, actions)
