"""One run of chaos: from its seed to its verdict. Touches all that the stage touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.conductor import conduct
from tests.chaos.faults import FAULTS, MEASURED
from tests.chaos.figures import Figures, Recovery, count, judge_recovery, measure
from tests.chaos.judge import Violation, judge, sort_ledger
from tests.chaos.ledger import read_ledger
from tests.chaos.outcome import read_outcome
from tests.chaos.plan import Strike, draw_plan
from tests.chaos.progress import Tell, say_nothing
from tests.chaos.stage import staging
from tests.chaos.worker import LEASE


@dataclass(frozen=True)
class Verdict:
    """What a run came to."""

    seed: int
    seconds: float
    plan: Sequence[Strike]
    figures: Figures
    recoveries: Sequence[Recovery]
    violations: Sequence[Violation]
    left_out: dict[str, str]
    ledger: Path


def plan_of(seed: int, seconds: float) -> list[Strike]:
    return draw_plan(seed, seconds, [f.kind for f in FAULTS], [f.kind for f in MEASURED])


async def run(
    seed: int, seconds: float, rate: float, folder: Path, tell: Tell = say_nothing
) -> Verdict:
    """Strike for so many seconds under so many tasks a second, wait for rest, judge. The ledger stays in the folder."""
    tell("starting", "a server, workers with their children, orchestrators and a client")
    ledger = folder / "ledger"
    ledger.touch()
    plan = plan_of(seed, seconds)
    async with staging(folder, ledger, seed, rate) as stage:
        await conduct(stage, plan, seconds, tell)
        tell("judging", "the ledger against the database")
        outcome = read_outcome(stage.url)
        missing = stage.missing
    lines = list(read_ledger(ledger))
    evidence = sort_ledger(lines)
    recoveries = measure(lines, evidence, outcome, LEASE)
    violations = [*judge(evidence, outcome), *judge_recovery(recoveries)]
    figures = count(lines, evidence, outcome)
    return Verdict(seed, seconds, plan, figures, recoveries, violations, missing, ledger)
