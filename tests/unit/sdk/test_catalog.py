"""`tasker.catalog` has a function for each composition that comes with Tasker, and says what does not fit."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import BaseModel

from tasker import DefinitionError, catalog
from tasker.compositions import bind
from tasker_grammar.catalog import bundled
from tasker_grammar.composition import Composition
from tasker_grammar.filling import fill, is_optional


class Order(BaseModel):
    id: str


@pytest.mark.parametrize("composition", list(bundled()), ids=lambda each: each.name)
def test_each_composition_is_a_function(composition: Composition) -> None:
    function: Any = getattr(catalog, composition.name)
    signature = inspect.signature(function)
    assert set(signature.parameters) == set(composition.parameters)
    for name, parameter in composition.parameters.items():
        given = signature.parameters[name].default
        assert (given is not inspect.Parameter.empty) == is_optional(parameter), name
    assert composition.example is not None
    arguments = composition.example.arguments
    assert function(**arguments) == fill(composition, arguments)


def test_a_model_stands_for_its_schema() -> None:
    filled = catalog.fetch_validate(source="orders", schema=Order)
    assert filled.steps[1]["schema"] == {
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
    }


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(DefinitionError, match=r'"source" of fetch_json is .*\[P103\]'):
        catalog.fetch_json(source="Orders")
    with pytest.raises(DefinitionError, match=r'no parameter .*Did you mean "source"'):
        bind("fetch_json", {"sourc": "orders"})
    with pytest.raises(DefinitionError, match='Did you mean "fetch_json"'):
        bind("fetch_jsn", {"source": "orders"})
