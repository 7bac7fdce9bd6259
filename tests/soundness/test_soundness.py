"""What the checker accepts keeps every contract when it runs, whatever the outside does and wherever it is killed.

`TASKER_SOUNDNESS` says how many cases are made: 5,000 in the suite, 50,000 in `make soundness`.
"""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from tests.soundness.judge import Verdict, judge_seeds

from tasker_grammar.primitives import PRIMITIVES

FEW = 5_000
CASES = int(os.environ.get("TASKER_SOUNDNESS", FEW))
CHUNK = 100
FAILURES = (
    "REJECTED", "EXPIRED", "RESULT_INVALID", "RESOURCE_UNAVAILABLE", "TOO_LARGE", "DATA_ERROR", "VALIDATION_FAILED",
    "OUT_OF_RANGE", "NOT_ENOUGH", "TOO_WIDE", "CONFLICT", "CONSTRAINT", "OutOfStock", "ACTION_FAILED",
)  # fmt: skip


def judge_all(cases: int) -> Verdict:
    """All cases, on as many processes as there are cores."""
    parts = [range(at, min(at + CHUNK, cases)) for at in range(0, cases, CHUNK)]
    whole = Verdict()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for verdict in pool.map(judge_seeds, parts):
            whole.add(verdict)
    return whole


@pytest.mark.timeout(300 + CASES)
def test_what_is_accepted_keeps_its_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = judge_all(CASES)
    seen = verdict.seen
    if CASES != FEW:
        with capsys.disabled():
            print("\n" + "\n".join(f"{seen[name]:9} {name}" for name in sorted(seen)))
    assert verdict.faults == [], show(verdict)
    assert_that_it_was_worth_it(seen)


def show(verdict: Verdict) -> str:
    lines = [
        f"python -m tests.soundness.judge {seed}: {fault}" for seed, fault in verdict.faults[:10]
    ]
    return f"{len(verdict.faults)} faults:\n" + "\n".join(lines)


def assert_that_it_was_worth_it(seen: Counter[str]) -> None:
    """What is never accepted is never wrong: so much of it is, and of every kind, and in all weathers."""
    cases, executions = seen["cases"], seen["executions"]
    assert seen["accepted"] > cases * 0.4
    assert seen["accepted fragments"] > cases * 0.1
    assert seen["steps accepted"] > seen["accepted"] * 5
    assert executions * 0.3 < seen["ends complete"] < executions * 0.9
    for kind in PRIMITIVES:
        assert seen[f"ran {kind}"] > cases / 50, kind
    for code in FAILURES:
        assert seen[f"ends {code}"] > 0, code
    assert seen["depth 2"] > cases / 100
    for what in ("killed", "effects", "spoiled", "failed"):
        assert seen[what] > cases / 50, what
