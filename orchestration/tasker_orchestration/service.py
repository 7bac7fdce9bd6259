"""Runs all roles of one orchestrator together until it is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import anyio

from tasker_orchestration.database import Ask
from tasker_orchestration.promoter import promote
from tasker_orchestration.pruner import prune
from tasker_orchestration.registrar import keep_up
from tasker_orchestration.rescuer import rescue
from tasker_orchestration.rights import wait_for_rights
from tasker_orchestration.scheduler import schedule

__all__ = ["OrchestratorSettings", "orchestrate"]


@dataclass(frozen=True, slots=True)
class OrchestratorSettings:
    """How often the roles look and how much they take at once. Times in seconds, but for the retention."""

    retention: timedelta = timedelta(days=7)  # ended tasks are kept this long
    timer_rest: float = 0.5  # longest rest between two looks at the timers
    timer_rows: int = 1000
    schedule_rest: float = 1.0  # longest rest between two looks at the schedules
    schedule_rows: int = 100
    rescue_interval: float = 30.0
    rescue_rows: int = 1000
    prune_interval: float = 60.0
    prune_rows: int = 1000
    prune_pause: float = 0.05
    upkeep_interval: float = 5.0


async def orchestrate(
    ask: Ask, *, orchestrator_id: UUID, name: str, settings: OrchestratorSettings
) -> None:
    """Run every role until cancelled. A role that fails ends them all, with its error.

    A login that may not do this at the start is an error; one that loses the right later waits until it has it again.
    """
    await ask("select tasker.upkeep(%s, %s)", [orchestrator_id, name])
    ask = wait_for_rights(ask)
    async with anyio.create_task_group() as roles:

        async def promoter() -> None:
            await promote(ask, max_rows=settings.timer_rows, longest_rest=settings.timer_rest)

        async def scheduler() -> None:
            await schedule(
                ask, max_rows=settings.schedule_rows, longest_rest=settings.schedule_rest
            )

        async def rescuer() -> None:
            await rescue(ask, max_rows=settings.rescue_rows, interval=settings.rescue_interval)

        async def pruner() -> None:
            await prune(
                ask,
                retention=settings.retention,
                max_rows=settings.prune_rows,
                interval=settings.prune_interval,
                pause=settings.prune_pause,
            )

        async def registrar() -> None:
            await keep_up(
                ask, orchestrator_id=orchestrator_id, name=name, interval=settings.upkeep_interval
            )

        for role in (promoter, scheduler, rescuer, pruner, registrar):
            roles.start_soon(role, name=role.__name__)
