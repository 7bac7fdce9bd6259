"""Tighter bounds never make something acceptable that was not."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.soundness.cases import BOUNDS, check, make_case

from tasker_grammar.composition import Bounds
from tasker_grammar.primitives import PRIMITIVES

CASES = 300


def tighten(chance: Random, bounds: Bounds) -> Bounds:
    """The same or tighter, each bound for itself."""
    lower = {
        name: chance.randint(0 if name in ("max_fan_out", "max_writes") else 1, most)
        for name in ("max_steps", "max_depth", "max_fan_out", "max_work", "max_writes")
        if (most := min(getattr(bounds, name), 60)) and chance.random() < 0.4
    }
    kinds = bounds.kinds or tuple(PRIMITIVES)
    if chance.random() < 0.3:
        lower["kinds"] = tuple(kind for kind in kinds if chance.random() < 0.9)
    if chance.random() < 0.3:
        lower["gate_writes"] = True
    return bounds.model_copy(update=lower)


def test_tightening_bounds_accepts_nothing_new() -> None:
    lost = 0
    for seed in range(CASES):
        chance = Random(seed)
        case = replace(make_case(seed), fragment=True)
        loose = tighten(chance, BOUNDS.model_copy(update={"gate_writes": False}))
        tight = tighten(chance, loose)
        by_loose = check(replace(case, bounds=loose)).program
        by_tight = check(replace(case, bounds=tight)).program
        assert by_loose is not None or by_tight is None, (seed, loose, tight)
        lost += by_loose is not None and by_tight is None
    assert lost > CASES / 30  # else nothing was tightened that counts
