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
    effects: int


def count(lines: Iterable[Line], evidence: Evidence, outcome: Outcome) -> Figures:
    struck = Counter(
        line["fault"] for line in lines if line["event"] == "struck" and not _missed(line)
    )
    return Figures(
        faults=dict(struck.most_common()),
        tasks=len(outcome.tasks),
        steps=len(outcome.steps),
        runs=len(evidence.runs),
        attempts_failed=outcome.attempts.get("retry", 0) + outcome.attempts.get("error", 0),
        attempts_lost=outcome.attempts.get("lost", 0),
        zombies_refused=sum(1 for _ in refused(evidence, outcome)),
        effects=len(outcome.effects),
    )


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
) -> tuple[Recovery, Recovery]:
    """How long a killed worker's steps took to run again, and Postgres, once back, to see a first step completed."""
    struck = [
        line
        for line in lines
        if line["event"] == "struck" and line["measured"] and not _missed(line)
    ]
    kills = [line["facts"] for line in struck if line["fault"] == "kill a worker"]
    stops = [line["facts"] for line in struck if line["fault"] == "stop Postgres at once"]
    return (
        Recovery(
            "a killed worker's steps run again", lease + 1,
            [took for facts in kills for took in _granted_again(facts, evidence)],
        ),
        Recovery(
            "the first step completes after Postgres is back", 2,
            [took for facts in stops for took in _first_completed(facts, outcome)],
        ),
    )  # fmt: skip


def _granted_again(facts: Any, evidence: Evidence) -> Iterator[float]:
    """For each run that the victim was in the middle of."""
    for runs in evidence.runs_of.values():
        for line in runs:
            over = line["run"] in evidence.ends or line["run"] in evidence.left
            if line["pid"] == facts["victim"] and not over:
                later = (each["at"] for each in runs if each["attempt"] > line["attempt"])
                yield min(later, default=inf) - facts["killed"]


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
