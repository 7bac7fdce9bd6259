"""What a worker is given: handlers, actions, resources, and the queues to serve, read from workflows, templates and
functions. Pure, but for the name of this process.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tasker.binding import ACTION, Handler, handler_of
from tasker.errors import DefinitionError
from tasker.template import Template
from tasker.workflow import Workflow

if TYPE_CHECKING:
    from tasker.actions.invoking import Invocable
    from tasker_grammar.resources import Resources

__all__ = [
    "Given",
    "default_name",
    "handlers_by_name",
    "queues_of",
    "resources_of",
    "split_actions",
    "templates_of",
]

Given = Workflow | Template | Handler | Callable[..., Any]
"""One of what a worker is given: functions are handlers, or actions that compositions may invoke."""


def default_name() -> str:
    """What a worker of this process is called when nobody names it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def templates_of(given: Iterable[Given]) -> list[Template]:
    """The templates among what a worker is given, those of workflows too."""
    return [
        one.template if isinstance(one, Workflow) else one
        for one in given
        if isinstance(one, Workflow | Template)
    ]


def queues_of(templates: Iterable[Template]) -> tuple[str, ...]:
    """The queues that the templates' steps go to, by default each namespace's own."""
    queues: dict[str, None] = {}
    for template in templates:
        own = template.namespace.lower().replace("-", "_")
        for step in template.steps:
            queues[step.queue or own] = None
            if step.compensate is not None:
                queues[step.compensate.queue or step.queue or own] = None
    return tuple(queues)


def split_actions(given: Iterable[Given]) -> tuple[dict[str, Invocable], list[Given]]:
    """What compositions may invoke, by name, and what else a worker is given. Raises DefinitionError."""
    actions: dict[str, Invocable] = {}
    others: list[Given] = []
    for one in given:
        own = one.actions if isinstance(one, Workflow) else (one,)
        found = [getattr(each, ACTION) for each in own if hasattr(each, ACTION)]
        if not found or isinstance(one, Workflow):
            others.append(one)
        for each in found:
            if actions.setdefault(each.name, each) is not each:
                raise DefinitionError(f"two actions are named {each.name}")
    return actions, others


def resources_of(given: Iterable[Given]) -> Resources | None:
    """The resources of the workflows among what a worker is given. Raises DefinitionError when there are several."""
    own = [one.resources for one in given if isinstance(one, Workflow)]
    different = [each for n, each in enumerate(own) if each is not None and each not in own[:n]]
    if len(different) > 1:
        raise DefinitionError(
            "the workflows have different resources: give the worker those to use"
        )
    return different[0] if different else None


def handlers_by_name(given: Iterable[Given]) -> dict[str, Handler]:
    """The handlers among what a worker is given. Raises DefinitionError when two have one name."""
    handlers: dict[str, Handler] = {}
    for one in given:
        match one:
            case Workflow():
                named = dict(one.handlers)
            case Template():
                named = {}
            case Handler():
                named = {one.name: one}
            case _:
                named = {handler_of(one).name: handler_of(one)}
        for name, handler in named.items():
            if handlers.setdefault(name, handler) is not handler:
                raise DefinitionError(f"two handlers are named {name}")
    return handlers
