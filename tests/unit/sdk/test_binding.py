"""Handlers: functions and classes, joined to steps and called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from pydantic import BaseModel

from tasker import ContractError, DefinitionError, StepContext, StepHandler, handler
from tasker.binding import BoundHandler, bind_handler, handler_of, handlers_in
from tasker.input_schemas import derive_input_schema
from tasker.template import StepDefinition


class Order(BaseModel):
    id: str


class Cart(BaseModel):
    total: Decimal


def join(target: Any, *parents: str, **fields: Any) -> BoundHandler:
    task_input_schema = fields.pop("task_input_schema", None)
    step = StepDefinition("s", "h", depends_on=parents, **fields)
    return bind_handler(handler_of(target), step, task_input_schema)


def context(**fields: Any) -> StepContext:
    return StepContext(
        task_id=UUID(int=1), namespace="n", template="t", version="1", step_name="s", **fields
    )


@handler("charge")
def charge(input: Order, cart: Cart, ctx: StepContext) -> Cart:
    return Cart(total=cart.total * ctx.attempt)


@handler("charge_async")
async def charge_async(cart: Cart) -> Cart:
    return cart


class Ship(StepHandler):
    """Counts its instances, for the tests below."""

    name = "ship"
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.calls = 0

    def call(self, input: Order, ctx: StepContext) -> dict[str, str]:
        self.calls += 1
        return {"order": input.id}


class ShipLater(StepHandler):
    name = "ship_later"

    async def call(self, cart: Cart) -> None: ...


def test_a_decorated_function_stays_a_plain_function() -> None:
    assert charge(Order(id="1"), Cart(total=Decimal(2)), context(attempt=3)).total == 6
    assert handler_of(charge).name == "charge"


def test_arguments_are_made_from_json() -> None:
    bound = join(charge, "cart")
    ctx = context(task_input={"id": "7"}, results={"cart": {"total": "1.50"}})
    arguments = bound.bind(ctx)
    assert arguments == {"input": Order(id="7"), "cart": Cart(total=Decimal("1.50")), "ctx": ctx}
    assert bound.dump(bound.function(**arguments)) == b'{"total":"1.50"}'


def test_sync_and_async_are_told_apart() -> None:
    kinds = [join(t, "cart").is_async for t in (charge, charge_async, Ship, ShipLater)]
    assert kinds == [False, True, False, True]


def test_a_class_is_made_once_however_often_it_is_joined() -> None:
    before = Ship.made
    one, other = join(Ship), join(Ship)
    assert Ship.made == max(before, 1)
    ctx = context(task_input={"id": "7"})
    assert one.function(**one.bind(ctx)) == {"order": "7"}
    assert one.function.__self__ is other.function.__self__


def test_a_class_is_made_once_by_many_threads() -> None:
    gate = threading.Barrier(4)

    @handler("slow")
    class Slow:
        made: ClassVar[list[Slow]] = []

        def __init__(self) -> None:
            self.made.append(self)

        def call(self) -> None: ...

    def make(_: int) -> Any:
        gate.wait(5)
        return handler_of(Slow).make()

    with ThreadPoolExecutor(4) as pool:
        calls = list(pool.map(make, range(4)))
    assert len(Slow.made) == 1
    assert {id(call.__self__) for call in calls} == {id(Slow.made[0])}


def test_a_class_may_have_a_static_call_and_need_no_base() -> None:
    @handler("static")
    class Static:
        @staticmethod
        def call(input: Order) -> str:
            return input.id

    bound = join(Static)
    assert bound.function(**bound.bind(context(task_input={"id": "7"}))) == "7"


def test_classes_of_the_enclosing_function_may_be_used() -> None:
    class Local(BaseModel):
        n: int

    @handler("function")
    def function(input: Local) -> Local:
        return input

    class Class(StepHandler):
        name = "class"

        def call(self, input: Local) -> Local:
            return input

    @handler("decorated")
    class Decorated:
        def call(self, input: Local) -> Local:
            return input

    for target in (function, Class, Decorated):
        bound = join(target)
        assert bound.bind(context(task_input={"n": 1})) == {"input": Local(n=1)}


def test_a_class_may_gather_arguments_that_nobody_gives() -> None:
    @handler("gathering")
    class Gathering:
        def __init__(self, *args: int, retries: int = 3, **options: int) -> None:
            self.retries = retries

        def call(self) -> int:
            return self.retries

    assert join(Gathering).function() == 3


def test_a_base_without_name_is_no_handler_and_its_subclass_is() -> None:
    class Base(StepHandler):
        def call(self, input: Order) -> str:
            return input.id

    class Named(Base):
        name = "named"

    assert handler_of(Named).name == "named"
    with pytest.raises(DefinitionError, match="Base is no handler"):
        handler_of(Base)


def test_a_subclass_without_a_name_of_its_own_is_not_its_base() -> None:
    class Other(Ship):
        pass

    with pytest.raises(DefinitionError, match="Other is no handler"):
        handler_of(Other)


@pytest.mark.parametrize("thing", [lambda: None, object(), 7, BaseModel])
def test_what_is_no_handler(thing: object) -> None:
    with pytest.raises(DefinitionError, match="is no handler"):
        handler_of(thing)


def test_the_handlers_of_a_module_are_found_once() -> None:
    names = {"a": charge, "again": charge, "b": Ship, "c": Order, "d": 7, "e": StepHandler}
    assert [h.name for h in handlers_in(names)] == ["charge", "ship"]


def no_call() -> None:
    class Empty(StepHandler):
        name = "empty"


def needs_arguments() -> None:
    @handler("needy")
    class Needy:
        def __init__(self, url: str, retries: int = 3) -> None: ...

        def call(self) -> None: ...


def no_name() -> None:
    @handler("")
    def f() -> None: ...


def no_text() -> None:
    class Numbered(StepHandler):
        name = 7  # type: ignore[assignment]

        def call(self) -> None: ...


def no_code() -> None:
    handler("n")(7)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("define", "said"),
    [
        (no_call, "handler empty: class Empty has no method call"),
        (needs_arguments, "handler needy: Needy is made without arguments; needs url"),
        (no_name, "a handler's name is a text, not ''"),
        (no_text, "a handler's name is a text, not 7"),
        (no_code, "handler n: 7 is neither a function nor a class"),
    ],
)
def test_what_cannot_be_a_handler(define: Callable[[], None], said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        define()
    assert said in str(refused.value)


def test_a_class_that_cannot_be_made_is_told_when_it_is_joined() -> None:
    @handler("broken")
    class Broken:
        def __init__(self) -> None:
            raise RuntimeError("no database")

        def call(self) -> None: ...

    with pytest.raises(DefinitionError, match="handler broken: making Broken failed") as refused:
        join(Broken)
    assert isinstance(refused.value.__cause__, RuntimeError)


def test_a_handler_that_does_not_match_its_step_is_refused_when_it_is_joined() -> None:
    with pytest.raises(DefinitionError, match=r"nothing fills the parameter cart.*basket"):
        join(charge, "basket")


def test_a_value_that_is_not_as_annotated_is_refused_before_the_call() -> None:
    with pytest.raises(ContractError) as refused:
        join(charge, "cart").bind(context(task_input={"id": 7}, results={"cart": {}}))
    assert str(refused.value) == (
        "handler charge: parameter input: at $.id: Input should be a valid string (is int)"
    )


def test_a_parent_without_result_leaves_the_default() -> None:
    @handler("lenient")
    def lenient(cart: Cart | None = None) -> None: ...

    assert join(lenient, "cart").bind(context()) == {}
    with pytest.raises(ContractError, match="parameter cart: at \\$: there is no result"):
        join(charge, "cart").bind(context(task_input={"id": "1"}))


def test_a_result_that_is_not_as_annotated_is_refused() -> None:
    with pytest.raises(ContractError, match=r"handler charge: its result: at \$\.total"):
        join(charge, "cart").dump({"total": "much"})


@handler("plain")
def plain(input, cart):  # type: ignore[no-untyped-def]
    return {"echo": [input, cart]}


SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


def test_without_annotations_the_schemas_of_the_template_are_held() -> None:
    bound = join(plain, "cart", task_input_schema=SCHEMA, result_schema={"required": ["done"]})
    ctx = context(task_input={"id": "1"}, results={"cart": [1]})
    assert bound.bind(ctx) == {"input": {"id": "1"}, "cart": [1]}
    with pytest.raises(ContractError, match=r"the task's input: at \$\.id"):
        bound.bind(context(task_input={"id": 1}, results={"cart": 1}))
    with pytest.raises(
        ContractError, match=r'handler plain: its result: at .*"done" is a required'
    ):
        bound.dump({"echo": 1})
    assert bound.dump({"done": 1}) == b'{"done":1}'


def test_the_schema_is_held_beside_an_annotation_that_says_less() -> None:
    @handler("loose")
    def loose(input: dict[str, Any]) -> dict[str, Any]: ...

    bound = join(loose, task_input_schema=SCHEMA, result_schema=SCHEMA)
    with pytest.raises(ContractError):
        bound.bind(context(task_input={}))
    with pytest.raises(ContractError):
        bound.dump({})


def test_what_an_annotation_has_checked_is_not_checked_again() -> None:
    result = handler_of(charge).signature.result.produced
    accepted = handler_of(charge).signature.parameters[0].shape.accepted
    takes = derive_input_schema(join(charge, "cart").assignment, "standard")
    bound = join(
        charge, "cart", result_schema=result, task_input_schema=accepted, input_schema=takes
    )
    contracts = (bound.task_input_contract, bound.input_contract, bound.result_contract)
    assert contracts == (None, None, None)


TAKES = {
    "type": "object",
    "properties": {"input": SCHEMA, "cart": {"type": "object", "required": ["total"]}},
    "required": ["input", "cart"],
    "additionalProperties": False,
}


def test_what_a_step_takes_is_held_against_what_it_is_given() -> None:
    bound = join(plain, "cart", "more", input_schema=TAKES)
    results = {"cart": {"total": 1}, "more": 1}
    assert bound.bind(context(task_input={"id": "1"}, results=results))["cart"] == {"total": 1}
    for given, said in (
        ({"task_input": {"id": 1}, "results": results}, r"takes: at \$\.input\.id: .*string"),
        ({"task_input": {"id": "1"}, "results": {"cart": {}}}, r"at \$\.cart: .*total"),
        ({"task_input": {"id": "1"}, "results": {"more": 1}}, r'at \$: "cart" is a required'),
    ):
        with pytest.raises(ContractError, match=f"what step s {said}" if "takes" in said else said):
            bound.bind(context(**given))


def test_what_is_required_is_given_also_where_nothing_more_is_said_of_it() -> None:
    bound = join(plain, "cart", "more", input_schema={"type": "object", "required": ["cart"]})
    results = {"cart": {"total": 1}, "more": 1}
    assert bound.bind(context(results=results))["cart"] == {"total": 1}


def test_it_is_held_also_where_the_handler_takes_only_the_context() -> None:
    @handler("foreign")
    def foreign(ctx: StepContext) -> None: ...

    bound = join(foreign, "cart", input_schema=TAKES)
    with pytest.raises(ContractError, match="what step s takes"):
        bound.bind(context(task_input={}, results={"cart": {"total": 1}}))


def test_a_schema_that_cannot_be_used_is_refused_when_it_is_joined() -> None:
    with pytest.raises(DefinitionError, match=r"step s: .*Retrieval is disabled"):
        join(plain, "cart", result_schema={"$ref": "http://example.com/s"})


def test_siblings_do_not_share_what_they_are_given() -> None:
    shared = {"rows": [1]}
    bound = join(plain, "cart")
    first = bound.bind(context(task_input=shared, results={"cart": shared}))
    first["input"]["rows"].append(2)
    first["cart"]["rows"].append(3)
    assert shared == {"rows": [1]}


def test_a_result_above_the_callers_limit_is_refused() -> None:
    with pytest.raises(ContractError, match="the limit is 10"):
        join(plain, "cart").dump("a" * 20, max_bytes=10)
