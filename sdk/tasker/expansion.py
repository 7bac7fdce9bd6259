"""Steps that a handler asks for: which ones, with what, and after which. Pure."""

from __future__ import annotations

import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import orjson

from tasker.errors import PermanentError
from tasker.fitting import find_misfit
from tasker.names import did_you_mean
from tasker.storable import MAX_BYTES
from tasker.values import Shape, annotation_text

if TYPE_CHECKING:
    from tasker.injection import Signature

__all__ = ["DYNAMIC", "DynamicStep", "Expansion", "Node", "expanded_result"]

DYNAMIC = "__tasker_dynamic__"
"""Where a function that is a dynamic step carries its `DynamicStep`."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class DynamicStep:
    """A dynamic step of a workflow: its name, and what its function takes and gives."""

    name: str
    signature: Signature


@dataclass(eq=False, slots=True)
class Node(Generic[R]):
    """A step in an expansion, or one that is in the task already: what others can take, or wait for."""

    reference: int | str
    shape: Shape | None = None
    waits_for: list[int | str] = field(default_factory=list[int | str])

    def after(self, *others: Node[Any]) -> Node[R]:
        """Wait for these too, without taking what they give. Only for a step that was just added."""
        if isinstance(self.reference, str):
            raise PermanentError(
                f"step {self.reference} is in the task already, and waits for nothing more"
            )
        self.waits_for += [other.reference for other in others]
        return self


class Expansion(Generic[T]):
    """What a handler returns that asks for other steps: its own result, and the steps.

    The steps come to be in the transaction in which the handler's own step completes, or none of
    them does. Each is a dynamic step of the workflow, which may be asked for any number of times,
    within the bounds that the workflow sets.
    """

    @overload
    def __init__(self: Expansion[None]) -> None: ...

    @overload
    def __init__(self, result: T) -> None: ...

    def __init__(self, result: Any = None) -> None:
        self.result: T = result
        self._asked: list[tuple[str, dict[str, bytes], dict[str, int | str], Node[Any]]] = []

    def __len__(self) -> int:
        """How many steps it asks for."""
        return len(self._asked)

    @overload
    def add(self, step: Callable[..., Awaitable[Expansion[R]]], /, **arguments: Any) -> Node[R]: ...

    @overload
    def add(self, step: Callable[..., Expansion[R]], /, **arguments: Any) -> Node[R]: ...

    @overload
    def add(self, step: Callable[..., Awaitable[R]], /, **arguments: Any) -> Node[R]: ...

    @overload
    def add(self, step: Callable[..., R], /, **arguments: Any) -> Node[R]: ...

    @overload
    def add(self, step: str, /, **arguments: Any) -> Node[Any]: ...

    def add(self, step: Callable[..., Any] | str, /, **arguments: Any) -> Node[Any]:
        """Ask for a dynamic step, given by its function or its name, with its arguments by name.

        An argument is a value, or the node of a step whose result it is; the new step waits for
        that. Raises `ContractError` when the step's function takes no such argument, when one
        is missing or of another type, and `PermanentError` when it is no dynamic step.
        """
        name, signature = step if isinstance(step, str) else "", None
        if not isinstance(step, str):
            found: object = getattr(step, DYNAMIC, None)
            if not isinstance(found, DynamicStep):
                raise PermanentError(f"{step!r} is no dynamic step: put @workflow.dynamic above it")
            name, signature = found.name, found.signature
        subject = f"expansion, {name}"
        _check_names(subject, signature, arguments)
        values = {
            key: _shape(subject, signature, key).dump(value)
            for key, value in arguments.items()
            if not isinstance(value, Node)
        }
        nodes: dict[str, Node[Any]] = {
            key: value for key, value in arguments.items() if isinstance(value, Node)
        }
        for key, node in nodes.items():
            _check_fit(subject, node, _shape(subject, signature, key))
        takes = {key: node.reference for key, node in nodes.items()}
        made: Node[Any] = Node(len(self._asked), signature.result if signature else None)
        self._asked.append((name, values, takes, made))
        return made

    def existing(self, name: str) -> Node[Any]:
        """A step that is in the task already, by its name there, such as `score` or `draft/2`."""
        return Node(name)

    def dump(self) -> bytes:
        """The steps as an exchange takes them. Raises `ContractError` when they are too large to be stored."""
        data = orjson.dumps(
            [
                {
                    "step": name,
                    "values": {key: orjson.Fragment(value) for key, value in values.items()},
                    "takes": takes,
                    "after": node.waits_for,
                }
                for name, values, takes, node in self._asked
            ]
        )
        if len(data) > MAX_BYTES:
            raise PermanentError(
                f"the expansion has {len(data):,} bytes; {MAX_BYTES:,} is the most"
            )
        return data


def expanded_result(annotation: Any) -> tuple[Any, bool]:
    """What a handler's step gives by the annotation of its result, and whether that is an `Expansion`."""
    if annotation is Expansion:
        return Any, True
    if typing.get_origin(annotation) is Expansion:
        return typing.get_args(annotation)[0], True
    return annotation, False


def _check_names(subject: str, signature: Signature | None, arguments: dict[str, Any]) -> None:
    if signature is None:
        return
    known = {p.name: p for p in signature.own_parameters}
    for name in arguments:
        if name not in known:
            hint = did_you_mean(name, known) or f"It takes {', '.join(known) or 'nothing'}."
            raise PermanentError(f"{subject}: it takes no argument {name}. {hint}")
    missing = [name for name, p in known.items() if name not in arguments and not p.has_default]
    if missing:
        raise PermanentError(f"{subject}: nothing is given for {', '.join(missing)}")


def _shape(subject: str, signature: Signature | None, name: str) -> Shape:
    if signature is None:
        return Shape(f"{subject}: {name}")
    return next(p.shape for p in signature.own_parameters if p.name == name)


def _check_fit(subject: str, node: Node[Any], taken: Shape) -> None:
    if node.shape is None:
        return
    misfit = find_misfit(node.shape, node.shape.produced, taken)
    if misfit is not None:
        gives, takes = annotation_text(node.shape.annotation), annotation_text(taken.annotation)
        raise PermanentError(
            f"{subject}: {taken.subject} takes {takes}, but is given {gives}: {misfit}"
        )
