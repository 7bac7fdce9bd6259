"""Whether a type fits a contract, and schemas compiled: remembered, because a composition asks the same many times.
Pure.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from tasker_grammar.contracts import Contract, Schema, SchemaError, Verdict, Yes, fits
from tasker_grammar.plain import plainly_fits
from tasker_grammar.schema_types import schema_of
from tasker_grammar.types import Type

__all__ = ["judge", "why_unusable"]

_LONGEST = 20_000  # characters of a schema; what is longer is not remembered


def judge(given: Type, taken: Schema) -> Verdict:
    """Whether all values of the type satisfy the contract, which is usable."""
    schema = schema_of(given)
    if plainly_fits(schema, taken):
        return Yes()
    one, other = _text(schema), _text(taken)
    if len(one) + len(other) > _LONGEST:
        return fits(schema, taken)
    return _fits(one, other)


def why_unusable(schema: Schema) -> SchemaError | None:
    """What makes the schema unusable, if anything does."""
    try:
        text = _text(schema)
    except TypeError:
        return SchemaError("it has an integer beyond 64 bits, or something that is no JSON")
    return _why_unusable(text) if len(text) <= _LONGEST else _compile(schema)


@lru_cache(maxsize=512)
def _fits(given: bytes, taken: bytes) -> Verdict:
    return fits(orjson.loads(given), orjson.loads(taken))


@lru_cache(maxsize=512)
def _why_unusable(schema: bytes) -> SchemaError | None:
    return _compile(orjson.loads(schema))


def _compile(schema: Schema) -> SchemaError | None:
    try:
        Contract(schema)
    except SchemaError as error:
        return error
    return None


def _text(schema: Schema) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
