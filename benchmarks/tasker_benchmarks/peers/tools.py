"""What no Python package has, fetched or built once into a cache folder: pgflow's SQL, Temporal's server.

Run as a module, with the names of those wanted: pgflow (seconds), temporal (a quarter of an hour on two cores).
Touches files, and npm and go as programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["GO_VERSION", "PGFLOW", "TEMPORAL", "pgflow_sql", "temporal_program"]

PGFLOW = "0.8.1"
TEMPORAL = "1.32.1"
GO_VERSION = (1, 26, 8)  # what that version of Temporal asks for
_PROGRAMS = {"server": "cmd/server", "sql": "cmd/tools/sql"}


def pgflow_sql() -> list[Path] | None:
    """The migrations of pgflow in their order; None where they were not fetched."""
    folder = _folder() / f"pgflow-{PGFLOW}" / "package" / "dist" / "supabase" / "migrations"
    return sorted(folder.glob("*.sql")) or None


def temporal_program(name: str) -> Path | None:
    """One of Temporal's programs, `server` or `sql` (which makes its tables); None where they were not built."""
    program = _folder() / f"temporal-{TEMPORAL}" / name
    return program if program.exists() else None


def _folder() -> Path:
    return user_cache_path("tasker-benchmarks") / "rivals"


def _fetch_pgflow() -> str:
    if pgflow_sql() is not None:
        return "pgflow's SQL is there"
    if shutil.which("npm") is None:
        return "pgflow will not be measured: its SQL is an npm package, and there is no npm here"
    folder = _folder() / f"pgflow-{PGFLOW}"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["npm", "pack", "--silent", f"@pgflow/core@{PGFLOW}"]
    if not _run(command, folder, {}):
        return "pgflow will not be measured: npm did not get its package"
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as contents:
            contents.extractall(folder, filter="data")
        archive.unlink()
    return "pgflow's SQL was fetched"


def _build_temporal() -> str:
    if all(temporal_program(name) for name in _PROGRAMS):
        return "Temporal's server is there"
    wanted = ".".join(map(str, GO_VERSION))
    if shutil.which("go") is None:
        return f"Temporal will not be measured: its server is built with Go {wanted}, and there is no Go here"
    folder = _folder() / f"temporal-{TEMPORAL}"
    folder.mkdir(parents=True, exist_ok=True)
    for package in _PROGRAMS.values():
        command = ["go", "install", f"go.temporal.io/server/{package}@v{TEMPORAL}"]
        if not _run(command, folder, {"GOBIN": str(folder), "GOFLAGS": "-p=1"}):
            return f"Temporal will not be measured: Go did not build it (it asks for Go {wanted})"
    return "Temporal's server was built"


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> bool:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, check=False, stdout=sys.stderr
    )
    return done.returncode == 0


if __name__ == "__main__":
    makers = {"pgflow": _fetch_pgflow, "temporal": _build_temporal}
    for wanted in sys.argv[1:] or makers:
        print(makers[wanted]())
