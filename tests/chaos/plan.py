"""The plan of a seed: which faults strike, when, and whom. Pure.

A plan is a row of rounds. In the first part of each, the storm, faults of three streams strike side by side: those on
processes, on the server, and on the network. Then it is calm but for the faults whose recovery is measured, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Stream = Literal["processes", "server", "network"]

STORM = 20.0
GAPS: Mapping[Stream, tuple[float, float]] = {
    "processes": (0.3, 2.0),
    "server": (1.0, 4.0),
    "network": (0.5, 2.5),
}
"""Seconds between two faults of a stream in a storm."""
SETTLE = 3.0
"""Seconds until what the storm has left behind is over."""
ALONE = 5.0
"""Seconds that a measured fault has for itself."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault as the plan sees it: how often it is drawn, and how many seconds it lasts."""

    name: str
    stream: Stream
    weight: int
    shortest: float
    longest: float


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that strikes `at` seconds after the beginning. `which`, of 0 to 1, chooses victim and extent."""

    at: float
    fault: str
    stream: Stream
    which: float
    seconds: float
    measured: bool = False


STREAMS: tuple[Stream, ...] = ("processes", "server", "network")


def draw_plan(
    seed: int, seconds: float, kinds: Sequence[FaultKind], measured: Sequence[FaultKind]
) -> list[Strike]:
    """The strikes of a seed, by time. All have ended before `seconds` are over, as far as they can be on time."""
    strikes: list[Strike] = []
    begin, number = 1.0, 0
    while begin + SETTLE + ALONE * len(measured) < seconds:
        random = Random(f"{seed}:{number}")
        room = seconds - begin - SETTLE - ALONE * len(measured)
        end = begin + min(STORM, room)
        for stream in STREAMS:
            of_it = [kind for kind in kinds if kind.stream == stream]
            strikes += _storm(random, begin, end, of_it)
        for place, kind in enumerate(measured):
            at = end + SETTLE + ALONE * place
            which, lasts = random.random(), random.uniform(kind.shortest, kind.longest)
            strikes.append(Strike(at, kind.name, kind.stream, which, lasts, measured=True))
        begin = end + SETTLE + ALONE * len(measured)
        number += 1
    return sorted(strikes, key=lambda strike: strike.at)


def _storm(
    random: Random, begin: float, end: float, kinds: Sequence[FaultKind]
) -> Iterator[Strike]:
    """One stream's strikes, one after the other."""
    at = begin
    while kinds:
        at += random.uniform(*GAPS[kinds[0].stream])
        kind = random.choices(kinds, [kind.weight for kind in kinds])[0]
        seconds = round(random.uniform(kind.shortest, kind.longest), 3)
        if at + seconds > end:
            return
        yield Strike(round(at, 3), kind.name, kind.stream, round(random.random(), 4), seconds)
        at += seconds
