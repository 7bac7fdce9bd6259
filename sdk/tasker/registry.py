"""Registers templates. Touches the database through the session it is given."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from tasker.template import Template
from tasker_sql.session import Session

__all__ = ["register"]


async def register(session: Session, templates: Iterable[Template]) -> None:
    """Register templates; one that is registered already with the same definition is no change."""
    for template in templates:
        definition = orjson.dumps(template.to_json()).decode()
        await session.ask("select tasker.register_template(%s::jsonb)", [definition])
