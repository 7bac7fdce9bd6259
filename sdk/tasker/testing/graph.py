"""A task's graph as text that is the same on every run: no ids, no times. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

__all__ = ["draw_graph"]

Json = Any
Step = Mapping[str, Json]


def draw_graph(task: Mapping[str, Json], steps: Sequence[Step], names: Sequence[str]) -> str:
    """A task and its steps, a line each: state, attempts when there was more than one, parents, and what brought it.

    `names` are the steps of the template in their order. Neighbours in a batch that are alike share a line.
    """
    numbers = {step["step_no"]: _base(step) for step in steps}
    order = {name: at for at, name in enumerate(names)}
    ordered = sorted(steps, key=lambda step: _place(step, order))
    lines = [f"{task['namespace']}/{task['template']} {task['version']}: {task['state']}"]
    said = ((step, _describe(step, numbers)) for step in ordered)
    for (_, text), alike in groupby(said, key=lambda one: (_base(one[0]), one[1])):
        lines.append(f"  {_name([step for step, _ in alike])}: {text}")
    return "\n".join(lines) + "\n"


def _place(step: Step, order: Mapping[str, int]) -> tuple[int, int]:
    """In the template's order, then what is not in it, such as compensations, in the order it came."""
    at = order.get(_base(step))
    return (len(order), step["step_no"]) if at is None else (at, step["instance"] or 0)


def _base(step: Step) -> str:
    name: str = step["name"]
    return name if step["instance"] is None else name.rpartition("/")[0]


def _name(alike: Sequence[Step]) -> str:
    first: str = alike[0]["name"]
    return first if len(alike) == 1 else f"{first}-{alike[-1]['instance']}"


def _describe(step: Step, numbers: Mapping[int, str]) -> str:
    return ", ".join(_parts(step, numbers))


def _parts(step: Step, numbers: Mapping[int, str]) -> Iterator[str]:
    error: Json = step["error"]
    failed = step["state"] in ("error", "tolerated", "waiting_for_retry")
    yield f"{step['state']} ({error['type']})" if error and failed else step["state"]
    if step["attempt"] > 1:
        yield f"attempt {step['attempt']}"
    parents = [name for name in step["depends_on"] if name != step["undoes"]]
    if parents:
        yield f"after {' and '.join(parents)}"
    if step["undoes"] is not None:
        yield f"undoes {step['undoes']}"
    elif step["origin_no"] is not None:
        yield f"brought by {numbers.get(step['origin_no'], step['origin_no'])}"
