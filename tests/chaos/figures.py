"""What a run of chaos came to in figures, and whether it recovered in time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import inf
from statistics import median
from typing import Any

from tests.chaos.judge import Evidence, Violation, run_of
from tests.chaos.ledger import Line
from tests.chaos.outcome import Outcome

MARGIN = 2.0
"""Seconds that a loaded machine may take on top of a bound."""


@dataclass(frozen=True)
class Recovery:
    """How long it took after each measured fault, in seconds, against its bound."""

    what: str
    bound: float
    took: Sequence[float]

    def describe(self) -> str:
        if not self.took:
            return f"{self.what}: not measured"
        return (
            f"{self.what}: max {max(self.took):.2f} s, median {median(self.took):.2f} s,"
            f" bound {self.bound:g} s ({len(self.took)} measured)"
        )


@dataclass(frozen=True)
class Figures:
    """Counts of one run."""

    faults: dict[str, int]
    tasks: int
    steps: int
    runs: int
    attempts_failed: int
    attempts_lost: int
    zombies_refused: int
    child_runs: int
    """Runs in bridge children."""
    died_with_a_child: int
    """Attempts that ended because their bridge child died."""
    thawed: int
    """Runs that went on in a bridge child that had been frozen in the middle of them."""
    missed: dict[str, int]
    """Faults that found nobody to strike, because another one had."""
    effects: int


def count(lines: Sequence[Line], evidence: Evidence, outcome: Outcome) -> Figures:
    struck = [line for line in lines if line["event"] == "struck"]
    hit = [line for line in struck if not _missed(line)]
    return Figures(
        faults=dict(Counter(line["fault"] for line in hit).most_common()),
        tasks=len(outcome.tasks),
        steps=len(outcome.steps),
        runs=len(evidence.runs),
        attempts_failed=outcome.attempts.get("retry", 0) + outcome.attempts.get("error", 0),
        attempts_lost=outcome.attempts.get("lost", 0),
        zombies_refused=sum(1 for _ in refused(evidence, outcome)),
        effects=len(outcome.effects),
        child_runs=sum("host" in line for line in evidence.runs.values()),
        died_with_a_child=sum(each["child_died"] for each in outcome.lost),
        thawed=sum(1 for line in hit for _ in _thawed(line["facts"], evidence)),
        missed=dict(Counter(line["fault"] for line in struck if _missed(line))),
    )


def _thawed(facts: Any, evidence: Evidence) -> Iterator[str]:
    """The runs that a frozen child was in the middle of, and that ended, or were left, once it was back."""
    if "thawed" in facts:
        for run in facts["runs"]:
            over = evidence.ends.get(run) or evidence.left.get(run)
            if over is not None and over["at"] > facts["frozen"]:
                yield run


def refused(evidence: Evidence, outcome: Outcome) -> Iterator[Line]:
    """Runs that came to their end after a later attempt of their step had begun, and whose result is not recorded."""
    recorded = {run_of(step) for step in outcome.steps}
    for runs in evidence.runs_of.values():
        for line in runs:
            end = evidence.ends.get(line["run"])
            later = (each for each in runs if each["attempt"] > line["attempt"])
            if (
                end
                and line["run"] not in recorded
                and any(each["at"] < end["at"] for each in later)
            ):
                yield line


def measure(
    lines: Sequence[Line], evidence: Evidence, outcome: Outcome, lease: float
) -> tuple[Recovery, ...]:
    """How long it took after each measured fault until what the fault had ended went on."""
    struck = [
        line
        for line in lines
        if line["event"] == "struck" and line["measured"] and not _missed(line)
    ]
    kills = [line["facts"] for line in struck if line["fault"] == "kill a worker"]
    stops = [line["facts"] for line in struck if line["fault"] == "stop Postgres at once"]
    deaths = [line["facts"] for line in struck if line["fault"] == "kill a bridge child"]
    return (
        Recovery(
            "a killed worker's steps run again", lease + 1,
            [took for facts in kills for took in _granted_again(facts, evidence, outcome)],
        ),
        Recovery(
            "the first step completes after Postgres is back", 2,
            [took for facts in stops for took in _first_completed(facts, outcome)],
        ),
        Recovery(
            "a killed child's steps are known to be lost, before their leases are over", 1,
            [took for facts in deaths for took in _known(facts, evidence, outcome)],
        ),
        Recovery(
            "a killed child has a successor", 1,
            [_succeeded(facts, lines) for facts in deaths],
        ),
    )  # fmt: skip


def _granted_again(facts: Any, evidence: Evidence, outcome: Outcome) -> Iterator[float]:
    """For each run that the victim, or a child of it, was in the middle of.

    Of a run in a child it counts when its step was granted again: the child that is to run it next may have lost steps
    of its own just before, which run alone there, one after the other. A run in a child that had died before is not
    over either: its attempt was lost before.
    """
    killed = datetime.fromisoformat(facts["clock"])
    lost = {(each["task"], each["no"], each["attempt"]): each for each in outcome.lost}
    for runs in evidence.runs_of.values():
        for line in runs:
            hit = facts["victim"] in (line["pid"], line.get("host"))
            if not hit or not _is_open(line, facts["killed"], evidence):
                continue
            if "host" in line:
                found = lost.get((line["task"], line["no"], line["attempt"]))
                at = None if found is None else _time(found["at"])
                took = inf if at is None else (at - killed).total_seconds()
            else:
                later = (each["at"] for each in runs if each["attempt"] > line["attempt"])
                took = min(later, default=inf) - facts["killed"]
            if took > 0:
                yield took


def _is_open(run: Line, at: float, evidence: Evidence) -> bool:
    """Whether a run was under way at a time. A child may go on for a moment without its worker."""
    over = evidence.ends.get(run["run"]) or evidence.left.get(run["run"])
    return run["at"] <= at and (over is None or over["at"] > at)


def _known(facts: Any, evidence: Evidence, outcome: Outcome) -> Iterator[float]:
    """For each run that a killed child was in the middle of: until its worker had said so."""
    killed = datetime.fromisoformat(facts["clock"])
    lost = {(each["task"], each["no"], each["attempt"]): each for each in outcome.lost}
    for line in evidence.runs.values():
        if line["pid"] == facts["victim"] and _is_open(line, facts["dead"], evidence):
            found = lost.get((line["task"], line["no"], line["attempt"]))
            at = None if found is None else _time(found["at"])
            if found is None or at is None or (at > killed and not found["child_died"]):
                yield inf
            elif at > killed:  # else its lease had been lost before
                yield (at - killed).total_seconds()


def _succeeded(facts: Any, lines: Iterable[Line]) -> float:
    """Until its worker's next child for the language has loaded its handlers."""
    who = facts["host"], facts["language"]
    starts = (
        line["at"] - facts["killed"]
        for line in lines
        if line["event"] == "child" and (line["host"], line["language"]) == who
    )
    return min((took for took in starts if took > 0), default=inf)


def _first_completed(facts: Any, outcome: Outcome) -> Iterator[float]:
    back = datetime.fromisoformat(facts["clock"])
    after = [at for step in outcome.steps if (at := _time(step["completed_at"])) and at > back]
    if after:
        yield (min(after) - back).total_seconds()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def judge_recovery(recoveries: Iterable[Recovery], margin: float = MARGIN) -> Iterator[Violation]:
    for each in recoveries:
        late = [took for took in each.took if took > each.bound + margin]
        if late:
            yield Violation(
                "recovery is within its bound", f"{each.what}: {late} s, bound {each.bound:g} s"
            )


def _missed(line: Line) -> bool:
    return "missed" in line["facts"]


def to_json(figures: Figures, recoveries: Sequence[Recovery]) -> dict[str, Any]:
    return {
        **asdict(figures),
        "recovery": [
            {
                "what": each.what,
                "bound": each.bound,
                "max": max(each.took, default=None),
                "median": median(each.took) if each.took else None,
                "measured": len(each.took),
            }
            for each in recoveries
        ],
    }
