"""What a handler asks people, and what they answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from tasker.errors import ContractError, PermanentError
from tasker.values import Shape, shape_of
from tasker_grammar.contracts import Contract, Finding, Schema

__all__ = ["Approval", "Question", "check_answer", "make_question", "read_answer"]

T = TypeVar("T")

_anything = shape_of(Any, "an approval's data")


@dataclass(frozen=True, slots=True)
class Approval(Generic[T]):
    """What somebody answered, or what holds because nobody did in time."""

    approved: bool
    answer: T | None = None
    """What they filled in; None where there was no form, or it was left empty."""
    by: str | None = None
    """Who answered; None when nobody did."""
    reason: str | None = None
    expired: bool = False
    """Whether nobody answered in time, so that this is the default."""

    def __bool__(self) -> bool:
        """Whether it was approved."""
        return self.approved


@dataclass(frozen=True, slots=True)
class Question:
    """What people are asked, as the database keeps it: `data` is what they see, `form` a JSON Schema of the answer."""

    name: str
    title: str
    data: Any
    form: Schema | None
    who: tuple[str, ...]


def make_question(
    name: str, title: str | None, data: Any, form: Any, who: Sequence[str]
) -> tuple[Question, Shape]:
    """The question, and the shape of its answer. Raises `PermanentError` for a form without a JSON Schema."""
    if isinstance(who, str):
        raise PermanentError(f"approval {name}: who is a list of people and roles, not {who!r}")
    shape = shape_of(Any if form is None else form, f"the answer to approval {name}")
    schema = shape.accepted
    if form is not None and schema is None:
        raise PermanentError(f"approval {name}: {form!r} has no JSON Schema to be asked by")
    shown = orjson.loads(_anything.dump(data))
    return Question(name, title or name, shown, schema, tuple(who)), shape


def read_answer(saved: Mapping[str, Any], shape: Shape) -> Approval[Any]:
    """What was answered, as the wait's end saved it. Raises `ContractError` when it is not what the form asks for."""
    answer = saved["answer"]
    filled = None if answer is None else shape.load(answer)
    if answer is None and saved["approved"] and shape.adapter is not None:
        raise ContractError(shape.subject, [Finding("$", "is missing, though it was approved")])
    return Approval(saved["approved"], filled, saved["by"], saved["reason"])


def check_answer(approval: Mapping[str, Any], approved: bool, answer: Any) -> None:
    """Hold an answer against the form of the approval that it is for. Raises `ContractError`."""
    form = approval["form"]
    if form is None or (answer is None and not approved):
        return
    findings = Contract(form).check(answer)
    if findings:
        raise ContractError(f"the answer to approval {approval['name']}", findings)
