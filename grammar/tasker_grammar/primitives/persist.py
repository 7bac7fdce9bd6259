"""`persist`: writes rows to a table, keyed, so that to write them again changes nothing more. What it may touch is the
world it is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_validator

from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Cost,
    Failure,
    Primitive,
    Running,
    Scope,
    Source,
    StepFields,
)
from tasker_grammar.primitives.parts import (
    CONSTRAINT,
    COUNT,
    DATA_ERROR,
    OVER_BUDGET,
    RESOURCE_UNAVAILABLE,
    TOO_LARGE,
    closed,
    codes_of,
    items_of,
)
from tasker_grammar.resources import Table
from tasker_grammar.type_algebra import may_be, members
from tasker_grammar.type_words import describe
from tasker_grammar.types import Anything, Null, Object, Type
from tasker_grammar.world import ActionFailed

__all__ = ["Persist", "PersistFields"]

CONFLICT = Failure(
    "CONFLICT", "Two of the rows have one key; or a row that is to be updated is not there."
)


class PersistFields(StepFields):
    """`resource`: the name of a table. `row`, an object, or `rows`, a list of them, as the table's contract has them.

    `mode`: insert_once leaves rows alone that are there; upsert brings them up to date; update needs them to be there.
    """

    resource: str
    mode: Literal["insert_once", "upsert", "update"]
    row: Source | None = None
    rows: Source | None = None

    @model_validator(mode="after")
    def _has_one(self) -> PersistFields:
        if (self.row is None) == (self.rows is None):
            raise ValueError("a persist has either `row` or `rows`")
        return self


@dataclass(frozen=True, slots=True)
class _Plan:
    table: Table
    mode: str
    written: Expression
    many: bool


class Persist(Primitive[PersistFields, _Plan]):
    """Writes one row or several, all or none."""

    kind = "persist"
    summary = "Write rows to a table: insert_once, upsert or update, by the table's key."
    gives = "{rows, changed}: how many were given, and how many changed something"
    effect = "idempotent_write"
    failures = (CONFLICT, CONSTRAINT, TOO_LARGE, RESOURCE_UNAVAILABLE, DATA_ERROR, OVER_BUDGET)
    fields = PersistFields

    def check(self, step: PersistFields, scope: Scope) -> Checked[_Plan] | Broken:
        """Each row must fit the table's contract, and have all of its key."""
        output = closed(rows=COUNT, changed=COUNT)
        table = scope.resource("/resource", "table", step.resource)
        field = "/row" if step.rows is None else "/rows"
        written = scope.expression(field, step.row or step.rows or "")
        if not isinstance(table, Table):
            return Broken(output)
        if step.mode not in table.modes:
            what = f'"{step.resource}" may not be written by {step.mode}'
            hint = f"It may by: {', '.join(table.modes)}."
            scope.report(
                "R510", "/mode", what, hint, expected=" or ".join(table.modes), got=step.mode
            )
        if written is None:
            return Broken(output)
        _check_rows(written.type, field, table, scope)
        plan = _Plan(table, step.mode, written, many=step.rows is not None)
        own = (CONFLICT, CONSTRAINT, RESOURCE_UNAVAILABLE)
        failures = codes_of(written, also=(*own, TOO_LARGE) if plan.many else own)
        return Checked(output, plan, self.effect, failures, Cost(writes=1))

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Write them."""
        value = await running.evaluate(plan.written)
        rows: list[Any] = value if plan.many else [value]
        if len(rows) > plan.table.max_rows:
            raise ActionFailed(
                TOO_LARGE.code, f"{len(rows)} rows at once; {plan.table.max_rows} are the most"
            )
        return await running.world.persist(running.place, plan.table, plan.mode, rows, running.done)


def _check_rows(type: Type, field: str, table: Table, scope: Scope) -> None:
    row = items_of(type) if field == "/rows" else type
    if row is None:
        what = "`rows` must be a list"
        scope.report(
            "C305", field, what, "For one row, say `row`.", expected="a list", got=describe(type)
        )
        return
    if not scope.fit(field, "C305", row, table.row):
        return
    loose = [name for name in table.key if not _is_sure(row, name)]
    if loose:
        what = f"a row may come without its key: {', '.join(loose)}"
        hint = "Each column of the table's key must be given and not null, or a retry would write twice."
        scope.report("E402", field, what, hint, expected=f"the key ({', '.join(table.key)})")


def _is_sure(row: Type, name: str) -> bool:
    """Whether a row always has something, and not null, in a column."""
    return all(isinstance(each, Object) and _has(each, name) for each in members(row))


def _has(row: Object, name: str) -> bool:
    column = row.fields.get(name)
    return column is not None and column.required and not may_be(column.type, Null, Anything)
