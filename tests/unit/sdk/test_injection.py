"""How a handler's parameters are read, and what fills them."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from tasker import DefinitionError, StepContext
from tasker.injection import Assignment, assign, read_signature

if TYPE_CHECKING:
    from decimal import Decimal


class Cart(BaseModel):
    total: int


def read(function: Callable[..., Any]) -> Any:
    return read_signature(function, "handler h", {})


def filled(assignment: Assignment) -> tuple[bool, list[str], tuple[str, ...]]:
    return (
        assignment.task_input is not None,
        [parameter.name for parameter in assignment.results],
        assignment.contexts,
    )


def test_names_and_annotations_say_what_fills_a_parameter() -> None:
    def h(cart: Cart, input: dict[str, Any], here: StepContext, factor: float = 1.5) -> int: ...

    signature = read(h)
    assert filled(assign(signature, ["cart", "other"])) == (True, ["cart"], ("here",))
    assert signature.result.annotation is int


@pytest.mark.parametrize("name", ["ctx", "context"])
def test_a_context_needs_no_annotation_if_it_has_the_name(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def h({name}): ...", namespace)
    assert filled(assign(read(namespace["h"]), [])) == (False, [], (name,))


def test_a_context_may_be_optional_for_the_sake_of_unit_tests() -> None:
    def h(here: StepContext | None = None) -> None: ...

    assert filled(assign(read(h), [])) == (False, [], ("here",))


def test_a_step_may_be_called_context_in_yaml() -> None:
    def h(context: Cart, here: StepContext) -> None: ...

    assert filled(assign(read(h), ["context"])) == (False, ["context"], ("here",))


def test_a_parameter_with_a_default_takes_the_result_if_there_is_a_parent_of_its_name() -> None:
    def h(cart: Cart | None = None) -> None: ...

    assert filled(assign(read(h), ["cart"])) == (False, ["cart"], ())
    assert filled(assign(read(h), [])) == (False, [], ())


def test_a_parameter_that_nothing_fills_is_refused_with_what_is_possible() -> None:
    def h(crt: Cart) -> None: ...

    with pytest.raises(DefinitionError) as refused:
        assign(read(h), ["cart", "audit"])
    said = str(refused.value)
    assert said.startswith("handler h: nothing fills the parameter crt.")
    assert "(audit, cart)" in said
    assert said.endswith('Did you mean "cart"?')


def test_a_context_cannot_be_a_model() -> None:
    def h(ctx: Cart) -> None: ...

    with pytest.raises(DefinitionError, match="takes the step's context, so it cannot be Cart"):
        assign(read(h), [])


def star(*rest: int) -> None: ...
def stars(**rest: int) -> None: ...
def positional(input: int, /) -> None: ...


@pytest.mark.parametrize("function", [star, stars, positional])
def test_parameters_without_a_name_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(DefinitionError, match=r"cannot be filled by name.*functools\.wraps"):
        read(function)


def test_a_decorated_handler_is_read_as_what_it_wraps() -> None:
    def h(cart: Cart) -> int: ...

    @functools.wraps(h)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return h(*args, **kwargs)

    signature = read(wrapper)
    assert [parameter.name for parameter in signature.parameters] == ["cart"]
    assert signature.parameters[0].shape.annotation is Cart


def generate() -> Iterator[int]:
    yield 1


async def generate_async() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [generate, generate_async])
def test_generators_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(DefinitionError, match="is a generator"):
        read(function)


def test_a_name_that_is_only_there_for_type_checkers_is_refused() -> None:
    def h(input: int, amount: Decimal = ...) -> None: ...  # type: ignore[assignment]

    with pytest.raises(DefinitionError) as refused:
        read(h)
    assert str(refused.value) == (
        "handler h: Decimal in the annotation of amount is not known here. Define or import it"
        " above the handler, and not only under TYPE_CHECKING"
    )


def test_an_annotation_that_is_no_python_is_refused() -> None:
    def h(input: int) -> None: ...

    h.__annotations__["input"] = "list["
    with pytest.raises(DefinitionError, match="an annotation cannot be resolved"):
        read(h)


def test_local_names_may_be_used() -> None:
    class Local(BaseModel):
        n: int

    def h(input: Local) -> Local: ...

    signature = read_signature(h, "handler h", {"Local": Local})
    assert signature.parameters[0].shape.annotation is Local
    with pytest.raises(DefinitionError, match="Local in the annotation of input"):
        read(h)
