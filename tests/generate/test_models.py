"""The models for Python take exactly what their schema takes, and write what they have taken."""

from __future__ import annotations

import json
import sys
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from tests.generate.support import record

from tasker.errors import GenerateError
from tasker.generate.bundle import Bundle
from tasker.generate.examples import NoExample, make_example
from tasker.generate.plan import Example
from tasker.generate.python.models import write_models
from tasker.generate.types import Named
from tasker_grammar.contracts import Contract

NAMES = ["id", "class", "my-field", "model_config", "copy", "größe", "x", "Order"]

leaves = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-5, 5),
        st.integers(0, 5),
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-3, 3)),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    st.just({"type": "string", "pattern": "^[a-c]+$"}),
    st.just({"type": ["string", "null"]}),
    st.just({"type": ["integer", "string"], "minimum": 2, "minLength": 2}),
    st.lists(st.sampled_from(["a", "bb", 1, 7, None]), min_size=1, max_size=3, unique=True).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(["a", 3, None]).map(lambda value: {"const": value}),
)


def objects(inner):
    fields = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=4)
    return st.builds(
        lambda properties, some, closed: {
            "type": "object",
            "properties": properties,
            "required": [name for n, name in enumerate(properties) if some >> n & 1],
            **({"additionalProperties": False} if closed else {}),
        },
        fields,
        st.integers(0, 15),
        st.booleans(),
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 1}, inner),
        st.builds(lambda items: {"type": "object", "additionalProperties": items}, inner),
        st.builds(lambda a: {"anyOf": [a, {"type": "null"}]}, inner),
        st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner),
    ),
    max_leaves=6,
)


def load(schema) -> type[BaseModel]:
    """The model of a schema, as it would be imported."""
    bundle = Bundle()
    named = bundle.add("Whole", schema)
    assert isinstance(named, Named)
    module: Any = types.ModuleType("generated_types")
    sys.modules[module.__name__] = module
    exec(write_models(bundle.definitions, {named.name}), module.__dict__)
    return getattr(module, named.name)


def takes(model: type[BaseModel], value) -> bool:
    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


FIELDS = {
    "flag": {"type": "boolean"},
    "nothing": {"type": "null"},
    "small": {"type": "integer", "minimum": -2, "maximum": 3},
    "more": {"type": "number", "exclusiveMinimum": 0},
    "text": {"type": "string", "minLength": 1, "maxLength": 2},
    "letters": {"type": "string", "pattern": "^[a-c]+$"},
    "maybe": {"type": ["string", "null"]},
    "either": {"type": ["integer", "string"], "minimum": 2, "minLength": 2},
    "chosen": {"enum": ["a", "bb", 7, None]},
    "fixed": {"const": "a"},
    "class": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    "my-field": {"type": "object", "additionalProperties": {"type": "integer"}},
    "inner": record(["a"], a={"type": "integer"}, b={"type": "boolean"}) | {"additionalProperties": False},
    "null or inner": {"anyOf": [record(a={"type": "integer"}), {"type": "null"}]},
    "one of": {"anyOf": [record(kind={"const": "p"}), {"type": "integer"}]},
}  # fmt: skip
OTHERS = [None, True, -3, 0, 5, 7, "", "a", "bb", "ccc", [], ["a"], [""], {}, {"a": 1}, {"a": "x"}]


def test_a_model_takes_what_its_schema_takes():
    schema = record(["text", "inner"], **FIELDS)
    model, contract = load(schema), Contract(schema)
    first = make_example(Example(schema))
    assert takes(model, first)
    again = json.loads(model.model_validate_json(json.dumps(first)).model_dump_json(by_alias=True))
    assert again == first
    for name in FIELDS:
        left_out = {key: value for key, value in first.items() if key != name}
        for changed in (left_out, *({**first, name: other} for other in OTHERS)):
            assert takes(model, changed) == (not contract.check(changed)), (name, changed[name])


@settings(max_examples=200, deadline=None)
@given(schemas)
def test_an_example_fits_and_is_the_same_each_time(schema):
    try:
        value = make_example(Example(schema))
    except NoExample:
        return
    assert Contract(schema).check(value) == []
    assert make_example(Example(schema)) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"}, "AAA-0000"),
        ({"type": "string", "pattern": "^(foo|bar).{2}[^a-z]$"}, "fooAAA"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "exclusiveMaximum": 0}, -1),
        ({"type": "integer", "multipleOf": 5, "minimum": 11}, 15),
        ({"type": "number", "exclusiveMinimum": 0}, 1),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": True}, [1, 2]),
        ({"examples": ["given"], "type": "string"}, "given"),
        ({"default": 4, "type": "integer"}, 4),
        (record([], a={"$ref": "#"}), {"a": {}}),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, 3),
        ({"oneOf": [{"type": "string", "maxLength": -0}, {"const": 2}]}, ""),
    ],
)  # fmt: skip
def test_examples(schema, value):
    assert make_example(Example(schema)) == value


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"type": "string", "pattern": r"^\p{L}(?<=x)$"}, "$: a text like"),
        (record(a={"type": "integer", "not": {}}), "$"),
        (record(a=False), "$.a: nothing fits here"),
        ({"$defs": {"t": record(t={"$ref": "#/$defs/t"})}, "$ref": "#/$defs/t"}, "refers to itself"),
        ({"type": "array", "minItems": 10**9}, "$: it needs 1000000000 items"),
        ({"type": "string", "minLength": 10**12}, "$: it needs 1000000000000 characters"),
    ],
)  # fmt: skip
def test_where_there_is_no_example_it_is_said_what_to_fill_in(schema, where):
    with pytest.raises(NoExample) as error:
        make_example(Example(schema))
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (record(a={"$ref": "https://example.org/a.json"}), "does not lead into its own schema"),
        (record(a={"$ref": "#/$defs/none"}), "leads nowhere"),
        (record(a={"$ref": "#other"}), "does not lead into its own schema"),
        (record(a={"$dynamicRef": "#x"}), "Refer to a definition by its place"),
    ],
)
def test_what_code_cannot_say_is_refused(schema, said):
    with pytest.raises(GenerateError, match=said):
        Bundle().add("A", schema)


def test_nesting_has_an_end():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    with pytest.raises(GenerateError, match="nested too deeply"):
        Bundle().add("A", schema)


def test_a_huge_schema_is_gathered_quickly_and_once():
    """Five thousand fields; and definitions that refer to each other, which would be 2 ** 500 if each were unfolded."""
    defs = {
        f"d{n}": record(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"})
        for n in range(500)
    }
    wide = record(**{f"field_{n}": {"type": "integer"} for n in range(5000)})
    bundle = Bundle()
    bundle.add("Wide", wide)
    bundle.add("Deep", {"$ref": "#/$defs/d0", "$defs": defs | {"d500": {"type": "string"}}})
    assert len(bundle.definitions) == 501


def test_what_goes_in_circles_or_doubles_is_met_with_an_answer():
    circle = {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}
    schema = record(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": circle}}
    assert Bundle().add("A", schema) == Named("A")
    doubling = {
        f"d{n}": record(a={"$ref": f"#/$defs/d{n + 1}"}, b={"$ref": f"#/$defs/d{n + 1}"})
        for n in range(16)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": doubling | {"d16": {"type": "string"}}}
    with pytest.raises(NoExample, match="too large"):
        make_example(Example(schema))
    nullable = record(a={"$ref": "#/$defs/n"}, b={"$ref": "#/$defs/n"}) | {
        "$defs": {"n": {**record(x={"type": "null"}), "type": ["object", "null"]}}
    }
    bundle = Bundle()
    bundle.add("N", nullable)
    fields = bundle.definitions["N"]["properties"]
    assert fields["a"] == fields["b"] == {"anyOf": [{"$ref": "#/$defs/N2"}, {"type": "null"}]}


def test_steps_that_give_the_same_share_its_type_and_others_of_that_name_have_their_own():
    bundle = Bundle()
    order = record(id={"type": "string"}) | {"title": "Order"}
    first, second = bundle.add("One", order), bundle.add("Two", dict(order))
    third = bundle.add("Three", record(x={"type": "string"}) | {"title": "Order"})
    assert (first, second, third) == (Named("Order"), Named("Order"), Named("Order2"))
    assert bundle.add("Four", record(a={"type": "null"}) | {"title": "Date"}) == Named("DateValue")


def test_without_the_generator_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
    with pytest.raises(GenerateError, match=r"pip install 'tasker-pg\[generate\]'"):
        write_models({"A": record(a={"type": "string"})}, {"A"})
