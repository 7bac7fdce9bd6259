"""Fitting, held against values: what is said to fit never gives a value that is refused.

`TASKER_PAIRS` says how many pairs of schemas are looked at: few in the suite, 20,000 in `make fuzz`.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.unit.grammar.schema_pairs import Impossible, Json, Schema, make_pair, make_value

from tasker_grammar.contracts import Contract, No, Undecided, Yes, fits
from tasker_grammar.plain import plainly_fits
from tasker_grammar.subset import OUTSIDE

FEW = 300
PAIRS = int(os.environ.get("TASKER_PAIRS", FEW))
VALUES = 12  # of each producer


def values_of(random: Random, schema: Schema, contract: Contract) -> list[Json]:
    found: list[Json] = []
    for _ in range(VALUES):
        try:
            value = make_value(random, schema, schema)
        except Impossible:
            continue
        if not contract.check(value):
            found.append(value)
    return found


def test_what_fits_is_never_refused(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=PAIRS,
        derandomize=PAIRS == FEW,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.integers(0, 2**64))
    def look(seed: int) -> None:
        random = Random(seed)
        producer, consumer = make_pair(random)
        verdict = fits(producer, consumer)
        plain = plainly_fits(producer, consumer)
        values = values_of(random, producer, Contract(producer))
        refused = [value for value in values if Contract(consumer).check(value)]
        seen[type(verdict).__name__] += 1
        seen[f"{type(verdict).__name__}, with values"] += bool(values)
        seen[f"{type(verdict).__name__}, with a witness"] += bool(refused)
        seen["values"] += len(values)
        seen["plainly fits"] += plain
        assert not ((verdict == Yes() or plain) and refused), (producer, consumer, refused[0])

    look()
    total = seen["Yes"] + seen["No"] + seen["Undecided"]
    assert seen["Yes, with values"] > total / 4  # what is never said is never wrong
    assert seen["No, with a witness"] > seen["No"] * 0.7  # and No is said of what misfits
    assert seen["Undecided"] < total / 10
    if PAIRS != FEW:
        with capsys.disabled():
            print(f"\n{total} pairs:", dict(seen))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64))
def test_a_schema_fits_itself_and_says_nothing_else_when_it_is_a_part(seed: int) -> None:
    producer, _ = make_pair(Random(seed))
    assert fits(producer, producer) == Yes()
    defs = producer.get("$defs", {}) if isinstance(producer, dict) else {}
    part = (
        {k: v for k, v in producer.items() if k != "$defs"}
        if isinstance(producer, dict)
        else producer
    )
    wide = {"type": "object", "properties": {"x": part}, "$defs": defs}
    assert not isinstance(fits({**wide, "required": ["x"]}, wide), No)


@pytest.mark.parametrize("keyword", sorted(OUTSIDE))
def test_what_is_outside_of_the_subset_is_undecided_unless_both_say_the_same(keyword: str) -> None:
    value = {
        "dependentRequired": {"a": ["b"]}, "dependencies": {"a": ["b"]}, "patternProperties": {"a": True},
        "dependentSchemas": {"a": True}, "$id": "https://example.com/a", "$dynamicRef": "#", "$recursiveRef": "#",
    }.get(keyword, True)  # fmt: skip
    schema = {"type": "object", "properties": {"a": {keyword: value}}}
    verdict = fits(schema, {"type": "object"})
    assert verdict == Undecided("$.a", f"what {keyword} says is not decided")
    assert isinstance(fits({"type": "object"}, schema), Undecided)
    assert fits(schema, {**schema}) == Yes()


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "it is not of the dialect"),
        ({"$ref": "#a", "$defs": {"a": {"$anchor": "a"}}}, "the reference #a leads to no place"),
    ],
)
def test_more_that_is_undecided(schema: Schema, why: str) -> None:
    for verdict in (fits(schema, {"minProperties": 1}), fits({"minProperties": 1}, schema)):
        assert isinstance(verdict, Undecided)
        assert verdict.explanation.startswith(why)


def test_one_and_true_are_not_the_same() -> None:
    assert isinstance(fits({"const": True}, {"const": 1}), No)
    assert fits({"const": 1}, {"const": 1.0}) == Yes()


# What would take long


def fields(parts: dict[str, Schema], **more: Json) -> Schema:
    return {"type": "object", "properties": parts, "required": list(parts), **more}


STRING = {"type": "string"}
INTEGER = {"type": "integer"}
NUMBER = {"type": "number"}


def laughs(levels: int, leaf: Schema) -> Schema:
    """Ten references to ten references, and so on, to a leaf."""
    defs: dict[str, Schema] = {"l0": leaf}
    for i in range(1, levels):
        defs[f"l{i}"] = fields({f"p{j}": {"$ref": f"#/$defs/l{i - 1}"} for j in range(10)})
    return {"$ref": f"#/$defs/l{levels - 1}", "$defs": defs}


def choices(key: str, count: int) -> Schema:
    return {key: [fields({f"p{i}": STRING}) for i in range(count)]}


def tagged(count: int, value: Schema = STRING) -> Schema:
    return {"oneOf": [fields({"kind": {"const": f"k{i}"}, "value": value}) for i in range(count)]}


def nested(levels: int, leaf: Schema) -> Schema:
    for _ in range(levels):
        leaf = {"type": "array", "items": leaf}
    return leaf


MANY = [f"p{i}" for i in range(3000)]
SPLIT = [
    fields({f"f{i}": {"const": True}, f"f{(i + 1) % 30}": {"const": False}}) for i in range(30)
]


@pytest.mark.parametrize(
    ("producer", "consumer"),
    [
        (laughs(30, STRING), laughs(30, {"type": "null"})),
        ({"allOf": [choices("anyOf", 8)] * 8}, {"allOf": [choices("anyOf", 9)] * 8}),
        (choices("anyOf", 1000), choices("anyOf", 999)),
        (choices("oneOf", 300), choices("oneOf", 299)),
        (fields({f"f{i}": {"type": "boolean"} for i in range(30)}), {"anyOf": SPLIT}),
        ({"type": "integer", "minimum": 0, "maximum": 5000}, {"enum": list(range(5001))}),
        (nested(70, STRING), nested(70, {"type": "null"})),
        ({"type": "string", "pattern": "a" * 300_000}, {"type": "string", "minLength": 2}),
    ],
)  # fmt: skip
def test_what_would_take_long_is_undecided(producer: Schema, consumer: Schema) -> None:
    verdict = fits(producer, consumer)
    assert isinstance(verdict, Undecided)
    assert "too much in it to compare" in verdict.explanation or "deep" in verdict.explanation


@pytest.mark.parametrize(
    ("producer", "consumer"),
    [
        (laughs(5, INTEGER), laughs(5, NUMBER)),
        (choices("anyOf", 10), choices("anyOf", 11)),
        (tagged(50), tagged(50, {"type": ["string", "null"]})),
        ({"enum": [f"v{i}" for i in range(5000)]}, {"enum": [f"v{i}" for i in range(5001)]}),
        (nested(60, INTEGER), nested(60, NUMBER)),
        (fields(dict.fromkeys(MANY, INTEGER)), fields(dict.fromkeys(MANY, NUMBER))),
    ],
)  # fmt: skip
def test_what_is_merely_large_is_decided(producer: Schema, consumer: Schema) -> None:
    assert fits(producer, consumer) == Yes()


def test_the_search_for_the_reason_ends_as_well() -> None:
    many = {f"d{i}": fields({"x": STRING}) for i in range(3000)}
    refs = {f"p{i}": {"$ref": f"#/$defs/d{i}"} for i in range(3000)}
    last = {**many, "d2999": fields({"x": {"type": "null"}})}
    verdict = fits({**fields(refs), "$defs": many}, {**fields(refs), "$defs": last})
    assert isinstance(verdict, No | Undecided)
    assert verdict.path.startswith("$")


def test_what_is_said_of_a_long_list_is_short() -> None:
    verdict = fits({"enum": [f"v{i}" * 50 for i in range(500)]}, {"const": "x" * 1000})
    assert isinstance(verdict, No)
    assert len(verdict.explanation) < 600
    assert "or 494 more" in verdict.explanation
