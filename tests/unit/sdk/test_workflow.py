"""Workflows in Python: parameters decide the edges, annotations are contracts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from tasker import DefinitionError, Retry, StepContext, StepHandler, Workflow
from tasker.binding import bind_handler


class Order(BaseModel):
    id: str
    lines: list[str] = []


class Cart(BaseModel):
    total: Decimal


class Payment(BaseModel):
    id: str
    total: Decimal


@dataclass
class Parcel:
    code: str


class Receipt(TypedDict):
    text: str


class CardDeclined(Exception):
    pass


class Opaque:
    pass


TASK = UUID(int=3)


def orders() -> Workflow:
    workflow = Workflow("order", namespace="shop", version="2.0.0", input=Order)

    @workflow.step
    async def validate(input: Order) -> Cart:
        return Cart(total=Decimal(len(input.lines)))

    @workflow.step(
        retry=Retry(max_attempts=5, permanent=(CardDeclined,)),
        timeout="30s",
        total_timeout=timedelta(minutes=5),
        queue="payments",
        config={"currency": "EUR"},
    )
    def pay(validate: Cart, input: Order, ctx: StepContext) -> Payment:
        return Payment(id=ctx.idempotency_key, total=validate.total)

    @workflow.step(name="send", depends_on=["validate"])
    def ship(pay: Payment) -> Parcel:
        return Parcel(pay.id)

    return workflow


def test_parameters_decide_the_edges() -> None:
    template = orders().template
    assert {step.name: step.depends_on for step in template.steps} == {
        "validate": (),
        "pay": ("validate",),
        "send": ("pay", "validate"),
    }
    assert (template.full_name, template.version) == ("shop/order", "2.0.0")


def test_options_are_in_the_definition() -> None:
    pay = orders().template.to_json()["steps"][1]
    assert pay["handler"] == "shop.order.pay"
    assert pay["retry"]["max_attempts"] == 5
    assert pay["retry"]["permanent_errors"] == ["CardDeclined"]
    assert (pay["attempt_time_limit"], pay["step_time_limit"]) == (30.0, 300.0)
    assert (pay["queue"], pay["config"]) == ("payments", {"currency": "EUR"})


def test_types_are_published_as_schemas() -> None:
    definition = orders().template.to_json()
    assert definition["input_schema"]["required"] == ["id"]
    assert definition["steps"][2]["result_schema"]["properties"] == {"code": {"type": "string"}}


def test_what_a_step_takes_is_in_the_definition() -> None:
    validate, pay, send = orders().template.to_json()["steps"]
    assert validate["input_schema"]["properties"] == {"input": {"$ref": "#/$defs/Order"}}
    assert validate["input_schema"]["$defs"]["Order"]["required"] == ["id"]
    assert list(pay["input_schema"]["properties"]) == ["input", "validate"]
    assert pay["input_schema"]["required"] == ["input", "validate"]
    assert list(send["input_schema"]["properties"]) == ["pay"]


def takes(function: Callable[..., Any], kind: str = "step", **options: Any) -> Any:
    """What a step takes that comes after the decision `which`, which can exclude its branches `one` and `two`."""
    workflow = Workflow("w")

    @workflow.decision
    def which() -> list[str]: ...

    @workflow.step
    def one(which) -> Order: ...  # type: ignore[no-untyped-def]

    @workflow.step
    def two(which) -> Order: ...  # type: ignore[no-untyped-def]

    getattr(workflow, kind)(name="it", **options)(function)
    return workflow._definitions[-1].input_schema


def test_what_is_not_annotated_may_be_anything_and_what_takes_nothing_says_nothing() -> None:
    def untyped(one, ctx, input: Any) -> None: ...  # type: ignore[no-untyped-def]
    def nothing(ctx: StepContext, more: int = 3) -> None: ...

    assert takes(untyped) == {
        "type": "object",
        "properties": {"input": True, "one": True},
        "required": ["input", "one"],
    }
    assert takes(nothing, depends_on=["one"]) is None


def test_what_can_be_left_out_need_not_be_given() -> None:
    def default(one: Order, two: Order | None = None) -> None: ...
    def either(one: Order | None, two: Order | None) -> None: ...

    assert takes(default)["required"] == ["one"]
    assert takes(either)["required"] == ["one", "two"]
    assert takes(either, "convergence")["required"] == []


def test_a_dynamic_step_takes_its_arguments() -> None:
    def load(path: str, input: int, rows: int = 5) -> None: ...

    assert takes(load, "dynamic") == {
        "type": "object",
        "properties": {
            "input": {"type": "integer"},
            "path": {"type": "string"},
            "rows": {"type": "integer"},
        },
        "required": ["input", "path"],
    }


def test_two_models_of_one_name_stay_apart() -> None:
    def other() -> type[BaseModel]:
        class Order(BaseModel):
            total: int

        return Order

    workflow = Workflow("w", input=Order)

    @workflow.step
    def a(input: Order) -> Any: ...

    def b(input: Order, a: Any) -> None: ...

    b.__annotations__["a"] = other()
    workflow.step(b)
    schema: Any = workflow.template.steps[1].input_schema
    named = {field: ref["$ref"].rsplit("/", 1)[1] for field, ref in schema["properties"].items()}
    assert schema["$defs"][named["input"]]["required"] == ["id"]
    assert schema["$defs"][named["a"]]["required"] == ["total"]


def test_a_workers_handler_is_not_asked_again_what_its_annotations_have_said() -> None:
    workflow = orders()
    for step in workflow.template.steps:
        assert bind_handler(workflow.handlers[step.handler], step).input_contract is None


def test_the_same_workflow_gives_the_same_definition() -> None:
    assert orders().template.to_json() == orders().template.to_json()


def test_a_docstring_does_not_change_the_definition() -> None:
    def definition(doc: str) -> dict[str, Any]:
        model = type("M", (BaseModel,), {"__annotations__": {"n": int}, "__doc__": doc})
        workflow = Workflow("w", input=model)

        @workflow.step
        def a(input: Any) -> int: ...

        a.__doc__ = doc
        return workflow.template.to_json()

    assert definition("one") == definition("two")


def test_the_functions_stay_plain_functions() -> None:
    workflow = Workflow("plain")

    def double(input: int) -> int:
        return 2 * input

    assert workflow.step(double) is double
    assert workflow.step(name="again")(double) is double
    assert double(4) == 8


def test_handlers_run_from_json_to_json() -> None:
    workflow = orders()
    contexts = {
        "shop.order.validate": {"task_input": {"id": "1", "lines": ["a", "b"]}},
        "shop.order.pay": {"task_input": {"id": "1"}, "results": {"validate": {"total": "2"}}},
        "shop.order.send": {"results": {"pay": {"id": "p", "total": 2}}},
    }
    results: list[bytes] = []
    for number, step in enumerate(workflow.template.steps, 1):
        bound = bind_handler(workflow.handlers[step.handler], step, workflow.template.input_schema)
        ctx = StepContext(
            task_id=TASK, namespace="shop", template="order", version="2.0.0",
            step_name=step.name, step_no=number, **contexts[step.handler],
        )  # fmt: skip
        result = bound.function(**bound.bind(ctx))
        results.append(bound.dump(asyncio.run(result) if bound.is_async else result))
    assert results == [
        b'{"total":"2"}',
        f'{{"id":"{TASK}:2","total":"2"}}'.encode(),
        b'{"code":"p"}',
    ]


def define(function: Callable[..., Any], **options: Any) -> None:
    orders().step(**options)(function)


def wrong_type(validate: Payment) -> None: ...
def wrong_input(input: Cart) -> None: ...
def wrong_dataclass(send: Receipt) -> None: ...
def misspelt(valdate: Cart) -> None: ...
def unknown(zebra: Cart) -> None: ...
def opaque(validate: Opaque) -> None: ...
def opaque_result(validate: Cart) -> list[Opaque]: ...
def input() -> None: ...
def ctx() -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            wrong_type,
            "shop/order: step wrong_type takes validate: Payment, but step validate returns Cart:"
            " at $.id: is required, but is not given",
        ),
        (
            wrong_input,
            "shop/order: step wrong_input takes input: Cart, but the workflow's input is Order:"
            " at $.total: is required, but is not given",
        ),
        (
            wrong_dataclass,
            "step wrong_dataclass takes send: Receipt, but step send returns Parcel: at $.text",
        ),
        (
            misspelt,
            "shop/order: step misspelt: nothing fills the parameter valdate. Possible are: input"
            " (the task's input), a step defined above (validate, pay, send), a parameter annotated"
            ' StepContext, or one with a default. Did you mean "validate"?',
        ),
        (unknown, "or one with a default."),
        (opaque, "shop.order.opaque: parameter validate: Opaque is nothing that JSON can carry"),
        (opaque_result, "shop.order.opaque_result: its result: list["),
        (input, "a parameter called input never takes a step's result"),
        (ctx, "a parameter called ctx never takes a step's result"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_where_it_is_defined(
    function: Callable[..., Any], said: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        define(function)
    assert said in str(refused.value)


def fine(pay: Payment) -> None: ...


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "pay"}, "shop/order: step pay: there is a step of this name already"),
        ({"name": ""}, "name is ''. It must be a text that is not empty."),
        ({"name": "a/b"}, "It must have no slash"),
        ({"timeout": "soon"}, "step fine: timeout: 'soon' is no duration"),
        ({"timeout": 0}, "step fine: timeout: no time at all; None means no limit"),
        ({"total_timeout": -1}, "step fine: total_timeout: a duration must be from 0"),
        ({"queue": "Big Queue"}, "queue is 'Big Queue'. It must be a lower-case letter"),
        ({"config": {"now": object()}}, "config, at $: is not JSON"),
        ({"depends_on": ["snd"]}, "it depends on 'snd', no step yet. Did you mean \"send\"?"),
        ({"depends_on": ["zzz"]}, "A step comes after those it waits for."),
        ({"depends_on": "pay"}, "depends_on is a list of names, not 'pay'"),
        ({"retry": 3}, "retry is a Retry, not 3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        define(fine, **options)
    assert said in str(refused.value)


def test_a_step_that_was_refused_is_not_there() -> None:
    workflow = orders()
    with pytest.raises(DefinitionError):
        workflow.step(wrong_type)
    assert [step.name for step in workflow.template.steps] == ["validate", "pay", "send"]


def test_a_step_added_later_is_in_the_template() -> None:
    workflow = orders()
    assert len(workflow.template.steps) == 3
    workflow.step(fine)
    assert [step.name for step in workflow.template.steps][3:] == ["fine"]


@pytest.mark.parametrize("thing", [7, "validate", StepHandler])
def test_only_functions_are_steps(thing: Any) -> None:
    with pytest.raises(DefinitionError, match="a step is a function"):
        Workflow("w").step(thing)


def test_without_annotations_anything_goes() -> None:
    workflow = Workflow("loose")

    def first(input): ...  # type: ignore[no-untyped-def]
    def second(first): ...  # type: ignore[no-untyped-def]
    def third(second: Cart) -> None: ...

    for function in (first, second, third):
        workflow.step(function)
    assert workflow.template.steps[2].depends_on == ("second",)
    assert workflow.template.steps[0].result_schema is None


def test_classes_of_the_enclosing_function_may_be_used() -> None:
    class Local(BaseModel):
        n: int

    workflow = Workflow("local", input=Local)

    @workflow.step
    def one(input: Local) -> Local: ...

    @workflow.step(name="two")
    def another(one: Local) -> list[Local]: ...

    assert workflow.template.steps[1].depends_on == ("one",)


def test_a_class_that_is_defined_below_is_refused() -> None:
    workflow = Workflow("early")
    with pytest.raises(DefinitionError, match="Below in the annotation of input is not known here"):

        @workflow.step
        def one(input: Below) -> None: ...

    class Below(BaseModel):
        pass


def test_a_context_may_have_any_name_even_a_steps() -> None:
    workflow = orders()

    @workflow.step
    def audit(pay: StepContext, validate: Cart) -> None: ...

    assert workflow.template.steps[-1].depends_on == ("validate",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ""}, "name is ''; it must be a text"),
        ({"namespace": "9"}, "namespace is '9'; it must be a letter"),
        ({"version": 1.0}, "version is 1.0; it must be a text"),
        ({"input": Opaque}, "workflow default/w: input: Opaque is nothing that JSON can carry"),
        ({"time_limit": "x"}, "workflow default/w: time_limit: 'x' is no duration"),
    ],
)
def test_a_workflow_that_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Workflow(**{"name": "w", **options})
    assert said in str(refused.value)


def test_a_workflow_without_steps_is_no_template() -> None:
    with pytest.raises(DefinitionError, match="the template has 0 steps"):
        _ = Workflow("empty").template


def test_a_workflow_names_itself() -> None:
    assert repr(orders()) == "<Workflow shop/order 2.0.0: validate, pay, send>"


def test_resources_are_given_loaded() -> None:
    with pytest.raises(
        DefinitionError, match=r"its resources are 'resources.yaml'.*load_resources"
    ):
        Workflow("books", resources="resources.yaml")  # pyright: ignore[reportArgumentType]
