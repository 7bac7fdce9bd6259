"""Starts child tasks for the handlers of a worker. Touches the database through the worker's session."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from tasker import telemetry
from tasker.children import NewChild
from tasker.errors import PermanentError, RequestError
from tasker.grant import Grant
from tasker.inputs import InputContracts
from tasker.priority import priority_number
from tasker.requests import request_errors
from tasker.storable import serialize
from tasker.workflow import Workflow
from tasker_grammar.contracts import Finding
from tasker_sql.session import Session

__all__ = ["Starter"]


class Starter:
    """Starts children under the leases of one worker's steps; keeps the input contracts of their templates."""

    __slots__ = ("_inputs", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inputs = InputContracts(session.ask)

    async def start(self, grant: Grant, child: NewChild) -> UUID | None:
        """Start a child of the granted step, or find the one it has; None when the lease was lost.

        Raises PermanentError for what no other attempt would mend: ContractError for an input that does not fit.
        """
        try:
            with request_errors():
                row = await self._encode(child)
                lease = [*grant.lease().values(), child.name, row, child.on_parent_end]
                found = await self._session.ask(
                    "select tasker.start_task(%s, %s, %s, %s, %s, %s, %s::jsonb, %s)", lease
                )
        except RequestError as refused:
            raise PermanentError(f"child task {child.name} was not started: {refused}") from refused
        return None if found is None else UUID(str(found))

    async def _encode(self, child: NewChild) -> str:
        """The child as `tasker.start_task` takes it; the input is embedded as the JSON it is."""
        workflow = child.template if isinstance(child.template, Workflow) else None
        name = child.template if isinstance(child.template, str) else child.template.full_name
        version = workflow.version if workflow and child.version is None else child.version
        encode = await self._inputs.encoder(name, version, workflow)
        namespace, _, short = name.partition("/")
        row: dict[str, Any] = {
            "namespace": namespace,
            "template": short,
            "version": version,
            "input": orjson.Fragment(encode(child.input)),
            "priority": None if child.priority is None else priority_number(child.priority),
            "tags": list(child.tags),
            "trace_context": telemetry.trace_context(),
            "context": None if child.context is None else _embed(child),
        }
        return orjson.dumps(row).decode()


def _embed(child: NewChild) -> orjson.Fragment:
    data = serialize(orjson.dumps, child.context)
    if isinstance(data, Finding):
        raise PermanentError(f"the context of child task {child.name} cannot be stored: {data}")
    return orjson.Fragment(data)
