"""What the property tests have found, as plain cases."""

from __future__ import annotations

from typing import Any

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.resources import Resources


def codes_of(*steps: dict[str, Any], result: str) -> list[str]:
    written = {"name": "made", "steps": steps, "result": result}
    return [each.code for each in check_composition(written, Resources(), bundled()).findings]


def test_a_step_within_another_that_sees_a_broken_one_outside() -> None:
    broken = {"id": "broken", "kind": "transform", "value": '1 - "a"'}
    inner = {"id": "inner", "kind": "transform", "value": "[.broken, .item]"}
    each = {
        "id": "each",
        "kind": "fan_out",
        "over": "[1]",
        "steps": [inner],
        "result": "inner",
        "max_items": 1,
    }
    assert codes_of(broken, each, result="each") == ["X104"]
