"""How code becomes a handler: the decorator, the base class, and what is read of them. Pure.

A handler stays what it was written as, and a unit test just calls it. What Tasker read of it stands
beside, on an attribute of the function or class; there is no registry.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from tasker.binding import ATTRIBUTE, Handler, describe
from tasker.errors import DefinitionError
from tasker.injection import read_signature

__all__ = [
    "StepHandler",
    "handler",
    "local_names",
    "read_handler",
]

_GATHERING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

Target = TypeVar("Target", bound=Callable[..., Any])


class StepHandler:
    """Base of handlers written as classes: give `name`, and a method `call`, sync or async.

    The parameters of `call` are filled like a function's. A worker process makes one instance,
    with no arguments, when the handler is first joined to a step; `call` must bear being run many
    times at once. `@handler("name")` above the class does the same as `name`.
    """

    name: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in vars(cls):
            setattr(cls, ATTRIBUTE, _read(cls, cls.name, local_names(2)))


def handler(name: str) -> Callable[[Target], Target]:
    """Make a function, or a class with a method `call`, the handler that templates call `name`.

    What is decorated stays what it is. Raises `DefinitionError` when it cannot be a handler.
    """

    def decorate(target: Target) -> Target:
        setattr(target, ATTRIBUTE, _read(target, name, local_names(2)))
        return target

    return decorate


def read_handler(
    function: Callable[..., Any],
    name: str,
    known: Mapping[str, Any],
) -> Handler:
    """Read a function as the handler `name`; `known` are local names that annotations may use.

    Raises `DefinitionError`.
    """
    signature = read_signature(function, f"handler {name}", known)
    is_async = inspect.iscoroutinefunction(function)
    return Handler(name, signature, is_async, lambda: function)


def local_names(depth: int) -> Mapping[str, Any]:
    """The names in the function that called, `depth` frames up; annotations there may use them."""
    frame = inspect.currentframe()
    for _ in range(depth):
        frame = None if frame is None else frame.f_back
    return {} if frame is None or frame.f_locals is frame.f_globals else dict(frame.f_locals)


def _read(target: object, name: object, known: Mapping[str, Any]) -> Handler:
    if not isinstance(name, str) or not name:
        raise DefinitionError(f"{describe(target)}: a handler's name is a text, not {name!r}")
    if isinstance(target, type):
        return _read_class(cast("type[Any]", target), name, known)
    if not callable(target):
        raise DefinitionError(f"handler {name}: {target!r} is neither a function nor a class")
    return read_handler(target, name, known)


def _read_class(cls: type[Any], name: str, known: Mapping[str, Any]) -> Handler:
    subject = f"handler {name}"
    call: object = getattr(cls, "call", None)
    if not callable(call):
        raise DefinitionError(f"{subject}: class {cls.__name__} has no method call")
    needed = _required(cls)
    if needed:
        raise DefinitionError(
            f"{subject}: {cls.__name__} is made without arguments; needs {needed}"
        )
    is_plain = inspect.isfunction(inspect.getattr_static(cls, "call"))
    signature = read_signature(call, subject, known, leading=int(is_plain))
    return Handler(name, signature, inspect.iscoroutinefunction(call), _one_instance(cls, subject))


def _required(cls: type[Any]) -> str:
    parameters = inspect.signature(cls).parameters.values()
    bare = [p for p in parameters if p.default is p.empty and p.kind not in _GATHERING]
    return ", ".join(p.name for p in bare)


def _one_instance(cls: type[Any], subject: str) -> Callable[[], Callable[..., Any]]:
    lock = threading.Lock()
    made: list[Any] = []

    def make() -> Callable[..., Any]:
        with lock:
            if not made:
                try:
                    made.append(cls())
                except Exception as error:
                    raise DefinitionError(f"{subject}: making {cls.__name__} failed") from error
        return made[0].call

    return make
