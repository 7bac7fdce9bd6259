"""Of what results are: the commit, the day, the machine, the server. Touches the repository and the server."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tasker.bench.meter import describe_machine, describe_server
from tasker_benchmarks.results import About

__all__ = ["describe"]


def describe(server: str) -> About:
    """What is measured on this server from now on."""
    with psycopg.connect(server) as connection:
        version = describe_server(connection).version
    machine = describe_machine()
    cores = f"{machine.cores} core{'s' * (machine.cores != 1)} of {machine.cpu}"
    return About(_commit(), f"{datetime.now(UTC):%Y-%m-%d}", cores, version)


def _commit() -> str:
    """The commit's short name, with a "+" where something is not committed; "unknown" outside of a repository."""
    name, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain")
    return "unknown" if not name else f"{name}{'+' * bool(changed)}"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
