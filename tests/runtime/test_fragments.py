"""Fragments that a handler proposes: they become steps of the task, or nothing at all."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from pydantic import BaseModel
from tests.runtime.support import AT_ONCE, PATIENCE, ask, failure, until
from tests.runtime.test_compositions import ORDERS, ROW, Order, orders, step
from tests.runtime.test_compositions import SAVE as SAVED

from tasker import (
    Client,
    DefinitionError,
    Expansion,
    PermanentError,
    StepContext,
    TaskFailed,
    Worker,
    Workflow,
    handler,
)
from tasker.actions.fragments import Place, grow, propose, read_place
from tasker.errors import TemplateError
from tasker.vocabulary import Vocabulary
from tasker.yaml_template import parse_templates
from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.composition import Bounds, Composition
from tasker_grammar.resources import Resources, Table

__all__ = ["orders"]

SAVE = {**SAVED, "row": "{id: .input.id, total: .doubled}"}
DOUBLED = {"id": "doubled", "kind": "transform", "value": ".input.total * 2"}
FREE = Bounds(gate_writes=False)


def fragment(*steps: dict[str, Any], result: str = "end") -> dict[str, Any]:
    return {"version": "1", "steps": list(steps), "result": result}


def planned(proposed: Any, result: Any = int, **place: Any) -> Workflow:
    """A workflow whose first step proposes this, and whose last one gathers what comes of it."""
    flow = Workflow("planned", input=Order, resources=ORDERS)
    flow.fragment("act", result=result, **place)

    @flow.step(retry=AT_ONCE)
    async def plan(ctx: StepContext) -> Expansion[str]:
        return ctx.propose("act", proposed, "as asked")

    @flow.convergence
    def close(act: list[Any], plan: str) -> list[Any]:
        return [plan, *act]

    return flow


TABLES = """
    select json_agg(c.relname order by c.relname) from pg_class c
    where c.relnamespace = 'tasker'::regnamespace and c.relkind = 'r' and c.relname not in ('attempt', 'worker')
"""


async def count_rows(db: psycopg.AsyncConnection) -> dict[str, int]:
    """How many rows each of the engine's tables has, but those that tell of attempts and workers."""
    tables = await ask(db, TABLES)
    assert "step" in tables
    return {name: await ask(db, f"select count(*) from tasker.{name}") for name in tables}


@pytest.mark.anyio
async def test_a_fragment_becomes_steps_whose_result_is_gathered(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = planned(
        fragment(DOUBLED, SAVE, step("end", "transform", value=".doubled + .saved.changed")),
        bounds=FREE,
    )
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == ["as asked", 21]

    assert orders.execute("select * from orders").fetchall() == [(1, 20)]
    steps = {each["name"]: each for each in await task.steps()}
    assert [*steps] == [
        *("plan", "close", "act.step/1", "act.step/2", "act.step/3", "act.step/4", "act/1"),
    ]
    plan_no = steps["plan"]["step_no"]
    assert {steps[name]["origin_no"] for name in steps if name.startswith("act")} == {plan_no}
    assert await ask(db, "select count(*) from tasker.verify(%s)", task.id) == 0


@pytest.mark.anyio
async def test_what_was_not_chosen_does_not_run_and_a_convergence_goes_on(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = planned(
        fragment(
            DOUBLED,
            step(
                "route",
                "decide",
                cases=[{"name": "large", "when": ".doubled > 100", "then": ["saved"]}],
                **{"else": ["small"]},
            ),
            SAVE,
            step("behind", "transform", value=".saved.changed"),
            step("small", "transform", value='"small"'),
            step("both", "converge", needs=["behind", "small"], mode="created"),
            step("end", "transform", value='.both.small // "large"'),
        ),
        result=str,
        bounds=FREE,
    )
    async with Worker(flow, url=database):
        for total, came in ((10, "small"), (1_000, "large")):
            task = await client.submit(flow, Order(id=total, total=total))
            assert await task.result(timeout=PATIENCE) == ["as asked", came]

    assert orders.execute("select * from orders").fetchall() == [(1_000, 2_000)]


@pytest.mark.anyio
async def test_a_rejected_fragment_leaves_nothing_and_says_all_that_is_wrong(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = planned(
        fragment(
            DOUBLED,
            SAVE,  # not behind a gate
            step("wrong", "transform", value=".input.totl"),
            step("end", "transform", value=".nothing", needs=["saved", "wrong"]),
        )
    )
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        before = await count_rows(db)
        error = await failure(task)
        assert await count_rows(db) == before

    assert (error.step, error.type) == ("plan", "FragmentRejected")
    for code in ("E401", "X101"):
        assert f"[{code}]" in error.message


@pytest.mark.anyio
async def test_another_attempt_may_propose_a_better_one(database: str, client: Client) -> None:
    flow = Workflow("again", input=Order)
    flow.fragment("act", rejected="retry")

    @flow.step(retry=AT_ONCE)
    async def plan(ctx: StepContext) -> Expansion[None]:
        value = ".input.totl" if ctx.attempt == 1 else ".input.total"
        return ctx.propose("act", fragment(step("end", "transform", value=value)))

    @flow.convergence
    def close(act: list[Any]) -> Any:
        return act

    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == [10]


@pytest.mark.anyio
async def test_a_step_of_a_fragment_asks_people_and_writes_behind_their_yes(
    database: str, client: Client, orders: psycopg.Connection, db: psycopg.AsyncConnection
) -> None:
    flow = planned(
        fragment(
            DOUBLED,
            step("allowed", "gate", title='"Write?"', show=".doubled"),
            {**SAVE, "needs": ["allowed"]},
            step("end", "transform", value=".saved.changed"),
        )
    )
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        await until(db, "select exists (select from tasker.approval)")
        assert orders.execute("select * from orders").fetchall() == []
        await task.answer("allowed", True, reason="fine", actor="ada")
        assert await task.result(timeout=PATIENCE) == ["as asked", 1]


@pytest.mark.anyio
async def test_each_step_is_checked_again_where_it_runs(
    database: str, client: Client, orders: psycopg.Connection
) -> None:
    flow = planned(
        fragment(DOUBLED, SAVE, step("end", "transform", value=".saved.changed")),
        bounds=FREE,
        queue="acting",
    )
    text = {**ROW, "properties": {"id": {"type": "integer"}, "total": {"type": "string"}}}
    other = Resources(tables={"orders": Table(table="orders", row=text, key=("id",))})
    async with (
        Worker(flow, url=database, queues=["default"]),
        Worker(flow.template, url=database, queues=["acting"], resources=other),
    ):
        task = await client.submit(flow, Order(id=1, total=10))
        with pytest.raises(TaskFailed) as failed:
            await task.result(timeout=PATIENCE)

    assert {error.type for error in failed.value.errors} == {"FragmentUnsound"}
    assert all("[C305]" in error.message for error in failed.value.errors)
    assert orders.execute("select * from orders").fetchall() == []


DOUBLE = Composition.model_validate(
    {
        "name": "double",
        "parameters": {"of": {"kind": "expression"}},
        "steps": [step("end", "transform", value={"$param": "of"})],
        "result": "end",
    }
)


class Hit(BaseModel):
    name: str
    score: float


@pytest.mark.anyio
async def test_a_plan_works_on_what_was_found_with_the_workflows_own_compositions(
    database: str, client: Client
) -> None:
    flow = Workflow("searched", input=Order, compositions=Catalog((*bundled(), DOUBLE)))
    flow.fragment("act", result=float)

    @flow.step(retry=AT_ONCE)
    async def plan(ctx: StepContext) -> Expansion[None]:
        double = step(
            "doubled",
            "compose",
            composition="double",
            input="{best: .best, order: .input.total}",
            **{"with": {"of": ".input.best.score * 2 + .input.order"}},
        )
        end = step("end", "transform", value=".doubled + (.names | length)")
        given = {"best": Hit(name="ada", score=1.5), "names": ["ada", "alan"]}
        return ctx.propose("act", fragment(double, end), given=given)

    @flow.convergence
    def close(act: list[float]) -> float:
        return act[0]

    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == 15.0


@pytest.mark.parametrize(
    ("given", "value", "said"),
    [
        ({"found": {"a": 1}}, ".found.b", r"no field 'b'[\s\S]*X101"),
        ({}, ".found.a", "G103"),
        ({"end": 1}, ".input.total", "G102"),
        ({"input": 1}, ".input.total", "'input', but expressions cannot see that"),
        ({"Found": 1}, ".input.total", "'Found', but expressions cannot see that"),
        ({"found": object()}, ".input.total", "given as found"),
    ],
)
def test_what_a_fragment_is_given_is_checked_with_it(
    given: dict[str, Any], value: str, said: str
) -> None:
    place = Place(Bounds(), {"type": "object", "properties": {"total": {"type": "integer"}}})
    steps = fragment(step("end", "transform", value=value))
    with pytest.raises(PermanentError, match=said):
        grow("act", propose(steps, given), place, Resources(), None)


YAML = """
name: planned
namespace_name: default
version: 1.0.0
input_schema:
  type: object
  properties: {total: {type: integer}}
  required: [total]
steps:
  - name: plan
    handler: {callable: planner}
    expands: [act]
  - name: act
    type: dynamic
    fragment: {max_steps: 5, max_writes: 0, kinds: [transform]}
    result_schema: {type: integer}
  - name: close
    type: deferred_convergence
    handler: {callable: closer}
    dependencies: [act]
"""


@pytest.mark.parametrize("first", ["act", "act.step"])
def test_a_place_takes_no_name_that_a_step_has(first: str) -> None:
    """The steps of its fragments are called by its name, too."""
    flow = Workflow("named", input=Order)

    @flow.dynamic(name=first)
    async def own(number: int) -> int:
        return number

    with pytest.raises(DefinitionError, match=f"fragment act: {first}: there is a step"):
        flow.fragment("act")
    text = YAML + f"  - {{name: {first}, type: dynamic, handler: {{callable: own}}}}\n"
    with pytest.raises(TemplateError, match=f'two steps are named "{first}"'):
        parse_templates(text)


@pytest.mark.anyio
async def test_steps_that_come_to_be_propose_more_until_they_are_done(
    database: str, client: Client, db: psycopg.AsyncConnection
) -> None:
    flow = Workflow("rounds", input=Order)
    flow.fragment("act", result=int)

    @flow.dynamic
    async def again(left: int, ctx: StepContext) -> Expansion[int]:
        ctx.propose("act", fragment(step("end", "transform", value="0")))  # thought better of
        more = ctx.propose(
            "act", fragment(step("end", "transform", value=".left")), 0, given={"left": left}
        )
        if left:
            more.add(again, left=left - 1)
        return more

    @flow.step
    async def plan(ctx: StepContext) -> Expansion[None]:
        first = Expansion()
        first.add(again, left=3)
        return first

    @flow.convergence
    def close(act: list[int]) -> list[int]:
        return act

    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=1))
        assert await task.result(timeout=PATIENCE) == [3, 2, 1, 0]
    assert await ask(db, "select count(*) from tasker.verify(%s)", task.id) == 0


def test_a_place_keeps_the_compositions_that_it_was_registered_with() -> None:
    known = Vocabulary(compositions=Catalog((*bundled(), DOUBLE)))

    def kept(text: str) -> list[str]:
        [loaded] = parse_templates(text, vocabulary=known)
        [act] = [each for each in loaded.template.steps if each.name == "act"]
        return [each.name for each in read_place(act.config["fragment"]).compositions]

    assert kept(YAML) == []
    assert kept(YAML.replace("kinds: [transform]", "kinds: [transform, compose]")) == ["double"]


@pytest.mark.anyio
async def test_a_place_in_yaml_has_bounds(database: str, client: Client) -> None:
    @handler("planner")
    async def planner(ctx: StepContext) -> Expansion[None]:
        over = {"id": "end", "kind": "transform", "value": ".input.total + 1"}
        wait = {"id": "night", "kind": "wait", "for": "8h"}
        steps = [over] if ctx.task_input["total"] else [over, wait]
        return ctx.propose("act", fragment(*steps))

    @handler("closer")
    def closer(act: list[int]) -> int:
        return sum(act)

    [loaded] = parse_templates(YAML)
    async with Worker(loaded.template, planner, closer, url=database):
        task = await client.submit("default/planned", {"total": 41})
        assert await task.result(timeout=PATIENCE) == 42
        error = await failure(await client.submit("default/planned", {"total": 0}))
    assert "[B205]" in error.message


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("end", "given"), [(".odd", {"$left_out": True}), ("[.odd]", [{"$left_out": True}])]
)
async def test_an_output_cannot_say_that_its_step_did_not_run(
    database: str, client: Client, end: str, given: Any
) -> None:
    odd = step("odd", "transform", value='{"$left_out": true}')
    flow = planned(fragment(odd, step("end", "transform", value=end)), result=type(given))
    async with Worker(flow, url=database):
        task = await client.submit(flow, Order(id=1, total=10))
        assert await task.result(timeout=PATIENCE) == ["as asked", given]
