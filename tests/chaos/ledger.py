"""The outside ledger: a file that everybody appends to, and that the engine knows nothing of. Touches that file.

A line is written in one call, so that whoever is killed tears no line but the own, and all lines have one order. It
begins with a line's end, so that what was torn spoils no other. Times are of the machine's monotonic clock, which no
fault moves. What was written outlives its process: nothing here kills the kernel, so lines are not flushed to the disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

Line = Mapping[str, Any]

LEDGER = "CHAOS_LEDGER"
"""The variable that names the file to the processes that write to it."""


def write_down(event: str, **facts: Any) -> None:
    """Append one line to the ledger that the environment names."""
    append(Path(os.environ[LEDGER]), event, **facts)


def append(path: Path, event: str, **facts: Any) -> None:
    line = orjson.dumps({"event": event, "at": time.monotonic(), "pid": os.getpid(), **facts})
    ledger = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(ledger, b"\n" + line + b"\n")
    finally:
        os.close(ledger)


def read_ledger(path: Path) -> Iterator[Line]:
    """All lines in the order in which they were written; torn ones are left out."""
    with path.open("rb") as file:
        for text in file:
            line = read_line(text)
            if line is not None:
                yield line


def read_end(path: Path, size: int = 500_000) -> Iterator[Line]:
    """The last lines, so many bytes of them."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        yield from (line for line in map(read_line, file) if line is not None)


def read_line(text: bytes) -> Line | None:
    """One line, or None where it is empty or torn."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
