"""How the roles reach the database: one statement at a time, on a connection that is opened again when it breaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString

__all__ = ["Ask"]

# Runs `select tasker.verb(...)` in a transaction of its own and returns its one value. Errors that pass (a lost
# connection, a deadlock) are retried inside; what is raised is for people.
Ask = Callable[[LiteralString, Sequence[Any]], Awaitable[Any]]
