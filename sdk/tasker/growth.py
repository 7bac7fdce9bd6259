"""What the handlers of steps that make their task grow may return: branches, and items of a batch. Pure."""

from __future__ import annotations

import collections.abc
import types
import typing
from typing import Any, Literal, Union

import orjson

from tasker_grammar.contracts import Schema

__all__ = ["branches_in", "describe_answer", "item_type", "normalize_branches"]

_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable)
_UNIONS = (Union, types.UnionType)


def branches_in(annotation: Any) -> frozenset[str] | None:
    """The branches that a decision's annotation allows, or None when it does not name them."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if annotation is None or annotation is type(None):
        return frozenset()
    if origin is Literal:
        return frozenset(str(argument) for argument in arguments)
    if origin in _UNIONS or origin in _LISTS:
        each = [branches_in(argument) for argument in arguments if argument is not Ellipsis]
        named = [names for names in each if names is not None]
        return frozenset[str]().union(*named) if named and len(named) == len(each) else None
    return None


def item_type(annotation: Any) -> Any:
    """The type of the items of a batch's list; Any when the annotation does not say, None when it is no list."""
    if annotation is Any:
        return Any
    origin, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if origin not in _LISTS:
        return None
    return arguments[0] if arguments else Any


def normalize_branches(result: bytes) -> bytes:
    """What a decision said, as an array of names: one name is an array of one, nothing is an empty one."""
    match orjson.loads(result):
        case None:
            return b"[]"
        case str() as name:
            return orjson.dumps([name])
        case _:
            return result


def describe_answer(annotation: Any) -> Schema:
    """The schema of what a decision's annotation allows, as it is stored: always an array of names."""
    names = branches_in(annotation)
    if names == frozenset():
        return {"type": "array", "maxItems": 0}
    items = {"type": "string"} if names is None else {"enum": sorted(names)}
    most = {"maxItems": 1} if _chooses_one(annotation) else {}
    return {"type": "array", "items": items, **most}


def _chooses_one(annotation: Any) -> bool:
    if typing.get_origin(annotation) in _UNIONS:
        return all(_chooses_one(each) for each in typing.get_args(annotation))
    return annotation in (None, type(None), str) or typing.get_origin(annotation) is Literal
