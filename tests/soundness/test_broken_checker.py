"""A checker or an interpreter with a rule taken out is found out: so what finds nothing in the whole ones can find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pytest import MonkeyPatch
from tests.soundness.judge import judge_seeds

from tasker_grammar.checking import closing, scope, steps
from tasker_grammar.contracts import Contract, Yes
from tasker_grammar.primitives import fan_out
from tasker_grammar.running import interpreter
from tasker_grammar.types import Field

MOST = 1_500
CHUNK = 10


def everything_fits(patch: MonkeyPatch) -> None:
    patch.setattr(scope, "judge", lambda given, taken: Yes())


def every_input_fits_a_composition(patch: MonkeyPatch) -> None:
    patch.setattr(closing, "_fits", lambda *_: True)


def no_answer_is_held_to_its_contract(patch: MonkeyPatch) -> None:
    patch.setattr(Contract, "check", lambda self, value: [])


def all_that_stands_before_has_run(patch: MonkeyPatch) -> None:
    patch.setattr(steps, "Field", lambda type, required=True: Field(type))


def every_step_runs(patch: MonkeyPatch) -> None:
    patch.setattr(interpreter, "is_left_out", lambda step, left_out: False)


def nothing_is_recalled(patch: MonkeyPatch) -> None:
    class Forgetful(interpreter._Run):
        def __init__(self, world: Any, watch: Any) -> None:
            super().__init__(world, watch)
            self.recalled = {}

    patch.setattr(interpreter, "_Run", Forgetful)


def nothing_is_made_durable(patch: MonkeyPatch) -> None:
    patch.setattr(interpreter._Running, "done", property(lambda self: {}))


def items_cost_nothing(patch: MonkeyPatch) -> None:
    patch.setattr(fan_out, "_cost", lambda body, items: body)


def no_failure_is_declared(patch: MonkeyPatch) -> None:
    whole = steps._program

    def without(*arguments: Any) -> Any:
        return replace(whole(*arguments), failures=frozenset())

    patch.setattr(steps, "_program", without)


def every_write_has_a_gate(patch: MonkeyPatch) -> None:
    patch.setattr(steps, "check_gate", lambda scope, checked: None)


RULES: list[Callable[[MonkeyPatch], None]] = [
    everything_fits,
    every_input_fits_a_composition,
    no_answer_is_held_to_its_contract,
    all_that_stands_before_has_run,
    every_step_runs,
    nothing_is_recalled,
    nothing_is_made_durable,
    items_cost_nothing,
    no_failure_is_declared,
    every_write_has_a_gate,
]


@pytest.mark.parametrize("rule", RULES)
def test_it_is_found_out(rule: Callable[[MonkeyPatch], None], monkeypatch: MonkeyPatch) -> None:
    rule(monkeypatch)
    faults: list[tuple[int, str]] = []
    for at in range(0, MOST, CHUNK):
        faults += judge_seeds(range(at, at + CHUNK)).faults
        if faults:
            break
    assert faults, f"nobody noticed in {MOST} cases"
    print(at, faults[0])
