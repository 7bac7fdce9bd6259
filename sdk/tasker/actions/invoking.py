"""Functions that compositions may invoke: how one is declared, and how it is run. Touches what the function touches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import anyio.to_thread
import orjson

from tasker.binding import ACTION
from tasker.decorators import local_names
from tasker.errors import DefinitionError, PermanentError, RetryableError
from tasker.injection import read_signature
from tasker.names import did_you_mean
from tasker.values import Shape
from tasker_grammar.contracts import Yes, fits
from tasker_grammar.resources import Action, Resources
from tasker_grammar.world import ActionFailed

__all__ = ["Invocable", "action", "invocable_of", "invoke", "with_actions"]

_KEY = "idempotency_key"
_FAILED = "ACTION_FAILED"

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Invocable:
    """A function that may be invoked: by its name, with its contracts, which its annotations say."""

    name: str
    about: Action
    function: Callable[..., Any]
    input: Shape
    result: Shape
    takes_key: bool


def action(
    name: str,
    *,
    effect: Literal["pure", "read", "idempotent_write"],
    failures: Sequence[type[PermanentError]] = (),
    description: str = "",
) -> Callable[[Function], Function]:
    """Let compositions invoke a function, which stays what it is: `{kind: invoke, action: name, input: ...}`.

    It takes `input`, and what it takes and gives is annotated: that are its contracts. One that writes outside also
    takes `idempotency_key`, a text, and has an effect once for it, however often it is called. `failures` are the
    permanent errors that it declares; any other error is retried, but for PermanentError. Raises DefinitionError.
    """

    def decorate(function: Function) -> Function:
        setattr(
            function, ACTION, _read(function, name, effect, failures, description, local_names(2))
        )
        return function

    return decorate


def invocable_of(function: object) -> Invocable | None:
    """What `action` has made of a function; None where it has not."""
    found: object = vars(function).get(ACTION) if hasattr(function, "__dict__") else None
    return found if isinstance(found, Invocable) else None


def with_actions(resources: Resources, invocables: Mapping[str, Invocable]) -> Resources:
    """The resources with the functions that are there: those that are not named yet are added under their own names,
    and those that are named and not there are left out.

    Raises DefinitionError when the resources say something else of one than its annotations.
    """
    told = resources.actions
    here = {name: about for name, about in told.items() if about.handler in invocables}
    for name, about in here.items():
        _check_told(name, about, invocables[about.handler])
    named = {about.handler for about in here.values()}
    own = {
        i.name: i.about for i in invocables.values() if i.name not in named and i.name not in told
    }
    return resources.model_copy(update={"actions": {**here, **own}})


async def invoke(
    invocables: Mapping[str, Invocable], about: Action, value: Any, idempotency_key: str
) -> Any:
    """What the function gives, as JSON. Raises ActionFailed: a failure that it declares, or ACTION_FAILED."""
    found = invocables[about.handler]
    try:
        given: dict[str, Any] = {"input": found.input.load(value)}
        if found.takes_key:
            given[_KEY] = idempotency_key
        if inspect.iscoroutinefunction(found.function):
            result = await found.function(**given)
        else:
            result = await anyio.to_thread.run_sync(
                lambda: found.function(**given), abandon_on_cancel=True
            )
        return orjson.loads(found.result.dump(result))
    except RetryableError as error:
        raise ActionFailed(
            _FAILED, _tell(found, error), retryable=True, retry_after=error.retry_after
        ) from error
    except PermanentError as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        code = next((each for each in kinds if each in about.failures), _FAILED)
        raise ActionFailed(code, _tell(found, error)) from error
    except Exception as error:
        raise ActionFailed(_FAILED, _tell(found, error), retryable=True) from error


def _tell(found: Invocable, error: Exception) -> str:
    return f"{found.name}: {type(error).__name__}: {error}"


def _read(
    function: Callable[..., Any],
    name: str,
    effect: Literal["pure", "read", "idempotent_write"],
    failures: Sequence[type[PermanentError]],
    description: str,
    known: Mapping[str, Any],
) -> Invocable:
    subject = f"action {name}"
    signature = read_signature(function, subject, known)
    parameters = {p.name: p for p in signature.parameters}
    taken = parameters.get("input")
    if taken is None or parameters.keys() - {"input", _KEY}:
        raise DefinitionError(f"{subject} takes input, perhaps {_KEY}, and nothing else")
    if effect == "idempotent_write" and _KEY not in parameters:
        raise DefinitionError(
            f"{subject} writes, and may be called again for the same thing: it must take {_KEY}, and"
            " have its effect once for each"
        )
    accepted, produced = taken.shape.accepted, signature.result.produced
    if accepted is None or produced is None:
        raise DefinitionError(
            f"{subject}: annotate what it takes and what it returns: that are its contracts"
        )
    about = Action.model_validate(
        {
            "description": description or inspect.getdoc(function) or "",
            "handler": name,
            "effect": effect,
            "input": accepted,
            "result": produced,
            "failures": [each.__name__ for each in failures],
        }
    )
    return Invocable(name, about, function, taken.shape, signature.result, _KEY in parameters)


def _check_told(name: str, told: Action, found: Invocable) -> None:
    subject = f"the action {name} of the resources"
    if told.effect != found.about.effect:
        raise DefinitionError(
            f"{subject} has the effect {told.effect}, and @action says {found.about.effect}"
        )
    taken, given = fits(told.input, found.about.input), fits(found.about.result, told.result)
    for what, verdict in (("takes", taken), ("gives", given)):
        if not isinstance(verdict, Yes):
            raise DefinitionError(
                f"{subject} {what} something else than {found.name} by its annotations:"
                f" at {verdict.path}: {verdict.explanation}"
            )
    unknown = [each for each in told.failures if each not in found.about.failures]
    if unknown:
        hint = did_you_mean(unknown[0], found.about.failures)
        raise DefinitionError(
            f"{subject} fails with {unknown[0]}, which @action does not. {hint}".rstrip()
        )
