"""A minute of chaos with a fixed seed whose plan has every kind of fault; `make chaos` runs longer ones."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.chaos.faults import FAULTS
from tests.chaos.report import as_json, describe
from tests.chaos.run import run


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_no_promise_is_broken() -> None:
    # Not pytest's folder: each session of pytest takes it away from other users, as whom the server runs.
    folder = Path(tempfile.mkdtemp(prefix="tasker-chaos-"))
    phases: list[str] = []
    verdict = asyncio.run(
        run(295876, seconds=65, rate=5, folder=folder, tell=lambda phase, _: phases.append(phase))
    )
    assert list(dict.fromkeys(phases)) == ["starting", "running", "draining", "judging"]
    print(*describe(verdict), sep="\n")
    assert list(verdict.violations) == []
    # It was not quiet, and it is not that nothing was judged.
    figures = verdict.figures
    kinds = {fault.kind.name for fault in FAULTS} - verdict.left_out.keys()
    assert figures.faults.keys() >= kinds
    assert sum(figures.faults.values()) > 25
    assert figures.tasks > 300
    assert figures.effects > 200
    assert figures.attempts_lost > 10
    assert figures.child_runs > 100
    assert figures.died_with_a_child > 0
    assert figures.thawed > 0
    assert all(recovery.took for recovery in verdict.recoveries)
    assert as_json(verdict)["violations"] == []
    shutil.rmtree(folder)
