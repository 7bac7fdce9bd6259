"""Values of annotated types, read from JSON and written to it. Pure.

A shape is made once, when its annotation is read; after that, loading and dumping are one call
into pydantic each. Loading always goes through JSON text: what arrived as JSON is then read by
JSON's rules, also by strict models, and no two handlers ever share an object that one may change.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from tasker.errors import ContractError, DefinitionError
from tasker.schemas import accepted_schema, produced_schema
from tasker.storable import MAX_BYTES, dumps_anything, serialize
from tasker_grammar.contracts import Finding, Schema, path_text

__all__ = ["Shape", "annotation_text", "shape_of"]

_ANYTHING = (inspect.Parameter.empty, Any, object)
_MAX_FINDINGS = 10


@dataclass(frozen=True)
class Shape:
    """What one value must be: `subject` names it in messages, `annotation` is what was written."""

    subject: str
    annotation: Any = Any
    adapter: TypeAdapter[Any] | None = None
    """None: anything goes."""
    own_class: type | None = None
    """A class whose instances are dumped as they are; anything else is validated into one first."""
    loads: Callable[[bytes], Any] = orjson.loads
    dumps: Callable[[Any], bytes] = dumps_anything

    def load(self, value: Any) -> Any:
        """A value of the annotated type, made from parsed JSON. Raises `ContractError`."""
        if self.adapter is None and not isinstance(value, dict | list):
            return value
        try:
            return self.loads(orjson.dumps(value))
        except ValidationError as error:
            raise ContractError(self.subject, _findings(error)) from None
        except TypeError as error:
            raise ContractError(self.subject, [Finding("$", f"is not JSON: {error}")]) from None

    def dump(self, value: Any, max_bytes: int = MAX_BYTES) -> bytes:
        """`value` as JSON that can be stored. Raises `ContractError`."""
        if self.adapter is not None and not (self.own_class and isinstance(value, self.own_class)):
            value = _conform(self.subject, self.adapter, value)
        data = serialize(self.dumps, value, max_bytes)
        if isinstance(data, Finding):
            raise ContractError(self.subject, [data])
        return data

    @cached_property
    def accepted(self) -> Schema | None:
        """The JSON Schema of what `load` takes; None for anything or what has no schema."""
        return None if self.adapter is None else accepted_schema(self.adapter)

    @cached_property
    def produced(self) -> Schema | None:
        """The JSON Schema of what `dump` gives; None for anything or what has no schema."""
        return None if self.adapter is None else produced_schema(self.adapter)


def shape_of(annotation: Any, subject: str) -> Shape:
    """The shape that an annotation asks for. No annotation, `Any` and `object` ask for nothing.

    Raises `DefinitionError` when pydantic cannot tell what the annotation means.
    """
    if any(annotation is anything for anything in _ANYTHING):
        return Shape(subject)
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        # Reading these builds them: a name that a model has not resolved yet is found out here.
        loads, to_json = adapter.validator.validate_json, adapter.serializer.to_json
    except PydanticSchemaGenerationError:
        raise DefinitionError(
            f"{subject}: {annotation_text(annotation)} is nothing that JSON can carry. Use pydantic"
            " models, dataclasses, TypedDicts, lists, dicts and plain types"
        ) from None
    except (PydanticUserError, NameError, TypeError) as error:
        text = _explain(error)
        raise DefinitionError(f"{subject}: {annotation_text(annotation)}: {text}") from None
    own_class = annotation if _is_own_class(annotation) else None
    dumps = partial(to_json, by_alias=True, warnings="error")
    return Shape(subject, annotation, adapter, own_class, loads, dumps)


def annotation_text(annotation: Any) -> str:
    """An annotation as its author would write it."""
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__qualname__.rsplit("<locals>.", 1)[-1]
    return inspect.formatannotation(annotation)


def _is_own_class(annotation: Any) -> bool:
    if not isinstance(annotation, type):
        return False
    own_class = cast("type[Any]", annotation)
    return issubclass(own_class, BaseModel) or dataclasses.is_dataclass(own_class)


def _explain(error: Exception) -> str:
    if isinstance(error, PydanticUserError) and error.code == "class-not-fully-defined":
        return "it refers to a type that is not defined yet. Define that above"
    return str(error).split("\n", 1)[0]


def _conform(subject: str, adapter: TypeAdapter[Any], value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise ContractError(subject, _findings(error)) from None


def _findings(error: ValidationError) -> list[Finding]:
    errors = error.errors(include_url=False, include_context=False)
    findings = [Finding(path_text(e["loc"]), _message(e["msg"], e["input"])) for e in errors]
    rest = len(findings) - _MAX_FINDINGS
    if rest > 0:
        return [*findings[:_MAX_FINDINGS], Finding("$", f"and {rest} more")]
    return findings


def _message(text: str, value: Any) -> str:
    # The type and not the value: errors are stored and logged, and inputs may be confidential.
    return f"{text} (is {type(value).__name__})"
