"""What a check comes to does not hang on the process: a template is compiled in each worker, and has to be the same."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import orjson
from tests.soundness.cases import check, make_case

from tasker_grammar.primitives.interface import Program
from tasker_grammar.schema_types import schema_of

ROOT = Path(__file__).parents[2]
CASES = 120


def digests() -> list[str]:
    """For each case, what stands for all that its check came to."""
    told: list[str] = []
    for seed in range(CASES):
        report = check(make_case(seed))
        said = [each.as_json() for each in report.findings]
        whole = [said, _types(report.program)]
        told.append(sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest())
    return told


def _types(program: Program | None) -> object:
    steps = program.steps if program else ()
    return [
        [each.id, schema_of(each.checked.output), sorted(each.checked.failures)] for each in steps
    ]


def test_a_check_comes_to_the_same_in_each_process() -> None:
    mine = digests()
    for number in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": number, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.soundness.test_same_everywhere"]
        run = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, check=True, text=True
        )
        others = run.stdout.split()
        assert [at for at in range(CASES) if mine[at] != others[at]] == []


if __name__ == "__main__":
    print("\n".join(digests()))
