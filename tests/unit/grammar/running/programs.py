"""Programs made by hand, of steps that are plain functions: what the interpreter does is seen without the checker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tasker_grammar.effects import Effect
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
    Primitive,
    Program,
    ProgramStep,
    Running,
    Scope,
    StepFields,
)
from tasker_grammar.resources import Endpoint, Event, Table
from tasker_grammar.types import Anything, Object

Run = Callable[[Running], Awaitable[Any]]

ENDPOINT = Endpoint(base_url="https://example.org")
TABLE = Table(table="orders", row=True, key=("id",))
EVENT = Event(payload=True)


class Function(Primitive[StepFields, Run]):
    """A primitive whose plan is what it does."""

    kind = "function"
    summary = "does what its plan says"
    effect = "pure"
    failures = ()
    fields = StepFields

    def check(self, step: StepFields, scope: Scope) -> Checked[Run] | Broken:
        raise NotImplementedError

    def run(self, plan: Run, running: Running) -> Awaitable[Any]:
        return plan(running)


def step(
    name: str,
    plan: Run,
    after: Sequence[str] = (),
    effect: Effect = "pure",
    branches: Mapping[str, Sequence[str]] | None = None,
    gathers: bool = False,
) -> ProgramStep:
    return ProgramStep(
        name,
        Function(),
        StepFields(id=name, kind="function"),
        Checked(Anything(), plan, effect),
        frozenset(after),
        frozenset(after),
        branches or {},
        gathers,
    )


def program(*steps: ProgramStep) -> Program:
    effect: Effect = "read" if any(s.checked.effect == "read" for s in steps) else "pure"
    return Program(
        steps, steps[-1].id, Object({}), Anything(), effect, frozenset(), Cost(work=len(steps))
    )


def gives(value: Any) -> Run:
    async def run(_: Running) -> Any:
        return value

    return run


def sees(*names: str) -> Run:
    """Gives the outputs of these steps; None for one that did not run."""

    async def run(running: Running) -> Any:
        return [running.given.get(name) for name in names]

    return run


async def read(running: Running) -> Any:
    return await running.world.acquire(running.place, ENDPOINT, {})


def write(row: Callable[[Running], Any] = lambda _: {"id": 1}) -> Run:
    async def run(running: Running) -> Any:
        return await running.world.persist(
            running.place, TABLE, "upsert", [row(running)], running.done
        )

    return run
