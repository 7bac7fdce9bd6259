"""Running a task again: from which steps, and whether its input and what it keeps fit. Pure, but for `rerun` and
`plan_rerun`, which touch the database through what asks it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from tasker.errors import ContractError, InvalidInputError
from tasker.values import shape_of
from tasker_grammar.contracts import Finding, check

__all__ = ["FAILED", "check_input", "check_kept", "name_steps", "plan_rerun", "rerun"]

FAILED = "failed"
"""In place of a step's name: all steps that have failed for good."""

Ask = Callable[..., Awaitable[Any]]
Json = Any
Rows = Sequence[Mapping[str, Json]]

_input = shape_of(Any, "the task's input")


async def plan_rerun(
    ask: Ask, task_id: UUID, from_steps: Sequence[str] | str | None, version: str | None
) -> Mapping[str, Json]:
    """What running the task again would keep, and what would run; checked against another version's contracts."""
    names: list[str] | None = None
    steps: Rows = ()
    if from_steps is not None:
        steps = await ask(
            "select coalesce(json_agg(s), '[]') from tasker.list_steps(%s) as s", [task_id]
        )
        given = [from_steps] if isinstance(from_steps, str) else from_steps
        names = name_steps(given, steps)
    plan = await ask("select tasker.plan_rerun(%s, %s::text[], %s)", [task_id, names, version])
    if version is not None and plan["kept"]:
        check_kept(await _define(ask, task_id, version), steps, plan["kept"])
    return {**plan, "from_steps": names}


async def rerun(
    ask: Ask,
    tell: Ask,
    task_id: UUID,
    reason: str,
    actor: str,
    from_steps: Sequence[str] | str | None,
    input: Json,
    version: str | None,
) -> Mapping[str, Json]:
    """Run the task again, as `tasker.rerun_task`; an input of None is the one it had.

    `tell` is what never sends a statement twice, because there would be two tasks then.
    """
    data = None
    if input is not None:
        data = _input.dump(input)
        check_input(await _define(ask, task_id, version), orjson.loads(data))
    plan = await plan_rerun(ask, task_id, from_steps, version)
    return await tell(
        "select tasker.rerun_task(%s, %s, %s, %s::text[], %s::jsonb, %s)",
        [task_id, reason, actor, plan["from_steps"], data and data.decode(), version],
    )


def name_steps(from_steps: Sequence[str], steps: Rows) -> list[str]:
    """The steps meant: `failed`, unless a step has that name, are those that have. Raises InvalidInputError."""
    if FAILED not in from_steps or any(step["name"] == FAILED for step in steps):
        return list(from_steps)
    failed = [step["name"] for step in steps if step["state"] in ("error", "tolerated")]
    if not failed:
        raise InvalidInputError("no step of the task has failed", "Name the steps to begin from.")
    return [name for name in from_steps if name != FAILED] + failed


def check_input(definition: Mapping[str, Json], input: Json) -> None:
    """Hold an input against a template's definition. Raises ContractError."""
    schema = definition.get("input_schema")
    findings = [] if schema is None else check(schema, input)
    if findings:
        raise ContractError("the task's input", findings)


def check_kept(definition: Mapping[str, Json], steps: Rows, kept: Sequence[str]) -> None:
    """Hold results that would be kept against the definition of another version. Raises ContractError."""
    schemas = {step["name"]: step.get("result_schema") for step in definition["steps"]}
    names, findings = set(kept), list[Finding]()
    for step in steps:
        schema = schemas.get(step["name"].partition("/")[0])
        if schema is not None and step["name"] in names and step["state"] == "complete":
            found = check(schema, step["result"])
            findings += [
                Finding(f"step {step['name']}, {each.path}", each.message) for each in found
            ]
    if findings:
        raise ContractError(
            f"results that would be kept do not fit version {definition['version']}, so these steps must run again",
            findings,
        )


async def _define(ask: Ask, task_id: UUID, version: str | None) -> Mapping[str, Json]:
    """The definition of the template that the task would have."""
    task = await ask("select tasker.get_task(%s)", [task_id])
    found = await ask(
        "select tasker.get_template(%s, %s, %s)",
        [task["namespace"], task["template"], version or task["version"]],
    )
    return found["definition"]
