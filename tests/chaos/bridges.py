"""The children of the workers' bridges: who they are, and what they run. Touches the ledger and the process table."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.chaos.abroad import LANGUAGES
from tests.chaos.ledger import Line, read_end

LONGEST = 5.0
"""Seconds that a handler may run; one that has not ended by then was killed, frozen, or has failed."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child that lives, and has run handlers. `process` knows it from another one that gets its number later."""

    process: psutil.Process
    host: int
    """Its worker's process."""
    language: str
    runs: Sequence[str]
    """What it is in the middle of."""


def find_children(ledger: Path, hosts: Sequence[int | None]) -> list[Child]:
    """The children of these workers that have run something lately, in an order that pids have no part in."""
    lines = list(read_end(ledger))
    runs: dict[tuple[int, int, str], list[str]] = {
        (line["pid"], line["host"], line["language"]): [] for line in lines if _tells(line, hosts)
    }
    for line in running(lines):
        if _tells(line, hosts):
            runs[line["pid"], line["host"], line["language"]].append(line["run"])
    found = [
        Child(process, host, language, open_runs)
        for (pid, host, language), open_runs in runs.items()
        if (process := _process(pid, host)) is not None
    ]
    return sorted(found, key=lambda child: (hosts.index(child.host), child.language))


def running(lines: Sequence[Line]) -> Iterator[Line]:
    """The runs that have begun lately and have not ended."""
    over = {line["run"] for line in lines if line["event"] in ("end", "left")}
    for line in lines:
        if (
            line["event"] == "run"
            and line["run"] not in over
            and line["at"] > time.monotonic() - LONGEST
        ):
            yield line


def are_complete(host: int | None) -> bool:
    """Whether a worker has a child for each language now."""
    with suppress(psutil.Error):
        return host is not None and len(psutil.Process(host).children()) == len(LANGUAGES)
    return False


def by_host(lines: Sequence[Line]) -> dict[int, int]:
    """How many runs each worker, with its children, is in the middle of."""
    counts: dict[int, int] = defaultdict(int)
    for line in running(lines):
        counts[line.get("host", line["pid"])] += 1
    return counts


def _tells(line: Line, hosts: Sequence[int | None]) -> bool:
    return line["event"] == "run" and line.get("host") in hosts


def _process(pid: int, host: int) -> psutil.Process | None:
    """The process, if it is that worker's child still."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.ppid() == host and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
