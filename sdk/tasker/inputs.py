"""Holds tasks' inputs against their template's contract before they are submitted. Asks the database for schemas."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import orjson

from tasker.errors import ContractError
from tasker.values import shape_of
from tasker.workflow import Workflow
from tasker_grammar.contracts import Contract

__all__ = ["InputContracts"]

Encode = Callable[[Any], bytes]

_FRESH = 5.0  # seconds for which "the version registered last" is taken to be the same

_anything = shape_of(Any, "the task's input")


class InputContracts:
    """The input contracts of templates, kept once they are known: by type for workflows, else by schema."""

    def __init__(self, ask: Callable[..., Awaitable[Any]]) -> None:
        self._ask = ask
        self._known: dict[tuple[str, str | None], tuple[Contract | None, float]] = {}

    async def encoder(
        self, template: str, version: str | None, workflow: Workflow | None
    ) -> Encode:
        """What turns an input into JSON, or raises ContractError. No input at all is an empty object."""
        if workflow is not None and version in (None, workflow.version):
            encode = workflow.input.dump
        else:
            encode = _by_schema(await self._contract(template, version))
        return lambda value: b"{}" if value is None else encode(value)

    async def _contract(self, template: str, version: str | None) -> Contract | None:
        contract, until = self._known.get((template, version), (None, 0.0))
        if anyio.current_time() < until:
            return contract
        namespace, _, name = template.partition("/")
        found = await self._ask(
            "select tasker.get_template(%s, %s, %s)", [namespace, name, version]
        )
        schema = found["definition"].get("input_schema")
        contract = None if schema is None else Contract(schema)
        until = anyio.current_time() + _FRESH if version is None else float("inf")
        self._known[template, version] = (contract, until)
        return contract


def _by_schema(contract: Contract | None) -> Encode:
    def encode(value: Any) -> bytes:
        data = _anything.dump(value)
        findings = contract.check(orjson.loads(data)) if contract is not None else []
        if findings:
            raise ContractError("the task's input", findings)
        return data

    return encode
