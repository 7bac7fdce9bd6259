"""Checks templates: one function, a template in, findings out. Pure, except for `pages`, which reads them.

Each module holds rules of one kind. `codes` lists all kinds of findings; `graph` is what several rules
walk over. What is an error here keeps a template from being made; the database, which trusts no client,
checks the part of it again without which tasks could not run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError
from typing import TYPE_CHECKING, cast

from tasker.checking.branches import find_branch_faults
from tasker.checking.codes import CODES, Code, make_fault
from tasker.checking.data import find_data_faults
from tasker.checking.edges import circle_fault, find_edge_faults, find_lone_steps
from tasker.checking.fields import find_step_faults, find_template_faults
from tasker.checking.graph import find_choices, read_graph
from tasker.checking.growth import find_growth_faults
from tasker.checking.handlers import find_handler_faults
from tasker.checking.times import find_path_time_faults, find_task_time_faults
from tasker.errors import Fault

if TYPE_CHECKING:
    from tasker.template import Template

__all__ = ["CODES", "Code", "Fault", "check", "find_faults", "find_step_faults", "make_fault"]

_NO_GRAPH = frozenset(
    {"step-count", "duplicate-step", "missing-parent", "self-dependency", "too-many-edges"}
)
_NO_SCHEMAS = frozenset({"invalid-schema", "step-input-not-object", "not-json"})


def check(template: Template, handlers: Collection[str] | None = None) -> list[Fault]:
    """What there is to be said about a template that could be made: warnings and infos.

    `handlers`: the names of those that workers have; None: not known, so nothing is said of them.
    """
    found = list(find_faults(template))
    if handlers is not None:
        found += find_handler_faults(template, handlers)
    return found


def find_faults(template: Template) -> Iterator[Fault]:
    """Everything that is to be said about a template, errors among it.

    Where the steps are no graph, or the schemas are none, no more is said of them than that: the
    rest would be guessed.
    """
    own = list(find_template_faults(template))
    for index, step in enumerate(template.steps):
        own += find_step_faults(step, ("steps", index))
    yield from own
    if not all(isinstance(cast("object", step.name), str) for step in template.steps):
        return
    yield from find_task_time_faults(template)
    edges = list(find_edge_faults(template))
    yield from edges
    if any(fault.code in _NO_GRAPH for fault in edges):
        return
    try:
        graph = read_graph(template.steps)
    except CycleError as error:
        yield circle_fault(template, error.args[1])
        return
    choices = find_choices(graph)
    yield from find_lone_steps(template.steps)
    yield from find_path_time_faults(template, graph)
    yield from find_growth_faults(graph)
    if not any(fault.code in _NO_SCHEMAS for fault in own):
        yield from find_branch_faults(graph, choices)
        yield from find_data_faults(template, graph, choices)
    if template.on_failure == "compensate" and all(s.compensate is None for s in template.steps):
        what = "tasks are to be undone when they fail, and no step has a compensation"
        mend = "Give compensations to the steps that change something, or leave on_failure out."
        yield make_fault("nothing-to-undo", ("on_failure",), what, mend)
