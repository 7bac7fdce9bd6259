"""Which steps a new one depends on: those whose results its handler's parameters take, and those it names. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasker.binding import Handler
from tasker.errors import DefinitionError
from tasker.injection import Parameter
from tasker.names import RESERVED, did_you_mean
from tasker.workflow_steps import Steps

__all__ = ["check_known", "find_parents"]


def check_known(depends_on: Sequence[str], steps: Steps, subject: str) -> None:
    """Raise DefinitionError, which begins with `subject`, for a parent that is no step yet."""
    if isinstance(depends_on, str):
        raise DefinitionError(f"{subject}: depends_on is a list of names, not {depends_on!r}")
    for parent in depends_on:
        if parent not in steps:
            hint = did_you_mean(parent, steps) or "A step comes after those it waits for."
            raise DefinitionError(f"{subject}: it depends on {parent!r}, no step yet. {hint}")


def find_parents(
    handler: Handler, depends_on: Sequence[str], steps: Steps, subject: str
) -> tuple[str, ...]:
    """The parents, those whose results are taken first.

    Raises DefinitionError, which begins with `subject`, for a parent that is no step yet, and for a parameter that
    nothing fills.
    """
    check_known(depends_on, steps, subject)
    parameters = handler.signature.parameters
    for parameter in parameters:
        if not _is_filled(parameter, steps):
            raise DefinitionError(_explain(parameter, steps, subject))
    taken = (p.name for p in parameters if p.name in steps and not p.is_context)
    return tuple(dict.fromkeys([*taken, *depends_on]))


def _is_filled(parameter: Parameter, steps: Steps) -> bool:
    fills_itself = parameter.is_context or parameter.has_default
    return fills_itself or parameter.name in RESERVED or parameter.name in steps


def _explain(parameter: Parameter, steps: Steps, subject: str) -> str:
    hint = did_you_mean(parameter.name, [*steps, *RESERVED])
    return (
        f"{subject}: nothing fills the parameter {parameter.name}. Possible are: input (the"
        f" task's input), a step defined above ({', '.join(steps) or 'none'}), a parameter"
        f" annotated StepContext, or one with a default. {hint}"
    ).rstrip()
