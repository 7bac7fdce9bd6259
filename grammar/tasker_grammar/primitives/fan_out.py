"""`fan_out`: does the same for each item of a list. Does itself what its steps do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from tasker_grammar.composition import Id
from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
    Failure,
    Primitive,
    Program,
    Running,
    Scope,
    Source,
    StepFields,
    Ties,
)
from tasker_grammar.primitives.parts import (
    COUNT,
    DATA_ERROR,
    OVER_BUDGET,
    closed,
    codes_of,
    items_of,
)
from tasker_grammar.running.together import together
from tasker_grammar.type_words import describe
from tasker_grammar.types import Array, Object, String, Type
from tasker_grammar.types import Field as TypeField
from tasker_grammar.world import ActionFailed

__all__ = ["FanOut", "FanOutFields"]

TOO_WIDE = Failure("TOO_WIDE", "The list has more items than `max_items`.")


class FanOutFields(StepFields):
    """`over`: a list. For each item `steps` run, whose expressions see `.item` and `.index` too; what their `result`
    gives is in the list that it gives, in the same order.

    `concurrency`: how many at once. `on_item_error`: fail; or skip, go on without items that failed for good.
    """

    over: Source
    steps: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    result: Id
    max_items: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    concurrency: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    on_item_error: Literal["fail", "skip"] = "fail"


@dataclass(frozen=True, slots=True)
class _Plan:
    over: Expression
    body: Program
    most: int
    concurrency: int
    skip: bool


class FanOut(Primitive[FanOutFields, _Plan]):
    """Has the effect and the failures of its steps, and their cost for each item."""

    kind = "fan_out"
    summary = "Run steps for each item of a list, and give the list of what they gave."
    gives = "a list of what `result` gave for each item; with skip {results, failed: [{index, code, message}]}"
    effect = "idempotent_write"
    failures = (TOO_WIDE, DATA_ERROR, OVER_BUDGET)
    fields = FanOutFields

    def check(self, step: FanOutFields, scope: Scope) -> Checked[_Plan] | Broken:
        """Its steps are checked for an item of the list's type."""
        over = scope.expression("/over", step.over)
        if over is None:
            return Broken()
        items = items_of(over.type)
        if items is None:
            what, hint = "a fan_out goes over a list", "For one value, write its steps in place."
            scope.report("C307", "/over", what, hint, expected="a list", got=describe(over.type))
            return Broken()
        inner = Object({**scope.given.fields, "item": TypeField(items), "index": TypeField(COUNT)})
        body = scope.program("/steps", step.steps, step.result, inner)
        if body is None:
            return Broken()
        skip = step.on_item_error == "skip"
        plan = _Plan(over, body, step.max_items, step.concurrency, skip)
        return Checked(
            _output(over.type, body.output, step),
            plan,
            body.effect,
            codes_of(over, also=(TOO_WIDE,)) | body.failures,
            _cost(body.cost, step.max_items),
            inside={"steps": body},
        )

    def ties(self, step: FanOutFields) -> Ties:
        """Its steps' expressions see what its own see."""
        return Ties(within=step.steps)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Run the steps for each item."""
        items: list[Any] = await running.evaluate(plan.over)
        if len(items) > plan.most:
            what = f"the list has {len(items)} items; {plan.most} are the most"
            raise ActionFailed(TOO_WIDE.code, what)
        each = _run_or_tell if plan.skip else _run_item
        runs = [partial(each, plan, running, index, item) for index, item in enumerate(items)]
        outcomes = await together(runs, plan.concurrency)
        return _part(outcomes) if plan.skip else outcomes


def _output(over: Type, result: Type, step: FanOutFields) -> Type:
    if step.on_item_error == "skip":
        failed = closed(index=COUNT, code=String(), message=String())
        most = (("maxItems", step.max_items),)
        return closed(results=Array(result, most), failed=Array(failed, most))
    facets = dict(over.facets) if isinstance(over, Array) else {}
    kept = {"maxItems": min(step.max_items, facets.get("maxItems", step.max_items))}
    if "minItems" in facets:
        kept["minItems"] = facets["minItems"]
    return Array(result, tuple(sorted(kept.items())))


def _cost(body: Cost, items: int) -> Cost:
    return replace(
        body,
        work=1 + items * body.work,
        writes=items * body.writes,
        width=max(1, items) * body.width,
        depth=1 + body.depth,
    )


async def _run_item(plan: _Plan, running: Running, index: int, item: Any) -> Any:
    given = {**running.given, "item": item, "index": index}
    return await running.run(plan.body, given, f"[{index}]")


async def _run_or_tell(plan: _Plan, running: Running, index: int, item: Any) -> Any:
    """What the item gives, or its failure. One that another attempt may mend is not told, but raised."""
    try:
        return await _run_item(plan, running, index, item)
    except ActionFailed as failure:
        if failure.retryable:
            raise
        return _Failed({"index": index, "code": failure.code, "message": str(failure)})


@dataclass(frozen=True, slots=True)
class _Failed:
    told: dict[str, Any]


def _part(outcomes: list[Any]) -> dict[str, list[Any]]:
    return {
        "results": [each for each in outcomes if not isinstance(each, _Failed)],
        "failed": [each.told for each in outcomes if isinstance(each, _Failed)],
    }
