"""Whether the handlers of a template are known to those who run them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from tasker.checking.codes import make_fault
from tasker.errors import Fault
from tasker.names import OWN_HANDLERS, Hints

if TYPE_CHECKING:
    from tasker.template import Template

__all__ = ["find_handler_faults"]


def find_handler_faults(template: Template, known: Collection[str]) -> Iterator[Fault]:
    """Steps and compensations whose handlers are not among those that are known."""
    hints = Hints(known)
    for index, step in enumerate(template.steps):
        runs: list[tuple[str, tuple[str | int, ...]]] = [
            (step.handler, ("steps", index, "handler"))
        ]
        if step.compensate is not None:
            runs.append((step.compensate.handler, ("steps", index, "compensate", "handler")))
        for handler, path in runs:
            if handler not in known and handler not in OWN_HANDLERS:
                what = f'no worker has the handler "{handler}" of step "{step.name}"'
                mend = hints.find(handler) or "Start a worker with it before tasks are submitted."
                yield make_fault("unserved-handler", path, what, mend)
