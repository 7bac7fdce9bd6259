"""Templates, read from the definitions that `Template.to_json` writes and the database keeps. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasker.limits import Limit
from tasker.policy import BatchPolicy, Bounds, Retry
from tasker.template import Compensation, StepDefinition, Template

__all__ = ["read_template"]

Json = Mapping[str, Any]


def read_template(definition: Json) -> Template:
    """The template of a definition; what that leaves out is as `tasker.register_template` takes it.

    Raises `DefinitionError` when it is none that could be made here.
    """
    own = _given(definition)
    return Template(
        namespace=own["namespace"],
        name=own["name"],
        version=own["version"],
        steps=tuple(_read_step(step) for step in own["steps"]),
        description=own.get("description"),
        input_schema=own.get("input_schema"),
        time_limit=own.get("time_limit"),
        metadata=own.get("metadata", {}),
        on_failure=own.get("on_failure", "wait"),
        expansion=Bounds(**_given(own.get("expansion", {}))),
        limits=_read_limits(own.get("limits", ())),
    )


def _read_step(definition: Json) -> StepDefinition:
    own = _given(definition)
    undo = own.get("compensate")
    return StepDefinition(
        name=own["name"],
        kind=own.get("kind", "standard"),
        depends_on=tuple(own.get("depends_on", ())),
        description=own.get("description"),
        input_schema=own.get("input_schema"),
        result_schema=own.get("result_schema"),
        batch=BatchPolicy(**_given(own.get("batch", {}))),
        compensate=None if undo is None else _read_compensation(_given(undo)),
        expands=tuple(own.get("expands", ())),
        limits=_read_limits(own.get("limits", ())),
        **_read_run(own),
    )


def _read_compensation(own: Json) -> Compensation:
    takes = own.get("takes")
    return Compensation(
        takes=None if takes is None else tuple(takes),
        when=own.get("when", "complete"),
        **_read_run(own),
    )


def _read_run(own: Json) -> dict[str, Any]:
    """What a step and a compensation have both: how they are run."""
    retry = dict(_given(own.get("retry", {})))
    if "permanent_errors" in retry:
        retry["permanent"] = tuple(retry.pop("permanent_errors"))
    return {
        "handler": own["handler"],
        "queue": own.get("queue"),
        "config": own.get("config", {}),
        "retry": Retry(**retry),
        "attempt_time_limit": own.get("attempt_time_limit"),
        "step_time_limit": own.get("step_time_limit"),
    }


def _read_limits(limits: Sequence[Json]) -> tuple[Limit, ...]:
    return tuple(Limit(**_given(limit)) for limit in limits)


def _given(own: Json) -> dict[str, Any]:
    """The fields that are there: null is the same as absent."""
    return {name: value for name, value in own.items() if value is not None}
