"""Where fragments may grow in a template: the dynamic steps that stand for a place, and who asks for them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tasker.actions.fragments import Place, step_name
from tasker.names import FRAGMENT_RESULT, FRAGMENT_STEP, PLACES
from tasker.policy import Retry
from tasker.template import StepDefinition
from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.composition import Bounds
from tasker_grammar.contracts import Schema

__all__ = ["fragment_steps", "let_propose", "make_place"]

_HELD = "fragment"
"""Where the config of a place's own steps holds it."""


def make_place(
    bounds: Bounds | None,
    input_schema: Schema | None,
    result: Schema | None,
    retry: bool,
    compositions: Catalog,
) -> Place:
    """A place, with the usual bounds where none are given. It keeps those of the compositions that are a user's own, if
    fragments may use any there.
    """
    within = Bounds() if bounds is None else bounds
    usable = within.kinds is None or "compose" in within.kinds
    own = tuple(each for each in compositions if each not in bundled()) if usable else ()
    return Place(within, True if input_schema is None else input_schema, result, retry, own)


def fragment_steps(
    name: str,
    place: Place,
    retry: Retry,
    timeout: float | None = None,
    queue: str | None = None,
) -> tuple[StepDefinition, StepDefinition]:
    """The dynamic steps of a place: one for each step of a fragment, and one that gives its result."""
    config = {_HELD: place.to_json()}
    result = StepDefinition(
        name, FRAGMENT_RESULT, "dynamic", queue=queue, config=config, result_schema=place.result
    )
    step = StepDefinition(
        step_name(name),
        FRAGMENT_STEP,
        "dynamic",
        queue=queue,
        config=config,
        retry=retry,
        attempt_time_limit=timeout,
    )
    return step, result


def let_propose(steps: Sequence[StepDefinition]) -> list[StepDefinition]:
    """The steps, those that may ask for what a place gives let to ask for its steps too, and told of the place."""
    places: Mapping[str, Any] = {
        step.name: step.config[_HELD] for step in steps if step.handler == FRAGMENT_RESULT
    }
    return [_let(step, places) for step in steps]


def _let(step: StepDefinition, places: Mapping[str, Any]) -> StepDefinition:
    known = {name: places[name] for name in step.expands if name in places}
    if not known:
        return step
    expands = dict.fromkeys([*step.expands, *map(step_name, known)])
    config = {**step.config, PLACES: known}
    return replace(step, expands=tuple(expands), config=config)
