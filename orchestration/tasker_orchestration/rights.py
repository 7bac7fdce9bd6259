"""Waits while the login may not work any more: somebody may give the right back. Touches nothing but through `ask`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, LiteralString

import anyio
import psycopg

from tasker_orchestration.database import Ask

__all__ = ["wait_for_rights"]

_log = logging.getLogger(__name__)

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0


def wait_for_rights(ask: Ask) -> Ask:
    """As `ask`, but what the database refuses the login is asked again, ever more seldom, until it is allowed."""

    async def patient(statement: LiteralString, parameters: Sequence[Any]) -> Any:
        wait = _FIRST_WAIT
        while True:
            try:
                return await ask(statement, parameters)
            except psycopg.errors.InsufficientPrivilege as error:
                _log.error(
                    "the database refuses this orchestrator (%s): its login needs the role tasker_worker."
                    " Will ask again in %g s",
                    error.diag.message_primary,
                    wait,
                )
            await anyio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    return patient
