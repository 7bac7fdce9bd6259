"""How far a run has come, for who waits for it: a line for each phase, and some within it. Writes to a stream."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

EVERY = 10.0
"""Seconds between two lines of one phase where they cannot be written over each other."""

Tell = Callable[[str, str], None]
"""Takes the phase and where in it the run is."""


def say_nothing(phase: str, where: str) -> None:
    """For runs that nobody looks at."""


def telling(stream: TextIO, now: Callable[[], float] = time.monotonic) -> Tell:
    """Write phases to a stream: on a terminal each line over the last one of its phase, else one every ten seconds."""
    last: list[tuple[str, float]] = []

    def tell(phase: str, where: str) -> None:
        fresh = not last or last[-1][0] != phase
        if stream.isatty():
            begin = ("\n" if last else "") if fresh else "\r\x1b[K"
            stream.write(f"{begin}{phase} {where}")
        elif fresh or now() - last[-1][1] >= EVERY:
            stream.write(f"{phase} {where}\n")
        else:
            return
        stream.flush()
        last[:] = [(phase, now())]

    return tell


def minutes(seconds: float) -> str:
    """Write seconds as mm:ss."""
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"
