"""The end of the demonstration on paper. Pure functions to rich renderables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker.cli.marks import describe_state
from tasker.cli.tables import make_table
from tasker.demo.board import Board
from tasker.demo.checks import Check
from tasker.demo.crash import CRASHED_STEP
from tasker.demo.story import Evidence
from tasker.examples.payments import Books

__all__ = ["draw_summary"]

_WORDS = {"retry": "retried", "lost": "lost with their worker", "error": "failed for good"}


def draw_summary(
    evidence: Evidence,
    board: Board,
    books: Books,
    checks: Sequence[Check],
    unsuccessful: Counter[str],
    seconds: float,
) -> RenderableType:
    """Draw the orders, the checks, what was counted, and what to try next."""
    counted = ", ".join(f"{unsuccessful[kind]} {word}" for kind, word in _WORDS.items())
    return Group(
        Text(),
        _draw_orders(evidence, board, books),
        Text(),
        *(_draw_check(check) for check in checks),
        Text(),
        Text(f"{len(board)} tasks in {seconds:.1f} s. Attempts that did not succeed: {counted}."),
        Text(),
        *_draw_next(evidence),
    )


def _draw_orders(evidence: Evidence, board: Board, books: Books) -> RenderableType:
    states = {seen.run.task_id: seen.state for seen in board}
    attempts = {
        seen.run.task_id: step["attempt"]
        for seen in board
        for step in seen.steps
        if step["name"] == CRASHED_STEP
    }
    table = make_table("ORDER", "PAYMENT ATTEMPTS", "PAYMENT SERVICE", "CHARGES", "TASK")
    for order in evidence.orders:
        table.add_row(
            order.run.title,
            str(attempts[order.run.task_id]),
            ", ".join(books.calls_for(order.order_id)),
            str(len(books.charges_of(order.order_id))),
            describe_state(states[order.run.task_id]),
        )
    return table


def _draw_check(check: Check) -> Text:
    return Text.assemble(
        ("✓ ", "green") if check.holds else ("✗ ", "red"),
        check.claim,
        (f": {check.found}" if check.found else "", "dim"),
        *((f"\n    {fault}", "red") for fault in check.faults),
    )


def _draw_next(evidence: Evidence) -> list[RenderableType]:
    declined = next(o.run.task_id for o in evidence.orders if o.scenario.state != "complete")
    crashed = evidence.crash.run.task_id
    commands = Table.grid(padding=(0, 2))
    for command, why in (
        (f"tasker step show {crashed}/{CRASHED_STEP}", "its two attempts"),
        ("tasker dlq list", "the declined order waits for you there"),
        (f"tasker task show {declined}", "why it does"),
        ("tasker task list --tag demo", "all of them"),
    ):
        commands.add_row("", command, Text(why, style="dim"))
    return [Text("Try next, on the same database:", style="bold"), commands]
