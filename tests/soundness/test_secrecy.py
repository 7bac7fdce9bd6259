"""What is confidential does not flow to where it must not: two runs that differ in nothing else send the same there.

Each program runs twice, with the same answers but for those that are labelled above a level. What both write to places
that accept no more than that level is the same, and both write there or none, if both end complete. A gate lets data
through, so programs with gates are left out.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pytest import MonkeyPatch
from tests.soundness.cases import Case, check, make_case
from tests.soundness.defects.effects import decide_by_secret
from tests.soundness.judge import live
from tests.soundness.outside import LABELS
from tests.soundness.shapes import satisfy
from tests.soundness.watching import Observer
from tests.soundness.world import Outside, Weather, World

from tasker_grammar.checking import steps
from tasker_grammar.primitives.interface import Program

CASES = max(400, int(os.environ.get("TASKER_SOUNDNESS", "0")) // 5)
MOST = 3


def rank(label: str | None) -> int:
    return 0 if label is None else LABELS.index(label)


@dataclass
class Told:
    """What went to places that accept no more than the level; and what was answered that is above it."""

    level: int
    salt: str
    sent: dict[str, str] = field(default_factory=dict[str, str])
    secrets: dict[str, str] = field(default_factory=dict[str, str])


class Listening(World):
    """Answers by place alone, so that two runs have the same answers; above the level, by the salt too."""

    told: Told

    def hear(self, place: str, label: str | None, accepts: str | None, value: Any) -> None:
        salt = self.told.salt if rank(label) > self.told.level else ""
        self.chance = Random(f"{self.outside.seed}/{place}/{salt}")
        if rank(accepts) <= self.told.level:
            self.told.sent[place] = json.dumps(value, sort_keys=True)

    def keep(self, place: str, label: str | None, answer: Any) -> Any:
        if rank(label) > self.told.level:
            self.told.secrets[place] = json.dumps(answer, sort_keys=True)
        return answer

    async def acquire(self, place: str, endpoint: Any, params: Any) -> Any:
        self.hear(place, endpoint.label, endpoint.accepts, params)
        return self.keep(place, endpoint.label, await super().acquire(place, endpoint, params))

    async def persist(self, place: str, table: Any, mode: str, rows: Any, done: Any) -> Any:
        self.hear(place, None, table.accepts, [mode, rows])
        return await super().persist(place, table, mode, rows, done)

    async def emit(
        self, place: str, event: str, about: Any, key: Any, payload: Any, done: Any
    ) -> Any:
        self.hear(place, None, about.accepts, [key, payload])
        return await super().emit(place, event, about, key, payload, done)

    async def invoke(self, place: str, action: Any, value: Any, done: Any) -> Any:
        self.hear(place, action.label, action.accepts, value)
        return self.keep(place, action.label, await super().invoke(place, action, value, done))


class Heard(Outside):
    """An outside of which all is told."""

    told: Told

    def begin(self) -> World:
        old = super().begin()
        new = Listening(old.outside, old.recalled, old.chance)
        new.told = self.told
        return new


def run(case: Case, program: Program, level: int, salt: str) -> tuple[str, Told]:
    outside = Heard(case.seed, Weather(), (True, *case.resources.schemas.values()))
    outside.told = Told(level, salt)
    given = satisfy(Random(case.seed), case.input)
    outcome = asyncio.run(live(program, given, outside, Observer(outside.faults), None))
    assert outside.faults == [], (case.seed, outside.faults)
    return outcome, outside.told


def compare(case: Case, program: Program, seen: Counter[str]) -> str | None:
    """What went where it must not, if anything did."""
    for level in range(len(LABELS) - 1):
        (one, first), (two, second) = (run(case, program, level, salt) for salt in "ab")
        both = first.sent.keys() & second.sent.keys()
        seen["pairs"] += 1
        if first.secrets != second.secrets:
            seen["with secrets"] += 1
            seen["with secrets and listeners"] += bool(both)
        for place in both:
            if first.sent[place] != second.sent[place]:
                return f"{place} tells what is above {LABELS[level]}"
        if one == two == "complete" and first.sent.keys() != second.sent.keys():
            return f"what is above {LABELS[level]} decides whether something is told"
    return None


def look(
    cases: int, seen: Counter[str], change: Callable[[Random, Case], Case] = lambda _, case: case
) -> list[tuple[int, str]]:
    """Make cases with labels, and compare. Gives what was found, by seed."""
    found: list[tuple[int, str]] = []
    for seed in range(2_000_000, 2_000_000 + cases):
        case = change(Random(seed), make_case(seed, secret=True))
        report = check(case)
        if report.program is not None:
            seen["programs"] += 1
            if (leak := compare(case, report.program, seen)) is not None:
                found.append((seed, leak))
                if len(found) >= MOST:
                    break
    return found


def test_nothing_is_learnt_where_it_must_not_be() -> None:
    seen: Counter[str] = Counter()
    assert look(CASES, seen) == []
    print(seen)
    assert seen["with secrets and listeners"] > CASES / 20


def test_a_checker_that_looks_away_is_found_out(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "check_flow", lambda scope, label: None)
    assert look(CASES, Counter()) != []


def test_a_checker_that_does_not_follow_decisions_is_found_out(monkeypatch: MonkeyPatch) -> None:
    assert look(CASES, Counter(), decide_by_secret) == []
    monkeypatch.setattr(steps, "control_of", lambda *_: 0)
    assert look(CASES, Counter(), decide_by_secret) != []
