"""What comes with Tasker passes its own check."""

from __future__ import annotations

import pytest

from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.effects import exceeds
from tasker_grammar.filling import fill
from tasker_grammar.schema_types import type_of


@pytest.mark.parametrize("composition", list(bundled()), ids=lambda each: each.name)
def test_a_composition_of_the_catalog_is_sound(composition: Composition) -> None:
    example = composition.example
    assert example is not None
    filled = fill(composition, example.arguments)
    assert isinstance(filled, Composition)
    report = check_composition(filled, example.resources, bundled(), type_of(example.input_schema))
    assert report.findings == ()
    program = report.require()
    assert composition.effect is None or not exceeds(program.effect, composition.effect)
