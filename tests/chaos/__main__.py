"""`python -m tests.chaos`: breaks the engine on purpose and judges what became of it. Exit code 1 on any violation."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import orjson
import typer
from tests.chaos.progress import telling
from tests.chaos.report import as_json, describe
from tests.chaos.run import Verdict, plan_of, run

BESIDE = "a minute or two besides, to start, to calm down after each storm, and to drain"


def main(
    seconds: Annotated[float, typer.Option(help="How long faults strike.")] = 120,
    seed: Annotated[int | None, typer.Option(help="Default: a new one.")] = None,
    rate: Annotated[float, typer.Option(help="Tasks that are submitted in a second.")] = 8,
    report: Annotated[Path | None, typer.Option(help="A file for the report as JSON.")] = None,
    folder: Annotated[Path | None, typer.Option(help="For the ledger and the logs.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Print the plan, and do nothing.")] = False,
) -> None:
    """Break the engine on purpose, and judge what became of it."""
    seed = SystemRandom().randrange(1_000_000) if seed is None else seed
    if plan:
        for strike in plan_of(seed, seconds):
            print(
                f"{strike.at:8.2f} {strike.seconds:5.2f} s  {strike.fault}{' (measured)' * strike.measured}"
            )
        return
    folder = Path(tempfile.mkdtemp(prefix="tasker-chaos-")) if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"seed {seed}, {seconds:g} s of faults and {BESIDE}; ledger and logs in {folder}",
        flush=True,
    )
    verdict = asyncio.run(_until_told(run(seed, seconds, rate, folder, telling(sys.stderr))))
    print(file=sys.stderr)
    for line in describe(verdict):
        print(line)
    if report is not None:
        report.write_bytes(orjson.dumps(as_json(verdict), option=orjson.OPT_INDENT_2, default=str))
    raise typer.Exit(bool(verdict.violations))


async def _until_told(conducting: Coroutine[Any, Any, Verdict]) -> Verdict:
    """Conduct; at SIGTERM what was started and mounted is cleared away, as at Ctrl-C."""
    task = asyncio.ensure_future(conducting)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    typer.run(main)
