"""What typed steps name of the outside: a name among the resources, and the types that are expected there. Pure.

The resources say what is really there; a worker holds the one against the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from tasker.errors import DefinitionError
from tasker.schemas import accepted_schema, exact_schema, produced_schema
from tasker_grammar import resources
from tasker_grammar.contracts import Schema
from tasker_grammar.references import inline

__all__ = ["Endpoint", "Event", "Table", "exact", "produced", "taken"]

Params = TypeVar("Params", contravariant=True)
Result = TypeVar("Result", covariant=True)
Row = TypeVar("Row", contravariant=True)
Payload = TypeVar("Payload", contravariant=True)


@dataclass(frozen=True, slots=True, init=False)
class Endpoint(Generic[Params, Result]):
    """An endpoint among the resources: what it is asked for, and what it answers."""

    name: str
    claim: resources.Endpoint

    def __init__(self, name: str, *, params: type[Params], result: type[Result]) -> None:
        claim = resources.Endpoint(
            base_url="https://unknown.invalid", params=exact(params), result=taken(result)
        )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "claim", claim)


@dataclass(frozen=True, slots=True, init=False)
class Table(Generic[Row]):
    """A table among the resources: what a row is, and the columns that tell rows apart."""

    name: str
    claim: resources.Table

    def __init__(self, name: str, row: type[Row], *, key: tuple[str, ...]) -> None:
        object.__setattr__(self, "name", name)
        claim = resources.Table(table=name, row=exact(row), key=key)
        object.__setattr__(self, "claim", claim)


@dataclass(frozen=True, slots=True, init=False)
class Event(Generic[Payload]):
    """An event among the resources: what it carries."""

    name: str
    claim: resources.Event

    def __init__(self, name: str, payload: type[Payload]) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "claim", resources.Event(payload=exact(payload)))


def exact(type_: Any) -> dict[str, Any] | bool:
    """The fields that a type takes, and no others. Raises `DefinitionError`."""
    return _described(type_, exact_schema)


def taken(type_: Any) -> dict[str, Any] | bool:
    """What a type takes. Raises `DefinitionError`."""
    return _described(type_, accepted_schema)


def produced(type_: Any) -> dict[str, Any] | bool:
    """What a type is written as: its fields, and no others. Raises `DefinitionError`."""
    return _described(type_, produced_schema)


def _described(
    type_: Any, describe: Callable[[TypeAdapter[Any]], Schema | None]
) -> dict[str, Any] | bool:
    schema = describe(TypeAdapter[Any](type_))
    whole = None if schema is None else inline(schema)
    if whole is None:
        name = getattr(type_, "__name__", type_)
        what = f"{name} has no JSON Schema that could be used here"
        raise DefinitionError(f"{what}. Use types that JSON can hold, none within itself.")
    return whole if isinstance(whole, bool) else dict(whole)
