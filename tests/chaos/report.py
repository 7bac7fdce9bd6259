"""A verdict as people read it, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import orjson
from tests.chaos.figures import to_json
from tests.chaos.run import Verdict

_MOST = 20  # violations that are written out, and lines of each


def describe(verdict: Verdict) -> Iterator[str]:
    """The lines of the report."""
    figures = verdict.figures
    yield f"seed {verdict.seed}, {verdict.seconds:g} s, {sum(figures.faults.values())} faults"
    for name, times in figures.faults.items():
        yield f"  {times:4} × {name}"
    for name, times in figures.missed.items():
        yield f"  {times:4} × {name}, in vain: another fault was there first"
    for name, why in verdict.left_out.items():
        yield f"     - × {name}: {why}"
    yield f"{figures.tasks} tasks, {figures.steps} steps, {figures.runs} runs of handlers, {figures.effects} effects"
    yield (
        f"{figures.attempts_failed} attempts failed, {figures.attempts_lost} were lost,"
        f" {figures.zombies_refused} zombies were refused"
    )
    yield (
        f"{figures.child_runs} runs in bridge children; {figures.died_with_a_child} died with one,"
        f" {figures.thawed} were frozen and went on"
    )
    for recovery in verdict.recoveries:
        yield recovery.describe()
    yield f"{len(verdict.violations)} violations"
    for violation in verdict.violations[:_MOST]:
        yield f"  ✗ {violation.promise}: {violation.what}"
        if violation.task:
            yield f"      task {violation.task}"
        for line in violation.lines[:_MOST]:
            yield f"      {orjson.dumps(line).decode()[:4000]}"
    if verdict.violations:
        yield f"the whole ledger: {verdict.ledger}"


def as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "seed": verdict.seed,
        "seconds": verdict.seconds,
        **to_json(verdict.figures, verdict.recoveries),
        "left_out": verdict.left_out,
        "violations": [asdict(violation) for violation in verdict.violations],
    }
