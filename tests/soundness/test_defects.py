"""One defect in what is sound is found, and is told by the right code: for every code there is."""

from __future__ import annotations

import os
from functools import lru_cache
from random import Random

import pytest
from tests.soundness.cases import Case, check, make_case
from tests.soundness.defects import DEFECTS, Defect
from tests.soundness.defects.seeding import insert, transform

from tasker_grammar.checking.codes import CODES

CASES = max(6, int(os.environ.get("TASKER_SOUNDNESS", "0")) // 100)
ELSEWHERE = {"R506", "R507", "R508", "R511"}
"""What is found in a database or in the worker's secrets, when resources are held against them: tests/actions."""
EVERY = [
    pytest.param(code, function, id=f"{code} {function.__name__} {at}")
    for code, functions in sorted(DEFECTS.items())
    for at, function in enumerate(functions)
]


@lru_cache(1)
def sound_cases() -> list[Case]:
    """Some cases that are accepted, half of them fragments."""
    found: dict[bool, list[Case]] = {True: [], False: []}
    seed = 1_000_000
    while min(map(len, found.values())) < CASES:
        case = make_case(seed)
        seed += 1
        if len(found[case.fragment]) < CASES and check(case).program is not None:
            found[case.fragment].append(case)
    return [case for both in zip(*found.values(), strict=True) for case in both]


def test_every_code_has_a_defect() -> None:
    assert CODES.keys() - DEFECTS.keys() == ELSEWHERE
    assert DEFECTS.keys() - CODES.keys() == set()


def test_what_defects_are_put_into_is_sound_and_so_is_a_step_without_one() -> None:
    for case in sound_cases():
        report = check(insert(Random(case.seed), case, transform("1")))
        assert report.program is not None, report.findings


@pytest.mark.parametrize(("code", "function"), EVERY)
def test_a_defect_is_found_by_its_code(code: str, function: Defect) -> None:
    tried = 0
    for case in sound_cases():
        found = function(Random(case.seed), case)
        if found is None:
            continue
        tried += 1
        codes = {finding.code for finding in found}
        assert code in codes, (case.seed, codes)
        severities = {finding.severity for finding in found if finding.code == code}
        assert severities == {CODES[code].severity}
    assert tried >= CASES / 3
