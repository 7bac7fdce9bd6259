"""Every function of the table does what its example says, as jq does, inside of the type that was inferred."""

import jq
import jsonschema
import pytest

from tasker_grammar.expressions import Budget, Expression, check
from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.schema_types import schema_of
from tasker_grammar.type_algebra import type_of_value


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=[f"{n}-{a}" for n, a in FUNCTIONS])
def test_the_example_of_a_function(function):
    source, given, result = function.example
    expression = check(source, type_of_value(given))
    assert isinstance(expression, Expression), expression
    assert function.name in source
    assert expression.evaluate(given, Budget()) == result
    assert jq.compile(source).input_value(given).all() == [result]
    jsonschema.validate(result, schema_of(expression.type))
