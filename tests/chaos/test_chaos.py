"""A minute and a half of chaos with a fixed seed; `make chaos` runs longer ones."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.chaos.report import as_json, describe
from tests.chaos.run import run


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_no_promise_is_broken() -> None:
    # Not pytest's folder: each session of pytest takes it away from other users, as whom the server runs.
    folder = Path(tempfile.mkdtemp(prefix="tasker-chaos-"))
    verdict = asyncio.run(run(seed=25, seconds=85, rate=6, folder=folder))
    print(*describe(verdict), sep="\n")
    assert list(verdict.violations) == []
    # It was not quiet, and it is not that nothing was judged.
    assert sum(verdict.figures.faults.values()) > 25
    assert verdict.figures.tasks > 300
    assert verdict.figures.effects > 300
    assert verdict.figures.attempts_lost > 10
    assert all(recovery.took for recovery in verdict.recoveries)
    assert as_json(verdict)["violations"] == []
    shutil.rmtree(folder)
