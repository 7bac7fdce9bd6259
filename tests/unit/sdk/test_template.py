"""Templates: what is registered, and what cannot be."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from tasker import DefinitionError, Retry
from tasker.template import StepDefinition, Template


def step(name: str, *parents: str, **fields: Any) -> StepDefinition:
    return StepDefinition(name, fields.pop("handler", f"h.{name}"), depends_on=parents, **fields)


def template(*steps: StepDefinition, **fields: Any) -> Template:
    about = {"namespace": "shop", "name": "order", "version": "1.0.0", **fields}
    return Template(**about, steps=steps)


def fields(*names: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": dict.fromkeys(names, True), **more}


def test_the_definition_is_what_the_database_takes() -> None:
    made = template(
        step("a", config=MappingProxyType({"n": 1})),
        step(
            "b",
            "a",
            queue="slow",
            description="second",
            retry=Retry(2, "fixed", 2, 2, 0),
            attempt_time_limit=30,
            step_time_limit=90,
            input_schema=fields("input", "a"),
            result_schema={"type": "object"},
        ),
        description="all of it",
        input_schema={"type": "object"},
        time_limit=3600.0,
        metadata={"author": "me"},
    )
    assert orjson.loads(orjson.dumps(made.to_json())) == {
        "namespace": "shop",
        "name": "order",
        "version": "1.0.0",
        "description": "all of it",
        "input_schema": {"type": "object"},
        "time_limit": 3600.0,
        "metadata": {"author": "me"},
        "steps": [
            {
                "name": "a",
                "handler": "h.a",
                "kind": "standard",
                "depends_on": [],
                "queue": None,
                "config": {"n": 1},
                "description": None,
                "retry": Retry().to_json(),
                "attempt_time_limit": None,
                "step_time_limit": None,
                "result_schema": None,
            },
            {
                "name": "b",
                "handler": "h.b",
                "kind": "standard",
                "depends_on": ["a"],
                "queue": "slow",
                "config": {},
                "description": "second",
                "retry": {
                    "max_attempts": 2,
                    "backoff": "fixed",
                    "base": 2.0,
                    "cap": 2.0,
                    "jitter": 0.0,
                    "permanent_errors": [],
                },
                "attempt_time_limit": 30,
                "step_time_limit": 90,
                "input_schema": {"type": "object", "properties": {"input": True, "a": True}},
                "result_schema": {"type": "object"},
            },
        ],
    }
    assert made.full_name == "shop/order"


@pytest.mark.parametrize(
    ("steps", "fields", "path", "said"),
    [
        ([], {}, ("steps",), "the template has 0 steps. A template has 1 to 20,000."),
        (
            [step("a"), step("b"), step("a")],
            {},
            ("steps", 2, "name"),
            'two steps are named "a". Give each its own name.',
        ),
        (
            [step("validate"), step("ship", "validat")],
            {},
            ("steps", 1, "depends_on", 0),
            'step "ship" depends on "validat", which is not a step. Did you mean "validate"?',
        ),
        (
            [step("a"), step("b", "zzz")],
            {},
            ("steps", 1, "depends_on", 0),
            'step "b" depends on "zzz", which is not a step. Name a step of this template.',
        ),
        (
            [step("a"), step("b", "a", "a")],
            {},
            ("steps", 1, "depends_on", 1),
            'step "b" names "a" twice among what it depends on. Name it once.',
        ),
        (
            [step("a", "a")],
            {},
            ("steps", 0, "depends_on", 0),
            'step "a" depends on itself. Take it out of its dependencies.',
        ),
        ([step("")], {}, ("steps", 0, "name"), "name is ''. It must be a text that is not empty."),
        ([step("x" * 129)], {}, ("steps", 0, "name"), "has 129 characters; 128 are the most."),
        ([step(" a")], {}, ("steps", 0, "name"), "no spaces around it."),
        ([step("a/b")], {}, ("steps", 0, "name"), "must have no slash"),
        ([step("a\nb")], {}, ("steps", 0, "name"), "no control characters"),
        ([step("a", handler="")], {}, ("steps", 0, "handler"), "has 0 characters"),
        (
            [step("a", queue="Slow")],
            {},
            ("steps", 0, "queue"),
            "queue is 'Slow'. It must be a lower",
        ),
        ([step("a", queue="q" * 40)], {}, ("steps", 0, "queue"), "at most 38"),
        (
            [step("a", attempt_time_limit=0)],
            {},
            ("steps", 0, "attempt_time_limit"),
            "attempt_time_limit is 0 seconds. It must be more than 0",
        ),
        (
            [step("a", step_time_limit=4e8)],
            {},
            ("steps", 0, "step_time_limit"),
            "at most ten years",
        ),
        (
            [step("a", result_schema={"type": "strange"})],
            {},
            ("steps", 0, "result_schema", "type"),
            "result_schema is no JSON Schema: 'strange' at $.type is no JSON Schema. "
            "A type is string, number, integer, boolean, object, array or null, or a list of them",
        ),
        (
            [step("a", result_schema={"$ref": "https://example.com/s"})],
            {},
            ("steps", 0, "result_schema"),
            "Retrieval is disabled",
        ),
        (
            [step("a", result_schema={"const": "\0"})],
            {},
            ("steps", 0, "result_schema"),
            "result_schema, at $.const: holds a NUL character",
        ),
        (
            [step("a", input_schema={"type": "object", "properties": 7})],
            {},
            ("steps", 0, "input_schema", "properties"),
            "input_schema is no JSON Schema: 7 at $.properties",
        ),
        (
            [step("a", input_schema=True)],
            {},
            ("steps", 0, "input_schema"),
            'what step "a" takes is not described as an object. Write type: object',
        ),
        (
            [step("cart"), step("pay", "cart", input_schema=fields("input", "cat"))],
            {},
            ("steps", 1, "input_schema", "properties", "cat"),
            'step "pay" takes "cat", which nothing gives it. Did you mean "cart"?',
        ),
        (
            [step("cart"), step("check_order", "cart", input_schema=fields("input", "order"))],
            {},
            ("steps", 1, "input_schema", "properties", "order"),
            'takes "order", which nothing gives it. It can take: input, cart.',
        ),
        (
            [step("cart"), step("pay", input_schema=fields(required=["cart"]))],
            {},
            ("steps", 1, "input_schema", "required"),
            'step "pay" takes the result of "cart", which it does not depend on. Name it among',
        ),
        ([step("a", handler="h" * 1001)], {}, ("steps", 0, "handler"), "has 1001 characters"),
        ([step("a")], {"version": "v" * 51}, ("version",), "51 characters; 50 are the most"),
        ([step("a", config={"f": print})], {}, ("steps", 0, "config"), "config, at $: is not JSON"),
        ([step("a", config={"f": {1}})], {}, ("steps", 0, "config"), "config, at $: is not JSON"),
        ([step("a", config={"t": "\0"})], {}, ("steps", 0, "config"), "NUL"),
        ([step("a")], {"namespace": "1shop"}, ("namespace",), "must be a letter and then"),
        ([step("a")], {"namespace": "n" * 30}, ("namespace",), "at most 28 letters"),
        ([step("a")], {"name": "x" * 256}, ("name",), "has 256 characters; 255 are the most"),
        ([step("a")], {"version": ""}, ("version",), "must be a text that is not empty"),
        ([step("a")], {"version": 1.0}, ("version",), "version is 1.0"),
        ([step("a")], {"time_limit": -1}, ("time_limit",), "must be more than 0"),
        ([step("a")], {"input_schema": {"type": 3}}, ("input_schema", "type"), "is no JSON Schema"),
        ([step("a")], {"metadata": {"x": object()}}, ("metadata",), "It must be plain JSON."),
    ],
)
def test_a_broken_template_cannot_be_made(
    steps: list[StepDefinition], fields: dict[str, Any], path: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        template(*steps, **fields)
    (fault,) = [fault for fault in refused.value.faults if fault.severity == "error"]
    assert fault.path == path
    assert said in str(fault)
    assert said in str(refused.value)


def test_the_bounds_themselves_are_allowed() -> None:
    longest = step("s" * 128, handler="h" * 1000, queue="q" * 39, attempt_time_limit=315_360_000)
    assert template(longest, namespace="n" * 29, name="t" * 255, version="v" * 50)


def test_a_circle_is_shown_as_a_path() -> None:
    with pytest.raises(DefinitionError) as refused:
        template(step("start"), step("a", "start", "c"), step("b", "a"), step("c", "b"))
    (fault,) = refused.value.faults
    names = fault.what.removeprefix("steps wait for each other in a circle: ").split(" → ")
    assert names[0] == names[-1]
    assert set(names) == {"a", "b", "c"}
    parents = {"a": ["start", "c"], "b": ["a"], "c": ["b"]}
    assert all(before in parents[after] for before, after in pairwise(names))


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as refused:
        template(step("a", "x"), step("b", queue="Q"), namespace="!")
    assert len(refused.value.faults) == 3
    assert str(refused.value).startswith("template !/order: ")


def test_a_long_chain_is_checked_without_recursion() -> None:
    steps = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 5000))]
    assert len(template(*steps).steps) == 5000
