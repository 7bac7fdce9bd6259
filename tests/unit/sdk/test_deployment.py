"""Whether a deployment can carry on what is under way: handlers that are there, and fit."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from tasker import StepContext, Workflow, handler
from tasker.binding import Handler, handler_of
from tasker.deployment import Needed, Unfit, find_changed_version, find_unfit
from tasker.template import Compensation, StepDefinition, Template
from tasker_ffi_bridge.messages import ChildHandler


class Order(BaseModel):
    id: str


class Cart(BaseModel):
    total: int


class Price(BaseModel):
    total: str


ORDER = Order.model_json_schema()
CART: Any = {"type": "object", "properties": {"total": {"type": "integer"}}, "required": ["total"]}


def step(name: str, *depends_on: str, **fields: Any) -> StepDefinition:
    return StepDefinition(name, name, depends_on=depends_on, **fields)


TEMPLATE = Template(
    "shop",
    "order",
    "1",
    (
        step("cart", result_schema=CART, compensate=Compensation("undo")),
        step("pay", "cart"),
        step("split", result_schema={"type": "array", "items": CART}, kind="batchable"),
        step("part", "split", kind="batch_worker", result_schema=CART),
        step("sum", "part", kind="deferred_convergence"),
    ),
    input_schema=ORDER,
)


def find(name: str, found: Handler | ChildHandler | None, at: Template = TEMPLATE) -> list[Unfit]:
    needed = [Needed("shop", "order", "1", name, "standard", found.name if found else "gone", 3)]
    handlers = {} if found is None else {found.name: found}
    return list(find_unfit(needed, {"shop/order@1": at}, handlers))


def made(function: Any) -> Handler:
    return handler_of(handler("it")(function))


def test_a_handler_that_is_not_there() -> None:
    needed = [Needed("shop", "order", "1", "pay", "standard", "pya", 3)]
    [unfit] = find_unfit(needed, {}, {"pay": made(lambda: None)})
    what = 'there is no handler pya here. Did you mean "pay"?'
    assert unfit == Unfit("shop/order@1", "pay", "pya", 3, "handler-missing", what)


def test_handlers_that_fit() -> None:
    def cart(input: Order) -> Cart: ...
    def pay(cart: Cart, input: Order, ctx: StepContext) -> None: ...
    def untyped(cart, input): ...  # type: ignore[no-untyped-def]
    def split() -> list[Cart]: ...
    def part(split: Cart) -> Cart: ...
    def total(part: list[Cart]) -> int: ...
    def undo(cart: Cart, input: Order) -> None: ...

    for name, function in (
        ("cart", cart), ("pay", pay), ("pay", untyped), ("split", split), ("part", part), ("sum", total),
        ("undo:cart", undo),
    ):  # fmt: skip
        assert find(name, made(function)) == []


def test_handlers_that_do_not_fit() -> None:
    def takes_more(cart: Price) -> None: ...
    def takes_other_input(input: int) -> Cart: ...
    def takes_what_is_not_given(cart: Cart, ship: int) -> None: ...
    def gives_other(input: Order) -> Price: ...
    def takes_a_list(split: list[Cart]) -> Cart: ...
    def undoes_another(cart: Price) -> None: ...

    for name, function, code, said in (
        ("pay", takes_more, "takes-less", "cart as it is given: at $.total: takes string"),
        ("cart", takes_other_input, "takes-less", "input as it is given: at $: takes integer"),
        ("pay", takes_what_is_not_given, "handler-misfit", "nothing fills the parameter ship"),
        ("cart", gives_other, "gives-more", "at $.total: takes integer, is given string"),
        ("part", takes_a_list, "takes-less", "split as it is given"),
        ("undo:cart", undoes_another, "takes-less", "cart as it is given"),
    ):
        [unfit] = find(name, made(function))
        assert (unfit.code, unfit.tasks) == (code, 3)
        assert said in unfit.what


def test_what_the_step_takes_counts_where_its_parent_says_nothing() -> None:
    def pay(cart: Cart) -> None: ...

    takes = {"type": "object", "properties": {"cart": {"type": "string"}}}
    told = Template("shop", "order", "1", (step("cart"), step("pay", "cart", input_schema=takes)))
    [unfit] = find("pay", made(pay), told)
    assert unfit.code == "takes-less"
    assert (
        find("pay", made(pay), Template("shop", "order", "1", (step("cart"), step("pay", "cart"))))
        == []
    )


@pytest.mark.parametrize(
    ("child", "codes"),
    [
        (ChildHandler(name="it"), []),
        (ChildHandler(name="it", input_schema=ORDER, result_schema=CART), []),
        (ChildHandler(name="it", input_schema={"type": "integer"}), ["takes-less"]),
        (ChildHandler(name="it", result_schema={"type": "integer"}), ["gives-more"]),
    ],
)
def test_handlers_in_other_languages(child: ChildHandler, codes: list[str]) -> None:
    assert [unfit.code for unfit in find("cart", child)] == codes


def test_a_workflow_carries_on_its_own_tasks_until_it_changes_without_a_new_version() -> None:
    def flow(result: Any, version: str = "1") -> Workflow:
        workflow = Workflow("order", namespace="shop", version=version, input=Order)

        def cart(input: Order) -> Any: ...

        cart.__annotations__["return"] = result
        workflow.step(cart)
        return workflow

    old, new = flow(Cart), flow(Price, "2")
    needed = [Needed("shop", "order", "1", "cart", "standard", "shop.order.cart", 2)]
    templates = {"shop/order@1": old.template}
    assert list(find_unfit(needed, templates, old.handlers)) == []
    assert [u.code for u in find_unfit(needed, templates, new.handlers)] == ["gives-more"]
    registered = orjson.loads(orjson.dumps(old.template.to_json()))
    assert find_changed_version(registered, flow(Cart).template, 2) is None
    changed = find_changed_version(registered, flow(Price).template, 2)
    assert changed is not None
    assert changed.code == "version-changed"
    assert "steps.cart.result_schema" in changed.what


@pytest.mark.parametrize(
    "deployed",
    [
        {"steps": (step("b"), step("a"))},
        {"input_schema": {"type": "object", "title": "Order"}},
        {"metadata": {"owner": "us"}},
    ],
)
def test_a_definition_in_other_words_is_another_one(deployed: dict[str, Any]) -> None:
    about: dict[str, Any] = {"steps": (step("a"), step("b")), "input_schema": {"type": "object"}}
    registered = Template("shop", "order", "1", **about).to_json()
    changed = find_changed_version(
        registered, Template("shop", "order", "1", **about | deployed), 2
    )
    assert changed is not None
    assert changed.code == "version-changed"


def test_a_definition_that_leaves_out_what_is_usual_is_another_one() -> None:
    registered = {
        "namespace": "shop", "name": "order", "version": "1", "steps": [{"name": "a", "handler": "a"}],
    }  # fmt: skip
    changed = find_changed_version(registered, Template("shop", "order", "1", (step("a"),)), 2)
    assert changed is not None
    assert "in other words" in changed.what
