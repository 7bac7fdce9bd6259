"""What there is to say in the grammar, one entry for each thing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard, cast, get_args

from pydantic import BaseModel

from tasker_grammar.catalog import Catalog
from tasker_grammar.checking.codes import CODES
from tasker_grammar.composition import Composition
from tasker_grammar.effects import EFFECTS
from tasker_grammar.expressions.library import FUNCTIONS, Function
from tasker_grammar.filling import is_optional
from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.primitives.interface import Primitive, StepFields

__all__ = ["SORTS", "Entry", "Sort", "gather", "search"]

Sort = Literal["primitive", "composition", "function", "code"]
SORTS: tuple[Sort, ...] = get_args(Sort)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing. `signature`: how it is written. `about`: what more there is to say, as JSON."""

    sort: Sort
    name: str
    signature: str
    summary: str
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def as_json(self) -> dict[str, Any]:
        """All of it, as one object."""
        own = {"sort": self.sort, "name": self.name, "signature": self.signature}
        return {**own, "summary": self.summary, **self.about}


def gather(catalog: Catalog) -> list[Entry]:
    """All entries: primitives, the catalog's compositions, functions, codes."""
    return [
        *map(_of_primitive, PRIMITIVES.values()),
        *map(_of_composition, catalog),
        *map(_of_function, sorted(FUNCTIONS.values(), key=lambda each: each.name)),
        *(
            Entry("code", code.name, code.name, code.title, {"severity": code.severity})
            for code in CODES.values()
        ),
    ]


def search(entries: Iterable[Entry], words: Iterable[str]) -> list[Entry]:
    """The entries that have all of these words, those first that have them in their names."""
    wanted = [word.lower() for word in words]
    found = [each for each in entries if all(word in _text(each) for word in wanted)]
    return sorted(found, key=lambda each: not any(word in each.name.lower() for word in wanted))


def _text(entry: Entry) -> str:
    return f"{entry.name} {entry.signature} {entry.summary} {' '.join(_words(entry.about))}".lower()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            yield key
            yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[Any]", value):
            yield from _words(item)


def _of_primitive(primitive: Primitive[Any, Any]) -> Entry:
    about = {
        "gives": primitive.gives,
        "effect": primitive.effect,
        "effect_means": EFFECTS[primitive.effect],
        "fields": " ".join((primitive.fields.__doc__ or "").split()),
        "behaviour": " ".join((type(primitive).__doc__ or "").split()),
        "failures": [
            {"code": each.code, "meaning": each.meaning, "retried": each.retryable}
            for each in primitive.failures
        ],
    }
    signature = f"{primitive.kind} {_shape(primitive.fields)}"
    return Entry("primitive", primitive.kind, signature, primitive.summary, about)


def _shape(model: type[BaseModel]) -> str:
    """A model's own fields, those of parts within in their place: `{cases: [{name?, when, then}], else?}`."""
    written: list[str] = []
    for name, info in model.model_fields.items():
        common = StepFields.model_fields.get(name)
        if common is not None and info.metadata == common.metadata:
            continue  # as every step has it
        own = info.alias or name
        own += "" if common is not None or info.is_required() else "?"
        part = next((each for each in get_args(info.annotation) if _is_model(each)), None)
        written.append(own if part is None else f"{own}: [{_shape(part)}]")
    return f"{{{', '.join(written)}}}"


def _is_model(value: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _of_composition(composition: Composition) -> Entry:
    parameters = composition.parameters
    written = [name if not is_optional(each) else f"{name}?" for name, each in parameters.items()]
    summary, _, rest = composition.description.partition(". ")
    about = {
        "version": composition.version,
        "effect": composition.effect,
        "description": rest,
        "parameters": [
            {
                "name": name,
                "kind": each.kind,
                "required": not is_optional(each),
                "default": each.default,
                "description": each.description,
                "sees": each.sees,
            }
            for name, each in parameters.items()
        ],
        "example": None
        if composition.example is None
        else {
            "with": dict(composition.example.arguments),
            "input": composition.example.input,
            "output": composition.example.output,
        },
    }
    signature = f"{composition.name}({', '.join(written)})"
    about["brief"] = f"{composition.name}({', '.join(_brief(written))})"
    return Entry("composition", composition.name, signature, f"{summary.rstrip('.')}.", about)


def _brief(parameters: list[str]) -> list[str]:
    required = [name for name in parameters if not name.endswith("?")]
    return required if len(required) == len(parameters) else [*required, "…"]


def _of_function(function: Function) -> Entry:
    source, given, gives = function.example
    signature = function.name
    if function.parameters:
        signature += f"({'; '.join(function.parameters)})"
    example = {"expression": source, "input": given, "output": gives}
    return Entry("function", function.name, signature, function.summary, {"example": example})
