"""How long until one can begin: `import tasker`, and `tasker dev` from nothing and warm. Touches processes, files."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from tasker_benchmarks.results import Figure

__all__ = ["cold_start"]

_IMPORTS = 11


def cold_start(_server: str, starts: int = 3) -> Iterator[Figure]:
    """The server that is measured is the one that `tasker dev` starts by itself."""
    imports: list[float] = []
    bare: list[float] = []
    for _ in range(_IMPORTS):
        bare.append(_time([sys.executable, "-c", "pass"]))
        imports.append(_time([sys.executable, "-c", "import tasker"]))
    yield _figure("import tasker", statistics.median(imports) - statistics.median(bare))
    for _ in range(starts):
        with tempfile.TemporaryDirectory() as home:
            for what in ("from nothing", "warm"):
                ready, result = _start_dev(home)
                yield _figure(f"tasker dev {what}: ready", ready)
                yield _figure(f"tasker dev {what}: the first task's first result", result)


def _start_dev(home: str) -> tuple[float, float]:
    """Seconds until `tasker dev` has said where all is, and until a step of its example has completed."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tasker.cli", "dev"],
        env={**os.environ, "TASKER_HOME": home, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    ready = result = 0.0
    try:
        for line in process.stdout:
            if not ready and line.startswith("stop"):
                ready = time.monotonic() - began
            if "validate complete" in line:
                result = time.monotonic() - began
                break
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.stdout.close()
        process.wait(30)
    return ready, result


def _time(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def _figure(series: str, seconds: float) -> Figure:
    return Figure("cold start", series, None, round(seconds, 4), "s", {})
