"""What a worker runs steps with: its handlers, those of its children, and what runs Tasker's own steps. Each step is
joined to its handler once. Touches the children's bridges.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasker.binding import BoundHandler, Handler, bind_handler
from tasker.errors import DefinitionError
from tasker.foreign import ForeignHandler, ForeignStep, foreign_handlers
from tasker.grant import Definition, describe_failure
from tasker.names import COMPOSITION, OWN_HANDLERS, did_you_mean
from tasker.outcome import LACKING_DELAY, Failed, Outcome, Released
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge import Bridge, BridgeError

if TYPE_CHECKING:
    from tasker.actions.outside import Outside

__all__ = ["WorkerHandlers"]

_log = logging.getLogger(__name__)

Bound = BoundHandler | ForeignStep | Outcome
"""What runs a step; or what each attempt of it comes to in this worker, which cannot."""


@dataclass(slots=True)
class WorkerHandlers:
    """The handlers of the worker called `worker`, `by_name`. `outside` is what compositions reach, while it is open."""

    worker: str
    by_name: dict[str, Handler | ForeignHandler]
    bridges: Sequence[Bridge] = ()
    outside: Outside | None = None
    _bound: dict[int, Bound] = field(default_factory=dict[int, Bound])

    @property
    def names(self) -> list[str]:
        """All that the worker can run, Tasker's own among them."""
        return sorted({*self.by_name, *OWN_HANDLERS})

    async def open_bridges(self, stack: AsyncExitStack) -> None:
        """Start the children, and know their handlers until the stack is left. Raises DefinitionError."""
        for bridge in self.bridges:
            try:
                await stack.enter_async_context(bridge)
            except BridgeError as error:
                raise DefinitionError(
                    f"the handlers of {bridge.name} cannot be run: it {error}"
                ) from error
            for handler in foreign_handlers(bridge):
                if handler.name in self.by_name:
                    raise DefinitionError(
                        f"two handlers are named {handler.name}; one is of {bridge.name}"
                    )
                self.by_name[handler.name] = handler
                stack.callback(self.by_name.pop, handler.name)

    def tell_missing(self, templates: Iterable[Template]) -> None:
        """Warn of steps of the templates that this worker cannot run: that may be meant, or a name left out."""
        for template in templates:
            for handler, name in template.handlers:
                if handler not in self.by_name and handler not in OWN_HANDLERS:
                    _log.warning(
                        "no handler %s here, for step %s of %s: another worker must have it. %s",
                        handler,
                        name,
                        template.full_name,
                        self._hint(handler) or f"(A handler class has a name: name = {handler!r})",
                    )

    def bound_to(self, definition: Definition) -> Bound:
        """What runs a step; or what each attempt of it comes to here."""
        found = self._bound.get(definition.definition_id)
        if found is None:
            found = self._bound[definition.definition_id] = self._bind(definition)
        return found

    def _bind(self, definition: Definition) -> Bound:
        handler = self.by_name.get(definition.handler)
        if handler is None and definition.handler not in OWN_HANDLERS:
            return self._miss(definition)
        step = StepDefinition(
            definition.name,
            definition.handler,
            "standard" if definition.kind == "compensation" else definition.kind,
            depends_on=tuple(name for _, name in definition.parents),
            input_schema=definition.input_schema,
            result_schema=definition.result_schema,
        )
        try:
            if handler is None:
                return self._bind_own(definition, step)
            if isinstance(handler, ForeignHandler):
                return handler.bind(step)
            return bind_handler(handler, step, definition.task_input_schema)
        except DefinitionError as error:
            return Failed(describe_failure("DefinitionError", str(error)))

    def _bind_own(self, definition: Definition, step: StepDefinition) -> BoundHandler | Outcome:
        """Join a step that is a composition, or of a fragment, to what runs it."""
        from tasker.actions.fragment_steps import bind_fragment_step
        from tasker.actions.running import bind_composition

        assert self.outside is not None
        if definition.handler != COMPOSITION:
            return bind_fragment_step(definition, step, self.outside, self.worker)
        bound = bind_composition(definition, step, self.outside, self.worker)
        if not isinstance(bound, BoundHandler):
            _log.warning("step %s cannot run here: %s", definition.name, bound.failure.message)
        return bound

    def _miss(self, definition: Definition) -> Released:
        _log.warning("no handler %s here, for step %s", definition.handler, definition.name)
        missing = f"worker {self.worker} has no handler {definition.handler}"
        if hint := self._hint(definition.handler):
            missing = f"{missing}. {hint}"
        return Released(describe_failure("HandlerMissing", missing), LACKING_DELAY)

    def _hint(self, handler: str) -> str:
        """What helps whoever expected a handler here: a name that is near, and the children that have others."""
        children = ", ".join(f"{bridge.name} ({bridge.origin})" for bridge in self.bridges)
        asked = f"Neither Python nor these children have it: {children}" if children else ""
        return " ".join(part for part in (did_you_mean(handler, self.by_name), asked) if part)
