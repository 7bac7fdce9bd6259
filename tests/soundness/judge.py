"""Runs what was accepted, with kills and anew, and says what was wrong with it. `python -m tests.soundness.judge SEED`
shows a case.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.soundness.cases import Case, check, make_case
from tests.soundness.shapes import Shape, satisfy
from tests.soundness.watching import OBSERVER, Observer
from tests.soundness.world import Killed, Left, Outside, Weather, misfit

from tasker_grammar.primitives.interface import Program
from tasker_grammar.running import run_program
from tasker_grammar.schema_types import schema_of
from tasker_grammar.world import ActionFailed

RUNS = 2
"""Of each program, in as many weathers."""
MOST_RUNS = 400
PATIENCE = 60.0  # seconds; only a run that does not end takes that long
WEATHERS = (
    Weather(),
    Weather(killed=0.08),
    Weather(spoiled=0.15, failed=0.05, rejected=0.3, killed=0.08),
    Weather(failed=0.4, killed=0.03),
)


@dataclass
class Verdict:
    """What came of some cases: what was seen, and what was wrong, by seed."""

    seen: Counter[str] = field(default_factory=Counter[str])
    faults: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def add(self, other: Verdict) -> None:
        """Take in another."""
        self.seen.update(other.seen)
        self.faults += other.faults


def judge_seeds(seeds: range) -> Verdict:
    """Make, check and run the cases of these numbers."""
    verdict = Verdict()
    for seed in seeds:
        verdict.add(judge_case(make_case(seed)))
    return verdict


def judge_case(case: Case) -> Verdict:
    """Check one case, and if it is accepted, run it in each weather."""
    verdict = Verdict()
    seen = verdict.seen
    seen["cases"] += 1
    report = check(case)
    seen.update(f"finding {code}" for code in {each.code for each in report.findings})
    if report.program is None:
        return verdict
    seen["accepted"] += 1
    seen["accepted fragments"] += case.fragment
    seen["steps accepted"] += len(report.program.steps)
    pool = (True, *case.resources.schemas.values())
    for number in Random(case.seed).sample(range(len(WEATHERS)), RUNS):
        chance = Random(f"run {case.seed}/{number}")
        outside = Outside(case.seed * 10 + number, WEATHERS[number], pool)
        given = satisfy(chance, case.input)
        observer = Observer(
            outside.faults, wants_approval=case.fragment and case.bounds.gate_writes
        )
        outcome = asyncio.run(live(report.program, given, outside, observer, case.contract))
        seen["executions"] += 1
        seen[f"ends {outcome}"] += 1
        seen.update(outside.seen)
        verdict.faults += [(case.seed, fault) for fault in outside.faults]
    return verdict


async def live(
    program: Program, given: Any, outside: Outside, observer: Observer, contract: Shape
) -> str:
    """Run a program as often as it takes, and say how it ended: "complete", or the code of its failure."""
    OBSERVER.set(observer)
    tries = 0
    while outside.runs < MOST_RUNS:
        world = outside.begin()
        observer.ran.clear()
        try:
            async with asyncio.timeout(PATIENCE):
                value = await run_program(program, {"input": given}, world)
        except ActionFailed as failure:
            if failure.code not in program.failures:
                outside.faults.append(
                    f"it failed with {failure.code}, which is not declared: {failure}"
                )
            tries += 1
            if failure.retryable and tries < outside.seed % 4:
                continue
            return failure.code
        except (Killed, Left):
            continue
        except TimeoutError:
            outside.faults.append("it does not end")
            return "endless"
        except BaseException as error:
            outside.faults.append(f"it crashed at {outside.runs}: {error!r}")
            return "crashed"
        finally:
            tally(program, observer, outside, world.writes)
        for shape in (schema_of(program.output), True if contract is None else contract):
            if wrong := misfit(shape, value):
                outside.faults.append(f"its result is not what was said: {wrong}")
        return "complete"
    outside.faults.append(f"it was not complete after {outside.runs} runs")
    return "endless"


def tally(program: Program, observer: Observer, outside: Outside, writes: int) -> None:
    """Hold what one run did against the program's bounds."""
    cost = program.cost
    outside.seen.update({f"ran {kind}": times for kind, times in observer.ran.items()})
    outside.seen[f"depth {observer.deepest}"] += 1
    if sum(observer.ran.values()) > cost.work:
        outside.faults.append(f"it did {sum(observer.ran.values())} of {cost.work} at most")
    if max(writes, len(outside.effects)) > cost.writes:
        outside.faults.append(
            f"it wrote {max(writes, len(outside.effects))} of {cost.writes} at most"
        )


if __name__ == "__main__":
    wanted = make_case(int(sys.argv[1]))
    print(json.dumps({"resources": wanted.resources.model_dump(exclude_defaults=True)}, indent=1))
    print(json.dumps({"input": wanted.input, "steps": wanted.steps}, indent=1, ensure_ascii=False))
    for finding in check(wanted).findings:
        print(finding)
    print(judge_case(wanted))
